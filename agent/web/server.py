"""The HTTP servers on the agent's port and on the control socket."""

from __future__ import annotations

import socket
import ssl
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path

import structlog

from agent.web import control_socket
from agent.web.connections import Connections, Limits
from agent.web.http_server import HttpServer
from agent.web.listener import ListenError, bound_address, open_socket
from agent.web.pages import Pages
from agent.web.security.guard import Guard, network
from agent.web.security.web_security import WebSecurity
from collectors.address import OFF, Address
from collectors.offloop import within

_DISK_DEADLINE = 10.0
_UNREACHABLE = "wr-agent status and doctor cannot reach this agent"

log = structlog.get_logger()


class WebServer:
    """The HTTP server on the agent's port, which can change its address while it runs.

    Args:
        pages: The request handlers.
        security: The access rules.
        hosts: Returns the configured host names of this agent.
        limits: The limits of connections.
    """

    def __init__(
        self,
        pages: Pages,
        security: WebSecurity,
        hosts: Callable[[], Collection[str]] = tuple,
        limits: Limits | None = None,
    ) -> None:
        app = pages.application()
        self._streams = pages.streams
        guard = Guard(security, hosts)
        app.middlewares.append(guard.middleware)
        app.on_response_prepare.append(guard.add_headers)
        self._security = security
        self._server = HttpServer(app, caller_of, self._context, Connections(limits or Limits(), security.ended))
        self._listening: socket.socket | None = None
        self._address: Address | None = None

    @property
    def url(self) -> str:
        """Its address on this machine, without a trailing slash; empty while it does not listen."""
        scheme = "https" if self._security.current.tls else "http"
        return f"{scheme}://{self._address.local}" if self._address else ""

    async def listen(self, address: Address) -> None:
        """Listen on `address` instead of the previous one; on no port if it is `OFF`.

        Raises:
            ListenError: The agent cannot listen on the address; the previous one stays.
        """
        before, old = self._listening, self._address
        if address == OFF:
            self._listening = self._address = None
        elif before and old and old.port == address.port:  # one port cannot be open on both addresses
            await self._server.leave(before)
            try:
                await self._open(address)
            except ListenError:
                await self._open(old)
                raise
            return
        else:
            await self._open(address)
        if before:
            await self._server.leave(before)

    def retire(self) -> None:
        """Close each connection made under older rules after its pending response."""
        self._server.connections.retire()
        self._streams.end()

    async def stop(self) -> None:
        """Stop listening and close all connections."""
        self._address = None
        await self._server.stop()

    async def _open(self, address: Address) -> None:
        self._listening = open_socket(address)
        await self._server.listen(self._listening)
        self._address = bound_address(self._listening, address)

    def _context(self) -> ssl.SSLContext | None:
        tls = self._security.current.tls
        return tls.context if tls else None


class ControlServer:
    """The HTTP server on the control socket.

    Args:
        pages: The request handlers.
    """

    def __init__(self, pages: Pages) -> None:
        self._server = HttpServer(pages.control(), control_socket.admit, lambda: None, Connections(Limits(), Counter()))

    async def listen(self, directory: Path) -> None:
        """Listen on the control socket in `directory`; log why if that is impossible."""
        try:
            opened = await within(_DISK_DEADLINE, lambda: control_socket.open_socket(directory), "open control socket")
        except TimeoutError:
            log.warning(_UNREACHABLE, problem=f"{directory} does not answer within {_DISK_DEADLINE:g} s")
        except control_socket.ControlError as error:
            log.warning(_UNREACHABLE, problem=str(error))
        else:
            await self._server.listen(opened)

    async def stop(self) -> None:
        """Stop listening and close all connections."""
        await self._server.stop()


def caller_of(connected: socket.socket) -> str | None:
    """Return the network at the other end of a TCP connection; `None` if the peer has disconnected."""
    try:
        return network(str(connected.getpeername()[0]))
    except OSError:
        return None
