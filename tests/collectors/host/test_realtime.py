from __future__ import annotations

from pathlib import Path

import pytest

from collectors.host.realtime import Limit, check, families, parse, read
from tests.collectors.host.support import Tree, samples_of


@pytest.mark.parametrize(
    ("runtime", "expected"),
    [("950000\n", 0.95), ("-1\n", 1.0), ("0\n", 0.0)],
)
def test_the_limit_is_said_in_seconds(tree: Tree, runtime: str, expected: float) -> None:
    settings = "proc/sys/kernel/sched_rt"
    found = families(tree({f"{settings}_runtime_us": runtime, f"{settings}_period_us": "1000000\n"}))

    assert samples_of(found, "host_realtime_runtime_seconds") == {(): expected}
    assert samples_of(found, "host_realtime_period_seconds") == {(): 1.0}


@pytest.mark.parametrize(("runtime", "count"), [("950000", 0), ("-1", 0), ("900000", 1), ("0", 1)])
def test_less_than_usual_is_a_finding(runtime: str, count: int) -> None:
    assert len(check(parse(runtime, "1000000"))) == count


def test_the_finding_says_how_much_and_what_to_type() -> None:
    (finding,) = check(Limit(0.5, 1.0))

    assert "for 0.5 s of each 1 s (50%)" in finding.detail
    assert finding.remedy == ("sudo sysctl kernel.sched_rt_runtime_us=950000",)


def test_this_machine_has_a_limit() -> None:
    limit = read(Path("/"))

    assert 0 <= limit.runtime <= limit.period
