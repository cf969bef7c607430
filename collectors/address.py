"""An address that the agent listens on, in the notation of `web.listen`."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

_ADDRESS = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")
_MAX_PORT = 65535
_OFF = "off"


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a TCP port. An empty host is every interface; port 0 is any free port; `OFF` is no port at all."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `"127.0.0.1:9787"`, `"[::1]:9787"`, `"localhost:9787"`, `":9787"` or `"off"`.

        Raises:
            ValueError: The text is malformed, or the port is above 65535.
        """
        if text.strip() == _OFF:
            return OFF
        found = _ADDRESS.fullmatch(text.strip())
        if found is None or int(found["port"]) > _MAX_PORT:
            raise ValueError(
                f"expected HOST:PORT, PORT up to {_MAX_PORT}, such as '127.0.0.1:9787', or 'off', got {text!r}"
            )
        return cls(found["six"] or found["host"], int(found["port"]))

    def __str__(self) -> str:
        if self == OFF:
            return _OFF
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local(self) -> Address:
        """The address for clients on this machine."""
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - replaced
        return Address(host, self.port)

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can reach it. A name other than `localhost` counts as reachable."""
        if self == OFF:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


OFF = Address("", -1)
"""The address of an agent that listens on no port."""
