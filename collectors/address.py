"""An address that the agent listens on, in the notation of `web.listen`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_ADDRESS = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a TCP port. An empty host is every interface; port 0 is any free port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `"127.0.0.1:9787"`, `"[::1]:9787"`, `"localhost:9787"` or `":9787"`.

        Raises:
            ValueError: The text is malformed, or the port is above 65535.
        """
        found = _ADDRESS.fullmatch(text.strip())
        if found is None or int(found["port"]) > _MAX_PORT:
            raise ValueError(f"expected HOST:PORT, PORT up to {_MAX_PORT}, such as '127.0.0.1:9787', got {text!r}")
        return cls(found["six"] or found["host"], int(found["port"]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local(self) -> Address:
        """The address for clients on this machine."""
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - replaced
        return Address(host, self.port)

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach it. A name other than `localhost` counts as reachable."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
