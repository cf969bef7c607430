"""The runner of checks: one outcome for each check, without findings that another finding causes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.core.remedy_text import RemedyText
from collectors.findings import Check, Finding, Severity
from collectors.offloop import OneAtATime
from collectors.plain_errors import unexpected

DEADLINE = 5.0
"""The timeout of a check in seconds."""

SLOW_DEADLINE = 30.0
"""The timeout of a slow check in seconds."""

CHECK_FAILED = "check-failed"
"""The code of the finding that a check did not complete."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one check.

    Attributes:
        name: The check's name.
        title: The check's title, which holds if nothing was found.
        findings: The findings; one with the code `CHECK_FAILED` if the check itself failed.
        not_applicable: The reason why the check has no result here; empty if it has one.
    """

    name: str
    title: str
    findings: tuple[Finding, ...]
    not_applicable: str = ""

    @property
    def severity(self) -> Severity | None:
        """The worst severity of the findings; `None` without findings."""
        return worst(self.findings)


class Diagnosis:
    """The checks of one source. Each runs at most once at a time, even if it hangs.

    Args:
        checks: The checks.
        configuration: The agent's configuration file, which remedies name; `None` for the built-in defaults.
    """

    def __init__(self, checks: Iterable[Check], configuration: Path | None = None) -> None:
        self._remedies = RemedyText(configuration)
        ordered = sorted(checks, key=lambda check: check.slow)
        self._checks = [(check, OneAtATime(check.run, f"check {check.name}")) for check in ordered]

    async def run(self) -> list[Outcome]:
        """Run all checks one after another, the slow ones last."""
        outcomes = [await _outcome(check, call) for check, call in self._checks]
        return [replace(it, findings=tuple(map(self._remedies.completed, it.findings))) for it in outcomes]


async def _outcome(check: Check, call: OneAtATime[Sequence[Finding]]) -> Outcome:
    if check.skip:
        return Outcome(check.name, check.title, (), check.skip)
    deadline = SLOW_DEADLINE if check.slow else DEADLINE
    try:
        findings = tuple(await call(deadline))
    except TimeoutError:
        findings = (_failed(check, f"The check did not complete within {deadline:g} s."),)
    except Exception as error:  # noqa: BLE001 - the crash of a check is a result
        findings = (_failed(check, f"The check ended with an error: {unexpected(error)}."),)
    return Outcome(check.name, check.title, findings)


def _failed(check: Check, detail: str) -> Finding:
    return Finding(
        code=CHECK_FAILED,
        title=f"The check {check.name} failed to run",
        severity=Severity.WARNING,
        detail=detail,
        affects="The state of this part of the machine is unknown.",
        remedy=(f"wr-agent doctor --only {check.name} -v", "Report this bug: a check should never fail to run."),
    )


def worst(findings: Iterable[Finding]) -> Severity | None:
    """Return the worst severity of the findings; `None` without findings."""
    order = list(Severity)
    return max((finding.severity for finding in findings), key=order.index, default=None)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with the worst first; those of one severity keep their order."""
    order = list(Severity)
    return sorted(findings, key=lambda finding: -order.index(finding.severity))


def without_consequences(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes without each finding whose cause is among them.

    An outcome that loses all its findings is not applicable, since its check did not pass.
    """
    codes = {finding.code for outcome in outcomes for finding in outcome.findings}
    return [_without_consequences(outcome, codes) for outcome in outcomes]


def _without_consequences(outcome: Outcome, codes: set[str]) -> Outcome:
    kept = tuple(finding for finding in outcome.findings if not codes.intersection(finding.depends_on))
    if kept or not outcome.findings:
        return replace(outcome, findings=kept)
    causes = sorted({code for finding in outcome.findings for code in codes.intersection(finding.depends_on)})
    return replace(outcome, findings=(), not_applicable=f"a consequence of {', '.join(causes)}")


async def diagnose(sources: Iterable[Diagnosis]) -> list[Outcome]:
    """Run all sources concurrently; return their outcomes in order, without consequences."""
    answers = await asyncio.gather(*(source.run() for source in sources))
    return without_consequences([outcome for answer in answers for outcome in answer])
