"""The processor time of processes near a dropout, from looks at their counters."""

import pytest

from collectors.audio.causes.analysis.accounts import usage
from collectors.audio.causes.evidence import ProcessLook, ProcessTrack

MS = 1_000_000
START, END = 10_000 * MS, 10_050 * MS


def track(*looks: tuple[float, float], started_ms: int = 0) -> ProcessTrack:
    """Return a process, from pairs of milliseconds after `START` and milliseconds of processor time."""
    found = tuple(ProcessLook(START + round(at * MS), round(run * MS)) for at, run in looks)
    return ProcessTrack(
        pid=5,
        parent=1,
        name="it",
        user=0,
        policy="other",
        priority=0,
        nice=0,
        affinity=(),
        cgroup="",
        started_ns=started_ms * MS,
        ended_ns=0,
        looks=found,
    )


def test_the_time_of_a_sudden_program_is_a_surge_however_far_apart_its_looks_are() -> None:
    found = usage(track((-1250, 0), (-240, 1.7), (56, 53.1)), START, END)

    assert found.surge_ns == pytest.approx(51.4 * MS)
    assert found.grown_ns == pytest.approx(51.4 * MS)
    assert found.ns == pytest.approx(51.4 * 50 / 296 * MS, rel=0.01)


@pytest.mark.parametrize(
    "looks",
    [
        ((-640, 100), (-240, 480), (56, 600), (217, 640)),  # busy before
        ((-60, 0), (100, 80), (559, 500)),  # busy afterwards
    ],
)
def test_a_program_that_is_always_busy_has_no_surge(looks: tuple[tuple[float, float], ...]) -> None:
    found = usage(track(*looks), START, END)

    assert found.surge_ns < 0.5 * found.grown_ns


def test_a_new_program_has_used_nothing_before_its_start() -> None:
    found = usage(track((20, 15), (40, 30), started_ms=10_005), START, END)

    assert found.ns == found.grown_ns == 30 * MS


def test_one_look_alone_is_no_use() -> None:
    assert usage(track((20, 15)), START, END)[1:] == (0, 0, 0)
