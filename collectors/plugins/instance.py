"""One socket, polled again and again."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from collectors.plugins.config import PluginsConfig
from collectors.plugins.connection import Answer, Connection, HungUpError
from collectors.plugins.parsed_page import split
from collectors.plugins.plan import Plan
from collectors.plugins.plugin import Plugin
from collectors.plugins.process_counts import ProcessCounts
from collectors.plugins.refusals import Reason, Refusal, RefusedError
from collectors.plugins.sockets import SocketFile
from collectors.plugins.trust import Process, Trust, listening_process

log = structlog.get_logger()

_MOMENTS = 20
"""Moments of an interval at which polls begin. Spread over these, many sockets do not make the event loop late; those
of one moment share its waking, which else is half of what a poll costs."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What the last poll of a socket brought. Immutable: any thread may look at it.

    Attributes:
        duration: Seconds that it took.
        failure: Why it brought nothing; None if it did.
        plan: What was answered.
        gauges: The values of the plan's gauges.
        refused: Parts of it that were not taken.
        gone: Whether the socket is not there any more, as after an orderly end; the next look sees that too.
    """

    duration: float
    failure: Refusal | None = None
    plan: Plan | None = None
    gauges: tuple[float, ...] = ()
    refused: tuple[Refusal, ...] = ()
    gone: bool = False


class Instance:
    """Polls one socket.

    Args:
        file: The socket.
        plugin: The plugin that it belongs to.
        config: How it is polled.
        trust: Who may listen there.
        ran_before: Whether a process's past is no news, because it ran before the agent counted.
    """

    def __init__(
        self,
        file: SocketFile,
        plugin: Plugin,
        config: PluginsConfig,
        trust: Trust,
        ran_before: Callable[[Process], bool],
    ) -> None:
        self.file = file
        self.plugin = plugin
        self.number = plugin.take_number()
        self.process: Process | None = None
        self.last: Poll | None = None
        self.first_answer: float | None = None
        self.last_answer: float | None = None
        self._config = config
        self._trust = trust
        self._ran_before = ran_before
        self._connection: Connection | None = None
        self._process_counts: ProcessCounts | None = None
        self._plan: Plan | None = None

    @property
    def stale(self) -> bool:
        """Whether the process ended and left the socket behind."""
        last = self.last
        return last is not None and last.failure is not None and last.failure.reason is Reason.STALE

    @property
    def ended(self) -> bool:
        """Whether no process listens any more, whichever way it ended."""
        return self.stale or (self.last is not None and self.last.gone)

    async def run(self) -> None:
        """Poll until cancelled: at once, and from then on at a moment of the interval that is this socket's own."""
        loop = asyncio.get_running_loop()
        tick = self._config.interval / _MOMENTS
        try:
            await self.poll()
            due = loop.time() + random.uniform(0, self._config.interval)  # noqa: S311 - no secret
            while True:
                due = round(max(due, loop.time()) / tick) * tick
                await asyncio.sleep(due - loop.time())
                await self.poll()
                due += self._config.interval
        finally:
            self._disconnect()

    async def poll(self) -> None:
        """Poll once; whatever happens is in `last`."""
        began = time.monotonic()
        try:
            plan, gauges, refused = await self._page()
        except RefusedError as error:
            self._failed(Refusal(error.reason, error.detail), began)
        except TimeoutError:
            detail = f"no whole answer within {self._config.timeout:g} s (plugins.timeout)"
            self._failed(Refusal(Reason.TIMEOUT, detail), began)
        except FileNotFoundError:
            self._disconnect()
            self.last = Poll(time.monotonic() - began, gone=True)
        except OSError as error:
            self._failed(_unreachable(error), began)
        except Exception as error:
            log.exception("a plugin's answer could not be dealt with", path=self.file.path)
            self._failed(Refusal(Reason.INTERNAL, f"{type(error).__name__}: {error}"), began)
        else:
            self.last = Poll(time.monotonic() - began, None, plan, gauges, refused)
            self._answered(plan)
            self._count(refused)

    async def _page(self) -> tuple[Plan, tuple[float, ...], tuple[Refusal, ...]]:
        """What was answered, once what is new of it has been added to the totals."""
        async with asyncio.timeout(self._config.timeout):
            answer = await self._answer()
        lines = split(answer.body, self._config.max_samples, openmetrics=answer.openmetrics)
        plan, values = await self.plugin.read(lines, self._plan, openmetrics=answer.openmetrics)
        self._plan = plan
        refused = self._process_counts.fold(plan, values) if self._process_counts else []
        return plan, tuple([values[gauge.sample] for gauge in plan.gauges]), (*plan.refused.values(), *refused)

    async def _answer(self) -> Answer:
        kept = self._connection is not None
        connection = self._connection or self._connect()
        try:
            answer = await connection.get(self._config.max_size)
        except HungUpError:
            self._disconnect()
            if not kept:
                raise
            answer = await self._connect().get(self._config.max_size)
        if self._connection and not self._connection.reusable:
            self._disconnect()
        return answer

    def _connect(self) -> Connection:
        """A new connection, to a process that is trusted. On a Unix socket that takes no time, or fails."""
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            peer.setblocking(False)
            peer.connect(self.file.path)
            self._trust.check_peer(peer)
            self._begin_process(listening_process(peer))
        except BaseException:
            peer.close()
            raise
        self._connection = Connection(peer)
        return self._connection

    def _begin_process(self, process: Process) -> None:
        if process.start == 0:  # of another pid namespace: the socket is the best that tells it
            process = Process(self.file.identity[1], 0)
        if process != self.process:
            self._process_counts = self.plugin.process_counts(
                self.file.instance, process, past_is_known=self._ran_before(process)
            )
            self.process = process
            self.first_answer = None

    def _answered(self, plan: Plan) -> None:
        """Note when the process answered, and which service it says it is."""
        self.last_answer = time.monotonic()
        self.first_answer = self.last_answer if self.first_answer is None else self.first_answer
        self.plugin.service = plan.service or self.plugin.service

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _failed(self, failure: Refusal, began: float) -> None:
        self._disconnect()
        self.last = Poll(time.monotonic() - began, failure)
        self._count([failure])

    def _count(self, refused: Iterable[Refusal]) -> None:
        for reason, detail in refused:
            self.plugin.refusals.add(reason, f"{self.file.path}: {detail}")


def _unreachable(error: OSError) -> Refusal:
    """Why nothing could be connected to, or a connection broke."""
    if error.errno == errno.ECONNREFUSED:
        return Refusal(Reason.STALE, "nobody listens any more: its process ended and left the file behind")
    if error.errno == errno.EACCES:
        return Refusal(
            Reason.UNREACHABLE, "the agent's user may not connect; give both users a group, and the socket mode 0660"
        )
    if error.errno == errno.EAGAIN:
        return Refusal(Reason.UNREACHABLE, "it accepts no connections: too many wait already")
    if isinstance(error, HungUpError):
        return Refusal(Reason.TRUNCATED, "it closed the connection without an answer")
    return Refusal(Reason.UNREACHABLE, error.strerror or str(error))
