"""The lifecycle of the probe: start, forward its records, end, restart.

`plan` decides what it opens, `process` starts and ends it, and `device` reads its records.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from collectors.audio.device import ProbeStream
from collectors.audio.jack.client_timings import TablePlace
from collectors.audio.probe.plan import ProbePlan
from collectors.audio.probe.process import ProbeError, ProbeProcess, running_probe
from collectors.audio.probe.protocol import Exit, StreamInfo
from collectors.audio.probe.ring import RingReader
from collectors.child_process import ending
from collectors.offloop import start
from collectors.restart_delay import RestartDelay

POLL_SECONDS = 0.25
_SECOND_NS = 1_000_000_000
_STALLED_NS = _SECOND_NS
_HEALTHY_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0
_OTHER_VERSION_SECONDS = 60.0
"""The pause after `Exit.OTHER_VERSION`, which lasts until the agent is restarted or the upgrade is undone."""


@dataclass(frozen=True, slots=True)
class ProbeView:
    """The probe's own cost.

    Attributes:
        load: The callback's time as a ratio of the buffer's duration; None without a stream.
        restarts: Number of streams after the first.
        overruns: Number of records that the agent read too late.
    """

    load: float | None = None
    restarts: int = 0
    overruns: int = 0


class TableKeeper(Protocol):
    """The user of the probe's copies of JACK's table of client timings."""

    def table(self) -> TablePlace | None:
        """Return the part of the table to copy; None for no copies. Called in another thread."""

    def probe_started(self, pid: int, copies: RingReader | None) -> None:
        """Take in the start of a probe and the reader of its copies."""

    def probe_ended(self) -> None:
        """Take in the end of the probe."""


class ProbeRunner:
    """One probe, restarted as needed.

    Args:
        plan: Function that returns the stream to have now, or None.
        alive_ns: Function that returns the monotonic time of the server's last known cycle; now, if unknown. While the
            server is frozen, nothing is started or ended: an open stream survives the freeze and shows its length.
        opened: Called with each new stream; returns the reader of its records.
        freewheels: Function that returns whether the server freewheels. Meanwhile nothing is started, ended or judged.
        keeper: The user of the copies of JACK's table; None for no copies.

    Attributes:
        failure: The reason why a due stream is missing.
        stream: The open stream.
        settled: Whether the first attempt has ended, with or without a stream.
        paused: Whether the probe itself sees the server freewheel.
        opened_ns: Monotonic time of the last opening of a stream; 0 before the first.
    """

    def __init__(
        self,
        plan: Callable[[], ProbePlan | None],
        alive_ns: Callable[[], int],
        opened: Callable[[StreamInfo], ProbeStream],
        freewheels: Callable[[], bool] = bool,
        keeper: TableKeeper | None = None,
    ) -> None:
        self._keeper = keeper
        self._plan = plan
        self._alive_ns = alive_ns
        self._opened = opened
        self._freewheels = freewheels
        self._pauses = 0
        self.paused = False
        self.opened_ns = 0
        self._starts = 0
        self._overruns = 0
        self._load: float | None = None
        self._restart = RestartDelay(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, healthy=_HEALTHY_SECONDS)
        self.failure: ProbeError | None = None
        self.stream: StreamInfo | None = None
        self.settled = False

    def view(self) -> ProbeView:
        """Return the probe's cost so far."""
        return ProbeView(self._load, max(self._starts - 1, 0), self._overruns)

    async def run(self) -> None:
        """Run until cancelled, which ends the probe."""
        while True:
            plan = self._plan()
            if plan is None or self._freewheels() or time.monotonic_ns() - self._alive_ns() > _STALLED_NS:
                self._restart.reset()  # a stream that ended with its server did not fail itself
                await asyncio.sleep(POLL_SECONDS)
                continue
            await self._live(plan)

    async def _live(self, plan: ProbePlan) -> None:
        """Run one probe, and pause after a failure."""
        began = time.monotonic_ns()
        try:
            async with running_probe(plan, self._is_held, await self._table(plan)) as probe:
                self._starts += 1
                self.failure = None
                await self._follow(plan, probe)
        except ProbeError as error:
            self.failure = error
            self.settled = True
            await asyncio.sleep(self._pause_after(error, (time.monotonic_ns() - began) / _SECOND_NS))

    async def _table(self, plan: ProbePlan) -> TablePlace | None:
        """Return the part of JACK's table to copy, which is found in another thread."""
        if self._keeper is None or not plan.jack_only:
            return None
        return await start(self._keeper.table, "find JACK's table of client timings")

    def _pause_after(self, error: ProbeError, lived: float) -> float:
        """Return the seconds until the next attempt, doubled each time until a probe ran for `_HEALTHY_SECONDS`."""
        if error.code == Exit.OTHER_VERSION:
            return _OTHER_VERSION_SECONDS
        return self._restart.after(lived)

    async def _follow(self, plan: ProbePlan, probe: ProbeProcess) -> None:
        """Forward the stream's records until the plan changes.

        Raises:
            ProbeError: The stream ended, or delivers no more buffers.
        """
        stream = self._opened(probe.stream)
        self.stream = probe.stream
        self.opened_ns = time.monotonic_ns()
        self._pauses = 0
        heard = time.monotonic_ns()
        if self._keeper is not None:
            self._keeper.probe_started(probe.process.pid, probe.copies())
        try:
            while self._is_held() or self._plan() == plan:
                await asyncio.sleep(POLL_SECONDS)
                heard = self._drain(probe, stream) or heard
                self._judge(plan, probe, stream, heard)
        finally:
            self._drain(probe, stream)
            stream.close()
            if self._keeper is not None:
                self._keeper.probe_ended()
            self.stream = None
            self._load = None
            self.paused = False

    def _is_held(self) -> bool:
        return self.paused or self._freewheels()

    def _drain(self, probe: ProbeProcess, stream: ProbeStream) -> int:
        """Forward the new records; return the monotonic time if there were any, otherwise 0."""
        freewheels = self._freewheels()
        probe.buffers.hold(freewheels)
        overruns = probe.buffers.overruns, probe.levels.overruns
        buffers, levels = probe.buffers.read(), probe.levels.read()
        pauses, self._pauses = self._pauses, probe.buffers.pauses
        self.paused = self._pauses % 2 == 1
        if freewheels or self.paused or self._pauses != pauses:
            stream.pause()
            return time.monotonic_ns()
        if probe.buffers.overruns > overruns[0]:
            stream.skip()
        stream.fold(buffers, levels)
        self._overruns += probe.buffers.overruns + probe.levels.overruns - sum(overruns)
        self._load = stream.load
        self.settled = self.settled or bool(buffers)
        return time.monotonic_ns() if buffers else 0

    def _judge(self, plan: ProbePlan, probe: ProbeProcess, stream: ProbeStream, heard: int) -> None:
        """Raise ProbeError if the stream ended or stalled."""
        code = probe.process.returncode
        if code == Exit.STREAM_ENDED and not plan.jack_only:  # on JACK the passive client sees the server end
            stream.stalled(heard, time.monotonic_ns())
        if code is not None:
            ended = (
                "the stream ended" if code == Exit.STREAM_ENDED else f"the probe's process ended with {ending(code)}"
            )
            raise ProbeError(Exit.STREAM_ENDED, ended)
        alive = self._alive_ns()
        if alive - heard > _STALLED_NS:
            if not plan.jack_only:  # on JACK the passive client sees the server run, so the probe is at fault
                stream.stalled(heard, alive)
            raise ProbeError(None, "the stream delivered no buffer for a second")
