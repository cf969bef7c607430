"""The HTTP server: accepts connections on listening sockets and has aiohttp answer them, within bounds."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from functools import partial

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from agent.web.connections import Connection, Connections

SHUTDOWN_TIMEOUT = 1.0
"""Seconds that answers under way have when the server stops."""

_MAX_HEADERS = 64
_PAUSE = 0.5
"""Seconds to wait when the system has no room for one more connection."""

log = structlog.get_logger()


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether what aiohttp logs is the agent's fault: anyone could fill the log with requests that are no HTTP."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_aiohttp_log = logging.getLogger(__name__)
_aiohttp_log.addFilter(_is_ours)


class HttpServer:
    """Answers on any number of listening sockets by one application.

    Args:
        app: What answers.
        admit: Who is calling, by which connections are counted; `None` turns the caller away.
        context: How TLS is spoken with whoever connects now; `None` is not at all.
        connections: Where connections are counted and timed.
    """

    def __init__(
        self,
        app: web.Application,
        admit: Callable[[socket.socket], str | None],
        context: Callable[[], ssl.SSLContext | None],
        connections: Connections,
    ) -> None:
        self.connections = connections
        app.middlewares.insert(0, connections.middleware)
        self._admit = admit
        self._context = context
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_aiohttp_log,
            handle_signals=False,
            shutdown_timeout=SHUTDOWN_TIMEOUT,
            max_headers=_MAX_HEADERS,
        )
        self._accepting: dict[socket.socket, asyncio.Task[None]] = {}

    async def listen(self, listening: socket.socket) -> None:
        """Answer on a listening socket, which is this server's from now on."""
        if self._runner.server is None:
            await self._runner.setup()
        listening.setblocking(False)
        self._accepting[listening] = asyncio.create_task(self._accept(listening))

    async def leave(self, listening: socket.socket) -> None:
        """Accept no more on a listening socket, and close it; connections go on."""
        task = self._accepting.pop(listening)
        task.cancel()
        await asyncio.wait([task])
        listening.close()

    async def stop(self) -> None:
        """Answer no more."""
        for listening in list(self._accepting):
            await self.leave(listening)
        self.connections.end_handshakes()
        await self._runner.cleanup()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        problem = ""
        while True:
            try:
                accepted, _ = await loop.sock_accept(listening)
            except ConnectionError:  # gone before it was accepted
                continue
            except OSError as error:
                if str(error) != problem:
                    log.warning("no connection can be accepted", problem=str(error))
                problem = str(error)
                await asyncio.sleep(_PAUSE)
                continue
            problem = ""
            try:
                self._take(accepted)
            except Exception:  # one connection must not cost all others
                log.exception("a connection could not be taken")
                accepted.close()

    def _take(self, accepted: socket.socket) -> None:
        caller = self._admit(accepted)
        assert self._runner.server is not None  # noqa: S101 - `listen` has set it up
        connection = None if caller is None else self.connections.add(caller, self._runner.server())
        if connection is None:
            accepted.close()
            return
        connection.opening = task = asyncio.create_task(self._open(connection, accepted))
        task.add_done_callback(partial(self._opened, connection, accepted))

    async def _open(self, connection: Connection, accepted: socket.socket) -> None:
        context = self._context()
        patience = self.connections.limits.request if context else None
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: connection, accepted, ssl=context, ssl_handshake_timeout=patience
        )

    def _opened(self, connection: Connection, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        connection.opening = None
        if not task.cancelled() and task.exception() is None:
            return
        accepted.close()
        self.connections.fail(connection)
        # An OSError, also of TLS, is the peer's: it broke off, was too slow, or showed no certificate that would do.
        if not task.cancelled() and not isinstance(task.exception(), OSError):
            log.error("a connection could not be opened", exc_info=task.exception())
