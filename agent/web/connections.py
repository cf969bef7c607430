"""Bounds what a peer can hold: how many connections, and how long each may take for every step of a request.

aiohttp bounds the size of a request and the number of pipelined ones; time and number are bounded here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from aiohttp import web
from aiohttp.typedefs import Handler


@dataclass(frozen=True, slots=True)
class Limits:
    """What connections may take.

    Attributes:
        total: Connections at once.
        of_one: Those of one caller.
        request: Seconds for the TLS handshake, and for each request from its first byte to the end of its headers.
        answer: Seconds in which the peer must have taken an answer.
        idle: Seconds that a connection is kept between requests; longer than Prometheus's usual scrape intervals.
    """

    total: int = 256
    of_one: int = 64
    request: float = 10.0
    answer: float = 30.0
    idle: float = 120.0


class Phase(Enum):
    """What a connection is at; the value says why it was ended if it stays there too long."""

    REQUEST = "slow_request"
    WORK = ""
    ANSWER = "slow_reader"
    IDLE = "idle"


class Connection(asyncio.Protocol):
    """One connection: hands everything to aiohttp's protocol, and ends it when a step takes too long.

    Args:
        caller: By whom connections are counted.
        inner: aiohttp's protocol.
        limits: How long each step may take.
        ended: Told when the connection is gone, and why if this class ended it.
    """

    def __init__(
        self, caller: str, inner: web.RequestHandler, limits: Limits, ended: Callable[[Connection, str], None]
    ) -> None:
        self.caller = caller
        self.inner = inner
        self.phase = Phase.REQUEST
        self.retired = False
        """Whether it is to be closed after the next answer."""
        self.opening: asyncio.Task[None] | None = None
        """What carries out the TLS handshake, while it is under way."""
        self._limits = limits
        self._ended = ended
        self.reason = ""
        """Why it was ended, if it was."""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a stream, by how it was made
        self._transport = transport
        self.inner.connection_made(transport)
        self._enter(Phase.REQUEST, self._limits.request)

    def data_received(self, data: bytes) -> None:
        """Hand on a part of a request."""
        if self.phase in (Phase.ANSWER, Phase.IDLE):
            self._enter(Phase.REQUEST, self._limits.request)
        self.inner.data_received(data)

    def eof_received(self) -> None:
        """Hand on that the peer sends no more."""
        self.inner.eof_received()

    def pause_writing(self) -> None:
        """Hand on that the peer does not take what is sent."""
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand on that it does again."""
        self.inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._cancel_timer()
        self.inner.connection_lost(exc)
        self._ended(self, self.reason)

    def begin_work(self) -> None:
        """Note that a whole request has come: from now on the agent is waited for, not the peer."""
        self._cancel_timer()
        self.phase = Phase.WORK

    def end_work(self) -> None:
        """Note that the answer is on its way."""
        self._enter(Phase.ANSWER, self._limits.answer)

    def retire(self) -> None:
        """Close it as soon as no request is under way."""
        self.retired = True
        if self.phase is Phase.IDLE and self._transport:
            self._transport.close()

    def end(self, reason: str) -> None:
        """End it at once, whatever is still to be sent."""
        self.reason = reason
        if self.opening:
            self.opening.cancel()
        elif self._transport:
            self._transport.abort()

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
        limits: What they may take.
        ended: Counts, by reason, those that were ended or refused.
    """

    def __init__(self, limits: Limits, ended: Counter[str]) -> None:
        self.limits = limits
        self._ended = ended
        self._open: dict[web.RequestHandler, Connection] = {}  # the oldest first

    def add(self, caller: str, inner: web.RequestHandler) -> Connection | None:
        """A place for one more connection, if need be that of the oldest that is not being answered.

        Returns:
            `None` if there is no place: all that there may be are being answered.
        """
        of_one = [it for it in self._open.values() if it.caller == caller]
        if len(of_one) >= self.limits.of_one and not self._make_room(of_one):
            return None
        if len(self._open) >= self.limits.total and not self._make_room(list(self._open.values())):
            return None
        connection = self._open[inner] = Connection(caller, inner, self.limits, self._gone)
        return connection

    def fail(self, connection: Connection) -> None:
        """Forget a connection that did not come about."""
        self._gone(connection, connection.reason or "handshake")

    def end_handshakes(self) -> None:
        """End every connection that has not come about yet."""
        for connection in list(self._open.values()):
            if connection.opening:
                connection.end("stopping")

    def retire(self) -> None:
        """Close every connection as soon as no request is under way on it: other rules hold for new ones."""
        for connection in list(self._open.values()):
            connection.retire()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keep the time of the peer apart from the agent's own. The outermost one."""
        connection = self._open.get(request.protocol)
        if connection is None:
            raise web.HTTPServiceUnavailable  # its place was given away just now
        with _work(connection):
            answer = await handler(request)
            if connection.retired:
                answer.force_close()
            return answer

    def _make_room(self, among: list[Connection]) -> bool:
        for connection in among:
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
