"""Keeps a probe running as long as there should be one: starts it, feeds its records onward, ends it, starts it again.

Owns when a probe lives. What it opens is decided by `plan`, how it is started by `process`, and what its records
mean by `device`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from collectors.audio.device import ProbeStream
from collectors.audio.probe.plan import ProbePlan
from collectors.audio.probe.process import ProbeError, ProbeProcess, running_probe
from collectors.audio.probe.protocol import Exit, StreamInfo

POLL_SECONDS = 0.25
_STALLED_NS = 1_000_000_000
_HEALTHY_NS = 10_000_000_000
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0
_OTHER_VERSION_SECONDS = 60.0
"""Another version stays another one until the agent is restarted or the upgrade undone."""


@dataclass(frozen=True, slots=True)
class ProbeView:
    """The probe's own cost.

    Attributes:
        load: Its callback's time as a ratio of the time it has; None while there is no stream.
        restarts: Streams after the first.
        overruns: Records that the agent was too slow to read.
    """

    load: float | None = None
    restarts: int = 0
    overruns: int = 0


class ProbeRunner:
    """Keeps one probe running.

    Args:
        plan: What there should be now; None for no probe.
        alive_ns: When the server is last known to have run, on the monotonic clock; now, if nobody can know. A stream
            survives a frozen server and then shows how long that was, a new one cannot be opened: meanwhile nothing is
            ended and nothing started.
        opened: Called with each new stream; takes its records.

    Attributes:
        failure: Why there is no stream, when there should be one.
        stream: What is open now.
        settled: Whether the first attempt has ended, one way or the other.
    """

    def __init__(
        self,
        plan: Callable[[], ProbePlan | None],
        alive_ns: Callable[[], int],
        opened: Callable[[StreamInfo], ProbeStream],
    ) -> None:
        self._plan = plan
        self._alive_ns = alive_ns
        self._opened = opened
        self._starts = 0
        self._overruns = 0
        self._load: float | None = None
        self._pause = _FIRST_PAUSE_SECONDS
        self.failure: ProbeError | None = None
        self.stream: StreamInfo | None = None
        self.settled = False

    def view(self) -> ProbeView:
        """The probe's cost so far."""
        return ProbeView(self._load, max(self._starts - 1, 0), self._overruns)

    async def run(self) -> None:
        """Run until cancelled, which ends the probe."""
        while True:
            plan = self._plan()
            if plan is None or time.monotonic_ns() - self._alive_ns() > _STALLED_NS:
                self._pause = _FIRST_PAUSE_SECONDS  # what ended with its server failed by no fault of its own
                await asyncio.sleep(POLL_SECONDS)
                continue
            await self._live(plan)

    async def _live(self, plan: ProbePlan) -> None:
        """One probe's life, and the pause after it if it ended badly."""
        began = time.monotonic_ns()
        try:
            async with running_probe(plan) as probe:
                self._starts += 1
                self.failure = None
                await self._follow(plan, probe)
        except ProbeError as error:
            self.failure = error
            self.settled = True
            await asyncio.sleep(self._pause_after(error, time.monotonic_ns() - began))

    def _pause_after(self, error: ProbeError, lived_ns: int) -> float:
        """Seconds until the next attempt: ever more of them, anew after a probe that lived."""
        if error.code == Exit.OTHER_VERSION:
            return _OTHER_VERSION_SECONDS
        pause = _FIRST_PAUSE_SECONDS if lived_ns > _HEALTHY_NS else self._pause
        self._pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        return pause

    async def _follow(self, plan: ProbePlan, probe: ProbeProcess) -> None:
        """Feed a stream's records onward, until another one is due.

        Raises:
            ProbeError: The stream ended, or gives nothing any more.
        """
        stream = self._opened(probe.stream)
        self.stream = probe.stream
        heard = time.monotonic_ns()
        try:
            while self._plan() == plan:
                await asyncio.sleep(POLL_SECONDS)
                heard = self._drain(probe, stream) or heard
                self._judge(plan, probe, stream, heard)
        finally:
            self._drain(probe, stream)
            stream.close()
            self.stream = None
            self._load = None

    def _drain(self, probe: ProbeProcess, stream: ProbeStream) -> int:
        """Feed what has come; the monotonic time if there was something, else 0."""
        overruns = probe.buffers.overruns, probe.levels.overruns
        buffers, levels = probe.buffers.read(), probe.levels.read()
        if probe.buffers.overruns > overruns[0]:
            stream.skip()
        stream.fold(buffers, levels)
        self._overruns += probe.buffers.overruns + probe.levels.overruns - sum(overruns)
        self._load = stream.load
        self.settled = self.settled or bool(buffers)
        return time.monotonic_ns() if buffers else 0

    def _judge(self, plan: ProbePlan, probe: ProbeProcess, stream: ProbeStream, heard: int) -> None:
        """Raise ProbeError if the stream is over."""
        code = probe.process.returncode
        if code == Exit.STREAM_ENDED and not plan.jack_only:  # else the passive client sees the server end
            stream.stalled(heard, time.monotonic_ns())
        if code is not None:
            ended = "the stream ended" if code == Exit.STREAM_ENDED else f"the probe's process ended with {code}"
            raise ProbeError(Exit.STREAM_ENDED, ended)
        alive = self._alive_ns()
        if alive - heard > _STALLED_NS:
            if not plan.jack_only:  # else the passive client knows that the server runs, and the fault is the probe's
                stream.stalled(heard, alive)
            raise ProbeError(None, "the stream gave nothing for a second")
