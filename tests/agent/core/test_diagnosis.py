import threading
import time
from collections.abc import Callable, Sequence

import pytest

from agent.core import diagnosis
from agent.core.diagnosis import Diagnosis, diagnose
from collectors.findings import Check, Finding, Severity
from tests.support.waiting import PATIENCE


def finding(code: str, *causes: str, severity: Severity = Severity.WARNING) -> Finding:
    return Finding(code, code, severity, "detail", "affects", depends_on=causes)


def check(name: str, run: Callable[[], Sequence[Finding]], *, slow: bool = False) -> Check:
    return Check(name, f"{name} is well", run, slow=slow)


async def codes(*checks: Check) -> dict[str, list[str]]:
    outcomes = await diagnose([Diagnosis(checks)])
    return {outcome.name: [found.code for found in outcome.findings] for outcome in outcomes}


async def test_findings_come_by_check() -> None:
    assert await codes(check("a", lambda: [finding("x"), finding("y")]), check("b", lambda: ())) == {
        "a": ["x", "y"],
        "b": [],
    }


async def test_a_crashed_check_is_a_result_and_the_others_go_on() -> None:
    assert await codes(check("bad", lambda: [1 / 0]), check("good", lambda: [finding("x")])) == {  # type: ignore[list-item]
        "bad": ["check-failed"],
        "good": ["x"],
    }


async def test_a_hung_check_is_a_result_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "DEADLINE", 0.05)
    go = threading.Event()

    def hang() -> Sequence[Finding]:
        go.wait(60)
        return ()

    assert await codes(check("hangs", hang), check("good", lambda: [finding("x")])) == {
        "hangs": ["check-failed"],
        "good": ["x"],
    }
    go.set()


async def test_a_hung_check_runs_again_after_it_has_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "DEADLINE", 0.05)
    go = threading.Event()
    calls: list[None] = []

    def hang_once() -> Sequence[Finding]:
        calls.append(None)
        if len(calls) == 1:
            go.wait(60)
        return [finding("seen")]

    source = Diagnosis([check("hangs", hang_once), check("good", lambda: [finding("x")])])

    async def found() -> list[list[str]]:
        return [[it.code for it in outcome.findings] for outcome in await source.run()]

    assert await found() == [["check-failed"], ["x"]]
    assert await found() == [["check-failed"], ["x"]]
    assert len(calls) == 1
    go.set()
    deadline = time.monotonic() + PATIENCE
    while await found() != [["seen"], ["x"]]:
        assert time.monotonic() < deadline, "the check runs again"


async def test_checks_of_a_round_share_one_thread() -> None:
    threads: list[int] = []

    def look() -> Sequence[Finding]:
        threads.append(threading.get_ident())
        return ()

    source = Diagnosis([check(f"c{number}", look) for number in range(9)])
    await source.run()
    await source.run()

    assert len(threads) == 18
    assert len(set(threads)) == 1
    assert threading.get_ident() not in threads


async def test_consequences_are_quiet_while_their_cause_stands() -> None:
    cause = check("cause", lambda: [finding("down")])
    consequence = check("consequence", lambda: [finding("no-data", "down"), finding("other")])

    assert await codes(consequence, cause) == {"consequence": ["other"], "cause": ["down"]}
    assert await codes(consequence) == {"consequence": ["no-data", "other"]}


async def test_slow_checks_come_last() -> None:
    assert list(await codes(check("slow", list, slow=True), check("quick", list))) == ["quick", "slow"]


async def test_the_worst_finding_counts() -> None:
    found = [finding("a"), finding("b", severity=Severity.FAILURE), finding("c", severity=Severity.INFO)]
    (outcome,) = await diagnose([Diagnosis([check("a", lambda: found)])])

    assert outcome.severity is Severity.FAILURE
