"""The listening socket, and the error text if it cannot be opened."""

from __future__ import annotations

import errno
import os
import socket

from agent.config.decode import Problem
from collectors.address import OFF, Address

BACKLOG = 128


class ListenError(Exception):
    """The agent cannot listen on the address."""

    @property
    def problem(self) -> Problem:
        """The error as a problem of the configuration."""
        return Problem("web.listen", str(self))


def open_socket(address: Address, key: str = "web.listen") -> socket.socket:
    """Return a listening TCP socket on `address`; an empty host is every interface of both IP versions.

    Args:
        address: The address.
        key: The key of the configuration that has the address.

    Raises:
        ListenError: With the address, the reason, the process that holds the port, and the fix.
    """
    try:
        return _open(address)
    except OSError as error:
        raise ListenError(_explained(address, key, error)) from error


def check(address: Address) -> None:
    """Check that the agent could listen on an address whose port is free.

    Raises:
        ListenError: The host is not this machine's, or the port needs permission.
    """
    if address == OFF:
        return
    try:
        _open(Address(address.host, address.port)).close()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:  # such as by the running agent
            raise ListenError(_explained(address, "web.listen", error)) from error


def _open(address: Address) -> socket.socket:
    if not address.host and socket.has_dualstack_ipv6():
        return socket.create_server(("", address.port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
    found = socket.getaddrinfo(address.host or "0.0.0.0", address.port, type=socket.SOCK_STREAM)  # noqa: S104 - the user's choice
    # Prefer IPv4 for a name with several addresses, such as localhost, because most clients try it.
    family, _, _, _, bound = min(found, key=lambda it: it[0] != socket.AF_INET)
    return socket.create_server((str(bound[0]), int(bound[1])), family=family, backlog=BACKLOG)


def _reason(error: OSError) -> str:
    """Return the system's own words, which asyncio extends."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


def _explained(address: Address, key: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        from agent.web.port_holder import holder

        return (
            f"port {address.port} is taken by {holder(address.port)}; "
            f"stop that, or set {key} to another port than {str(address)!r}"
        )
    if error.errno == errno.EACCES:
        return f"no permission to listen on {str(address)!r}; set {key} to a port from 1024 on"
    return f"cannot listen on {str(address)!r}: {_reason(error)}; set {key} to an address of this machine"


def bound_address(listening: socket.socket, asked: Address) -> Address:
    """Return the requested address with the actual port."""
    return Address(asked.host, int(listening.getsockname()[1]))
