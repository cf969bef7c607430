import time
from pathlib import Path

import pytest

from agent.doctor.machine import timers
from tests.agent.doctor.support import Machine, codes


@pytest.mark.parametrize(
    ("resolution", "source", "expected"),
    [
        (1e-9, "tsc", []),
        (1e-9, "", []),
        (4e-3, "tsc", ["kernel-timers-coarse"]),
        (1e-9, "hpet", ["kernel-clock-slow"]),
    ],
)
def test_findings_of_timers(resolution: float, source: str, expected: list[str]) -> None:
    assert codes(timers.check(resolution, source)) == expected


def test_the_clock_source_is_the_current_one(machine: Machine, tmp_path: Path) -> None:
    assert timers.clock_source(tmp_path) == ""
    assert (
        timers.clock_source(machine({"sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet\n"}))
        == "hpet"
    )


def test_this_kernel_has_exact_timers() -> None:
    assert timers.check(time.clock_getres(time.CLOCK_MONOTONIC), "") == []
