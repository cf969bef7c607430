"""The limits on connections: their number, and a timeout for each step of a request.

aiohttp limits the size of a request and the number of pipelined requests. This module limits time and number.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from agent.web.request_heads import Bodies, RequestHeads, no_bodies

_BUFFER = memoryview(bytearray(16 * 1024))
"""The buffer of received bytes, whose content is copied before the next read.

A view, since asyncio's TLS reads several records into slices of it. A slice of a bytearray would be a copy.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of connections.

    Attributes:
        total: The number of concurrent connections.
        of_one: The number of concurrent connections of one caller.
        request: The timeout in seconds of the TLS handshake, and of each request from its first byte to its last.
        answer: The timeout in seconds for the peer to receive a response.
        idle: The timeout in seconds between requests; longer than Prometheus's usual scrape intervals.
    """

    total: int = 256
    of_one: int = 64
    request: float = 10.0
    answer: float = 30.0
    idle: float = 120.0


class Phase(Enum):
    """The phase of a connection. Its value is the reason for closing the connection at the timeout."""

    REQUEST = "slow_request"
    WORK = ""
    ANSWER = "slow_reader"
    IDLE = "idle"


class Connection(asyncio.BufferedProtocol):
    """One connection, which forwards to aiohttp's protocol and closes at the timeout of a step.

    Args:
        caller: The key by which connections are counted.
        inner: aiohttp's protocol.
        limits: The timeouts.
        ended: Called at the end of the connection, with the reason if this class closed it.
        bodies: Returns the limit of a request's body.
    """

    def __init__(
        self,
        caller: str,
        inner: web.RequestHandler,
        limits: Limits,
        ended: Callable[[Connection, str], None],
        bodies: Bodies = no_bodies,
    ) -> None:
        self.caller = caller
        self.inner = inner
        self.phase = Phase.REQUEST
        self.retired = False
        """True if the connection closes after the next response."""
        self.has_served = False
        """True once the connection has carried a successful response."""
        self.opening: asyncio.Task[None] | None = None
        """The task of the TLS handshake, until it completes."""
        self._limits = limits
        self._ended = ended
        self.reason = ""
        """The reason why this class closed the connection; empty if it did not."""
        self._is_finished = False
        self._heads = RequestHeads(bodies)
        self._is_last = False
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the timeout of the first request. Close a connection that made room before it was open."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - only streams are accepted
        self._transport = transport
        self.inner.connection_made(transport)
        if self.reason:
            transport.abort()
        else:
            self._enter(Phase.REQUEST, self._limits.request)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the transport's own hint is 256 KiB
        """Return the buffer for the next part of a request. All connections share it."""
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Hold a part of a request, and forward the request once it is complete and its turn has come."""
        if self._is_last:
            return
        self._heads.feed(bytes(_BUFFER[:nbytes]))
        if self.phase in (Phase.ANSWER, Phase.IDLE):
            self._enter(Phase.REQUEST, self._limits.request)
        if self.phase is Phase.REQUEST:
            self._forward()
        self._limit_reading()

    def eof_received(self) -> None:
        """Forward the end of the peer's data."""
        self.inner.eof_received()

    def pause_writing(self) -> None:
        """Forward that the peer does not receive."""
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        """Forward that the peer receives again."""
        self.inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection."""
        self._cancel_timer()
        self.inner.connection_lost(exc)
        self.finish(self.reason)

    def finish(self, reason: str) -> None:
        """Report the end of the connection once: a cancelled opening also loses its transport."""
        if not self._is_finished:
            self._is_finished = True
            self._ended(self, reason)

    def begin_work(self) -> None:
        """Stop the peer's timeout: the request is complete and the agent works on it."""
        self._cancel_timer()
        self.phase = Phase.WORK

    def end_work(self) -> None:
        """Start the timeout for the peer to receive the response, or of its next request if that has begun."""
        self._enter(Phase.ANSWER, self._limits.answer)
        if len(self._heads) and not self.retired:
            self._enter(Phase.REQUEST, self._limits.request)
            self._forward()
            self._limit_reading()

    def retire(self) -> None:
        """Close the connection as soon as it has no request in progress."""
        self.retired = True
        if self.phase is Phase.IDLE and self._transport:
            self._transport.close()

    def end(self, reason: str) -> None:
        """Close the connection at once and discard unsent data."""
        self.reason = reason
        if self.opening and not self.opening.done():
            self.opening.cancel()
        elif self._transport:
            self._transport.abort()

    def _forward(self) -> None:
        head = self._heads.next()
        if head is not None:
            self._is_last = head.last
            self.retired |= head.last
            self.inner.data_received(head.data)
        elif self._heads.full:
            self.end("large_request")

    def _limit_reading(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._is_last or self._heads.full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _enter(self, phase: Phase, seconds: float) -> None:
        self._cancel_timer()
        self.phase = phase
        self._timer = asyncio.get_running_loop().call_later(seconds, self._time_is_up)

    def _time_is_up(self) -> None:
        taken = self._transport is not None and not self._transport.get_write_buffer_size()
        if self.phase is Phase.ANSWER and taken:
            self._enter(Phase.IDLE, self._limits.idle)
        else:
            self.end(self.phase.value)

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()


class Connections:
    """All connections of a server.

    Args:
        limits: Their limits.
        ended: Counts closed and refused connections by reason.
        bodies: Returns the limit of a request's body.
    """

    def __init__(self, limits: Limits, ended: Counter[str], bodies: Bodies = no_bodies) -> None:
        self.limits = limits
        self._bodies = bodies
        self._ended = ended
        self._open: dict[web.RequestHandler, Connection] = {}  # the oldest first

    def add(self, caller: str, inner: web.RequestHandler) -> Connection | None:
        """Add a connection; at a limit, evict one that has no request in progress.

        The oldest connection without a successful response goes first, then the oldest of the others.

        Returns:
            `None` if every connection at the limit has a request in progress.
        """
        of_one = [it for it in self._open.values() if it.caller == caller]
        if len(of_one) >= self.limits.of_one and not self._make_room(of_one):
            return None
        if len(self._open) >= self.limits.total and not self._make_room(list(self._open.values())):
            return None
        connection = self._open[inner] = Connection(caller, inner, self.limits, self._gone, self._bodies)
        return connection

    def fail(self, connection: Connection) -> None:
        """Remove a connection that failed to open."""
        connection.finish(connection.reason or "handshake")

    def end_handshakes(self) -> None:
        """Close every connection that is not yet open."""
        for connection in list(self._open.values()):
            if connection.opening:
                connection.end("stopping")

    def retire(self) -> None:
        """Close every connection as soon as it has no request in progress, because new rules are in effect."""
        for connection in list(self._open.values()):
            connection.retire()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Exclude the agent's own time from the peer's timeouts. This must be the outermost middleware."""
        connection = self._open.get(request.protocol)
        if connection is None:
            raise web.HTTPServiceUnavailable  # it was just evicted
        with _work(connection):
            try:
                answer = await handler(request)
            except web.HTTPException as error:
                if connection.retired:
                    error.force_close()
                raise
            if connection.retired:
                answer.force_close()
            connection.has_served |= answer.status < HTTPStatus.BAD_REQUEST
            return answer

    def _make_room(self, among: list[Connection]) -> bool:
        for connection in sorted(among, key=lambda it: it.has_served):
            if connection.phase is not Phase.WORK:
                del self._open[connection.inner]
                connection.end("crowded_out")
                return True
        self._ended["refused"] += 1
        return False

    def _gone(self, connection: Connection, reason: str) -> None:
        self._open.pop(connection.inner, None)
        if reason:
            self._ended[reason] += 1


@contextmanager
def _work(connection: Connection) -> Iterator[None]:
    connection.begin_work()
    try:
        yield
    finally:
        connection.end_work()
