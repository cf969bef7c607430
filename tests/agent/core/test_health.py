from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar

import pytest

from agent.core import health
from agent.core.diagnosis import Outcome
from agent.core.health import Health
from collectors.base import Collector
from collectors.findings import Check, Finding, Severity
from collectors.metrics import Family


class Checked(Collector):
    """A collector whose check counts its runs."""

    name: ClassVar[str] = "checked"

    def __init__(self) -> None:
        self.runs = 0

    def collect(self) -> Iterable[Family]:
        return []

    def checks(self) -> Sequence[Check]:
        return (Check("checked.works", "It works", self._run),)

    def _run(self) -> list[Finding]:
        self.runs += 1
        return [Finding("broken", "It is broken", Severity.WARNING, "Found it broken.", "It works not.", ("fix it",))]


def codes(outcomes: Sequence[Outcome]) -> list[str]:
    return [finding.code for outcome in outcomes for finding in outcome.findings]


async def test_concurrent_callers_share_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH", 3600.0)
    checked, checks = Checked(), Health()
    monkeypatch.setattr(checks, "_asked", -3600.0)
    checks.add(checked)

    found = await asyncio.gather(*(checks.outcomes() for _ in range(5)))

    assert checked.runs == 1
    assert all(codes(outcomes) == ["broken"] for outcomes in found)
    assert list(checks.last) == list(found[0])


async def test_old_outcomes_are_not_reused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH", 0.0)
    checked, checks = Checked(), Health()
    checks.add(checked)
    await checks.outcomes()
    await checks.outcomes()

    assert checked.runs == 2


async def test_a_removed_collector_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH", 0.0)
    checked, checks = Checked(), Health()
    checks.add(checked)
    checks.remove("checked")
    checks.remove("unknown")

    assert await checks.outcomes() == []
    assert checked.runs == 0
