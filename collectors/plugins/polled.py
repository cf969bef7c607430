"""One socket that is polled at each interval."""

from __future__ import annotations

import asyncio
import errno
import random
import time
from collections.abc import Callable

import structlog

from collectors.plain_errors import unexpected
from collectors.plugins.answers import QUESTION, check, is_openmetrics, refused
from collectors.plugins.config import PluginsConfig
from collectors.plugins.instance import Instance, Poll
from collectors.plugins.parsed_page import split
from collectors.plugins.plan import Plan
from collectors.plugins.plugin import Plugin
from collectors.plugins.process_counts import ProcessCounts
from collectors.plugins.refusals import Reason, Refusal, RefusedError
from collectors.plugins.sockets import SocketFile
from collectors.plugins.trust import Process, Trust, listening_process
from collectors.unix_http import Connection, HungUpError, Response, ResponseError, connect

log = structlog.get_logger()

_SLOTS = 20
"""Slots of an interval in which polls begin.

Spreading polls over slots keeps the event loop on time. Polls of one slot share a wakeup, half of a poll's cost.
"""


class PolledInstance(Instance):
    """A process whose socket is polled.

    Args:
        file: The socket.
        plugin: The plugin that it belongs to.
        config: The section `[plugins]`.
        trust: The users that may listen there.
        ran_before: Returns whether a process ran before the agent did, so that its past counts are not new.

    Attributes:
        process: The process that listens; None before the first connection.
    """

    def __init__(
        self,
        file: SocketFile,
        plugin: Plugin,
        config: PluginsConfig,
        trust: Trust,
        ran_before: Callable[[Process], bool],
    ) -> None:
        super().__init__(plugin, file.path)
        self.file = file
        self.process: Process | None = None
        self._config = config
        self._trust = trust
        self._ran_before = ran_before
        self._connection: Connection | None = None
        self._process_counts: ProcessCounts | None = None
        self._plan: Plan | None = None
        self._turn = asyncio.Lock()

    @property
    def stale(self) -> bool:
        """True if the process ended and left the socket behind."""
        last = self.last
        return last is not None and last.failure is not None and last.failure.reason is Reason.STALE

    @property
    def ended(self) -> bool:
        """True if no process listens any more, after a clean exit or a crash."""
        return self.stale or (self.last is not None and self.last.gone)

    @property
    def pid(self) -> int:
        """The process; 0 if it is unknown."""
        return self.process.pid if self.process and self.process.start else 0

    async def run(self) -> None:
        """Poll until cancelled: at once, and then in this socket's own slot of each interval."""
        loop = asyncio.get_running_loop()
        tick = self._config.interval / _SLOTS
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
        """Poll once, after a poll that runs, and keep the result in `last`."""
        async with self._turn:
            await self._poll()

    async def _poll(self) -> None:
        began = time.monotonic()
        try:
            plan, gauges, parts = await self._page()
        except RefusedError as error:
            self._failed(Refusal(error.reason, error.detail), began)
        except ResponseError as error:
            refusal = refused(error)
            self._failed(Refusal(refusal.reason, refusal.detail), began)
        except TimeoutError:
            detail = f"no whole answer within {self._config.timeout:g} s (plugins.timeout)"
            self._failed(Refusal(Reason.TIMEOUT, detail), began)
        except FileNotFoundError:
            self._disconnect()
            self.last = Poll(time.monotonic() - began, gone=True)
        except OSError as error:
            self._failed(_unreachable(error), began)
        except Exception as error:
            log.exception("internal error on a plugin's answer", path=self.file.path)
            self._failed(Refusal(Reason.INTERNAL, unexpected(error)), began)
        else:
            self.succeed(Poll(time.monotonic() - began, None, plan, gauges, parts))
            self.plugin.service = plan.service or self.plugin.service

    async def _page(self) -> tuple[Plan, tuple[float, ...], tuple[Refusal, ...]]:
        """Return the answered page, after adding its new counts to the totals."""
        async with asyncio.timeout(self._config.timeout):
            head, body, whole = await self._answer()
        openmetrics = is_openmetrics(head)
        lines = split(body, self._config.max_samples, openmetrics=openmetrics, whole=whole)
        plan, values = await self.plugin.read(lines, self._plan, openmetrics=openmetrics)
        self._plan = plan
        parts = self._process_counts.fold(plan, values) if self._process_counts else []
        return plan, tuple([values[gauge.sample] for gauge in plan.gauges]), (*plan.refused.values(), *parts)

    async def _answer(self) -> Response:
        kept = self._connection is not None
        connection = self._connection or self._connect()
        try:
            answer = await connection.get(QUESTION, self._config.max_size, check)
        except HungUpError:
            self._disconnect()
            if not kept:
                raise
            answer = await self._connect().get(QUESTION, self._config.max_size, check)
        if self._connection and not self._connection.reusable:
            self._disconnect()
        return answer

    def _connect(self) -> Connection:
        """Connect to a trusted process. On a Unix socket this returns or fails at once."""
        peer = connect(self.file.path)
        try:
            self._trust.check_peer(peer)
            self._begin_process(listening_process(peer))
        except BaseException:
            peer.close()
            raise
        self._connection = Connection(peer)
        return self._connection

    def _begin_process(self, process: Process) -> None:
        if process.start == 0:  # another pid namespace hides the process: identify it by its socket
            process = Process(self.file.identity[1], 0)
        if process != self.process:
            self._process_counts = self.plugin.process_counts(
                self.file.instance, process, past_is_known=self._ran_before(process)
            )
            self.process = process
            self.first_answer = None

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _failed(self, failure: Refusal, began: float) -> None:
        self._disconnect()
        self.fail(Poll(time.monotonic() - began, failure), failure)


def _unreachable(error: OSError) -> Refusal:
    """Return why a connection failed or broke."""
    if error.errno == errno.ECONNREFUSED:
        return Refusal(Reason.STALE, "no process listens: the socket's process ended and left the file behind")
    if error.errno == errno.EACCES:
        return Refusal(
            Reason.UNREACHABLE,
            "the agent's user may not connect; give both users a common group, and the socket mode 0660",
        )
    if error.errno == errno.EAGAIN:
        return Refusal(Reason.UNREACHABLE, "it accepts no connections: its queue is full")
    if isinstance(error, HungUpError):
        return Refusal(Reason.TRUNCATED, "the plugin closed the connection without an answer")
    return Refusal(Reason.UNREACHABLE, error.strerror or str(error))
