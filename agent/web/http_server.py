"""The HTTP server, which accepts connections within limits and passes them to aiohttp."""

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
from collectors.plain_errors import plain_text

SHUTDOWN_TIMEOUT = 1.0
"""The timeout in seconds of responses in progress when the server stops."""

_MAX_HEADERS = 64
_PAUSE = 0.5
"""Seconds to wait when the system cannot open another connection."""

log = structlog.get_logger()


def _is_ours(record: logging.LogRecord) -> bool:
    """Return False for errors of the peer: malformed requests must not fill the log."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_aiohttp_log = logging.getLogger(__name__)
_aiohttp_log.addFilter(_is_ours)


class HttpServer:
    """One application that serves any number of listening sockets.

    Args:
        app: The application.
        admit: Returns the key of the caller, by which connections are counted; `None` refuses the caller.
        context: Returns the TLS context for a new connection; `None` for plain HTTP.
        connections: The connections and their limits.
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
            auto_decompress=False,
            lingering_time=0,
        )
        self._accepting: dict[socket.socket, asyncio.Task[None]] = {}

    async def listen(self, listening: socket.socket) -> None:
        """Serve a listening socket and take ownership of it."""
        if self._runner.server is None:
            await self._runner.setup()
        listening.setblocking(False)
        self._accepting[listening] = asyncio.create_task(self._accept(listening))

    async def leave(self, listening: socket.socket) -> None:
        """Close a listening socket; its connections continue."""
        task = self._accepting.pop(listening)
        task.cancel()
        await asyncio.wait([task])
        listening.close()

    async def stop(self) -> None:
        """Close all listening sockets and connections."""
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
            except ConnectionError:  # the peer closed it before the accept
                continue
            except OSError as error:
                if plain_text(error) != problem:
                    log.warning("cannot accept connections", problem=plain_text(error))
                problem = plain_text(error)
                await asyncio.sleep(_PAUSE)
                continue
            problem = ""
            try:
                self._take(accepted)
            except Exception:  # one connection must not affect the others
                log.exception("cannot handle a connection")
                accepted.close()

    def _take(self, accepted: socket.socket) -> None:
        caller = self._admit(accepted)
        assert self._runner.server is not None  # noqa: S101 - set by `listen`
        connection = None if caller is None else self.connections.add(caller, self._runner.server())
        if connection is None:
            accepted.close()
            return
        connection.opening = task = asyncio.create_task(self._open(connection, accepted))
        task.add_done_callback(partial(self._opened, connection, accepted))

    async def _open(self, connection: Connection, accepted: socket.socket) -> None:
        context = self._context()
        timeout = self.connections.limits.request if context else None
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: connection, accepted, ssl=context, ssl_handshake_timeout=timeout
        )

    def _opened(self, connection: Connection, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        connection.opening = None
        if not task.cancelled() and task.exception() is None:
            return
        accepted.close()
        self.connections.fail(connection)
        # The peer causes an OSError, including those of TLS: it disconnects, is too slow, or has no valid certificate.
        if not task.cancelled() and not isinstance(task.exception(), OSError):
            log.error("cannot open a connection", exc_info=task.exception())
