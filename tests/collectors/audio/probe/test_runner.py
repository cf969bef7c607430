"""The runner's pauses between probes. test_collector has the rest of a probe's life."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from collectors.audio.device import ProbeStream
from collectors.audio.jack.client_timings import TablePlace
from collectors.audio.probe import runner
from collectors.audio.probe.plan import ProbePlan
from collectors.audio.probe.process import ProbeError, ProbeProcess
from collectors.audio.probe.protocol import Exit, StreamInfo
from collectors.audio.probe.runner import POLL_SECONDS, ProbeRunner

PLAN = ProbePlan("system", jack_only=True, direction="auto", channels=0, jack_server="")
SHORT, LONG = 0.1, 60.0


class Script:
    """The events of a runner, on a clock of its own. The runner is cancelled after the last one.

    Args:
        events: How many seconds each probe lives and how it ends, or None while there should be none.

    Attributes:
        pauses: How long the runner slept after each of them, in seconds.
    """

    def __init__(self, *events: tuple[float, Exit | None] | None) -> None:
        self._left = list(events)
        self._now_ns = time.monotonic_ns()
        self.pauses: list[float] = []

    def monotonic_ns(self) -> int:
        return self._now_ns

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def plan(self) -> ProbePlan | None:
        if not self._left:
            raise asyncio.CancelledError
        if self._left[0] is None:
            self._left.pop(0)
            return None
        return PLAN

    def running_probe(
        self, _plan: ProbePlan, _freewheels: Callable[[], bool], _place: TablePlace | None
    ) -> AbstractAsyncContextManager[ProbeProcess]:
        life = self._left.pop(0)
        assert life is not None
        self._now_ns += int(life[0] * 1e9)
        raise ProbeError(life[1], "it ended")

    def opened(self, _info: StreamInfo) -> ProbeStream:
        raise AssertionError("no probe of this script opens a stream")


async def pauses(monkeypatch: pytest.MonkeyPatch, *events: tuple[float, Exit | None] | None) -> list[float]:
    script = Script(*events)
    monkeypatch.setattr(runner, "running_probe", script.running_probe)
    monkeypatch.setattr(time, "monotonic_ns", script.monotonic_ns)
    monkeypatch.setattr(asyncio, "sleep", script.sleep)
    with contextlib.suppress(asyncio.CancelledError):
        await ProbeRunner(script.plan, script.monotonic_ns, script.opened).run()
    return script.pauses


async def test_ever_more_time_passes_between_probes_that_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await pauses(monkeypatch, *[(SHORT, Exit.OPEN_FAILED)] * 7) == [0.25, 0.5, 1, 2, 4, 5, 5]


async def test_it_begins_anew_after_a_probe_that_lived(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [(SHORT, None)] * 4 + [(LONG, None)] + [(SHORT, None)] * 2

    assert await pauses(monkeypatch, *events) == [0.25, 0.5, 1, 2, 0.25, 0.5, 1]


async def test_it_begins_anew_when_there_is_something_to_measure_again(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [(SHORT, None), (SHORT, None), None, (SHORT, None)]

    assert await pauses(monkeypatch, *events) == [0.25, 0.5, POLL_SECONDS, 0.25]


async def test_a_probe_of_another_version_is_not_tried_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [(SHORT, Exit.OTHER_VERSION)] * 3

    assert await pauses(monkeypatch, *events) == [60, 60, 60]
