"""Runs checks and makes of them what a person is shown: one outcome a check, consequences hidden behind causes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from collectors.findings import Check, Finding, Severity
from collectors.offloop import OneAtATime

DEADLINE = 5.0
"""Seconds that a check may take."""

SLOW_DEADLINE = 30.0
"""Seconds that a slow check may take."""

CHECK_FAILED = "check-failed"
"""The code of the finding that a check could not be carried out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found: nothing, or findings, or that it could not look, which is a finding too."""

    name: str
    title: str
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity | None:
        """The worst of the findings; `None` if there are none."""
        return worst(self.findings)


class Diagnosis:
    """The checks of one source, each of which runs at most once at a time, whatever becomes of it."""

    def __init__(self, checks: Iterable[Check]) -> None:
        ordered = sorted(checks, key=lambda check: check.slow)
        self._checks = [(check, OneAtATime(check.run, f"check {check.name}")) for check in ordered]

    async def run(self) -> list[Outcome]:
        """Carry out all checks, one after another, the slow ones last."""
        return [await _outcome(check, call) for check, call in self._checks]


async def _outcome(check: Check, call: OneAtATime[Sequence[Finding]]) -> Outcome:
    deadline = SLOW_DEADLINE if check.slow else DEADLINE
    try:
        findings = tuple(await call(deadline))
    except TimeoutError:
        findings = (_failed(check, f"It gave no answer within {deadline:g} s."),)
    except Exception as error:  # noqa: BLE001 - a crashed check is a result, not an abort
        findings = (_failed(check, f"It raised {type(error).__name__}: {error}"),)
    return Outcome(check.name, check.title, findings)


def _failed(check: Check, detail: str) -> Finding:
    return Finding(
        code=CHECK_FAILED,
        title=f"The check {check.name} could not be carried out",
        severity=Severity.WARNING,
        detail=detail,
        affects="Whether this part of the machine is well is not known.",
        remedy=(f"wr-agent doctor --only {check.name} -v", "Report it: a check should never fail by itself."),
    )


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The worst severity among the findings, if there are any."""
    order = list(Severity)
    return max((finding.severity for finding in findings), key=order.index, default=None)


def without_consequences(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes less every finding whose cause is itself among them."""
    codes = {finding.code for outcome in outcomes for finding in outcome.findings}
    return [
        Outcome(outcome.name, outcome.title, tuple(f for f in outcome.findings if not codes.intersection(f.depends_on)))
        for outcome in outcomes
    ]


async def diagnose(sources: Iterable[Diagnosis]) -> list[Outcome]:
    """Ask all sources at once; the outcomes in the order of the sources, consequences hidden."""
    answers = await asyncio.gather(*(source.run() for source in sources))
    return without_consequences([outcome for answer in answers for outcome in answer])
