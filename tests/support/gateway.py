"""The keys of a gateway: an authority, the gateway's certificate, and the user of an agent."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import bcrypt

from tests.support.certificates import Authority, Certificate

USER, PASSWORD = "agent", "the gateway's password"


class Keys(NamedTuple):
    """The keys that an agent needs to push.

    Attributes:
        authority: The file with the authority of all certificates.
        client: The agent's certificate.
        password: The file with its password.
    """

    authority: Path
    client: Certificate
    password: Path

    def settings(self) -> str:
        """Return the lines of a section `[remote_write]` or `[loki]`."""
        given = {
            "username": USER,
            "password_file": self.password,
            "ca_file": self.authority,
            "cert_file": self.client.cert,
            "key_file": self.client.key,
        }
        return "".join(f'{name} = "{value}"\n' for name, value in given.items())


def gateway_keys(folder: Path, address: str = "127.0.0.1") -> Keys:
    """Write the directory `GATEWAY_KEYS` of a gateway at this address."""
    folder.mkdir()
    authority = Authority(folder, "clients")
    authority.issue("server", f"IP:{address}")
    (folder / "users").write_text(f"{USER}:{bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}\n")
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    return Keys(authority.cert, authority.issue("studio-7"), password)
