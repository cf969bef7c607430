"""The runner of checks: one outcome for each check, without findings that another finding causes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.core.remedy_text import RemedyText
from collectors.findings import Check, Finding, Severity
from collectors.offloop import NoThreadError, Workers, in_turn
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
        workers: The threads in which the checks run.
    """

    def __init__(
        self, checks: Iterable[Check], configuration: Path | None = None, workers: Workers | None = None
    ) -> None:
        self._remedies = RemedyText(configuration)
        self._checks = sorted(checks, key=lambda check: check.slow)
        self._workers = workers or Workers("checks")
        self._hung: dict[str, _Turn] = {}

    async def run(self) -> list[Outcome]:
        """Run all checks one after another, the slow ones last."""
        answers = await self._answers()
        outcomes = [_outcome(check, answers.get(check.name, ())) for check in self._checks]
        return [replace(it, findings=tuple(map(self._remedies.completed, it.findings))) for it in outcomes]

    async def _answers(self) -> dict[str, _Answer]:
        """Return the findings or the error of each check that has a result here."""
        self._hung = {name: turn for name, turn in self._hung.items() if turn.running == name}
        answers: dict[str, _Answer] = {name: TimeoutError() for name in self._hung}
        waiting = [check for check in self._checks if not check.skip and check.name not in answers]
        while waiting:
            turn = _Turn(waiting)
            waiting = await self._complete(turn)
            answers |= turn.answers
        return answers

    async def _complete(self, turn: _Turn) -> list[Check]:
        """Wait for a turn of checks in one thread; return those that have not begun when one misses its deadline."""
        work = asyncio.ensure_future(self._workers.call(turn.work))
        while not work.done():
            if turn.left <= 0 and (rest := turn.end_if_late()) is not None:
                if turn.running:
                    self._hung[turn.running] = turn
                return rest
            await asyncio.wait({work}, timeout=turn.left)
        try:
            work.result()
        except NoThreadError as error:
            turn.fail(error)
        return []


_Answer = Sequence[Finding] | Exception


class _Turn:
    """Checks that one thread makes one after another. A check that hangs ends the turn.

    Attributes:
        answers: The findings or the error of each check that was made, by its name.
        running: The name of the check that runs; empty between checks.
    """

    def __init__(self, checks: Iterable[Check]) -> None:
        self.answers: dict[str, _Answer] = {}
        self.running = ""
        self._waiting = deque(checks)
        self._deadline = time.monotonic() + DEADLINE
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """Seconds until the deadline of the check that runs."""
        return self._deadline - time.monotonic()

    def work(self) -> None:
        """Make the checks that wait."""
        while check := self._next():
            answer: _Answer
            try:
                answer = tuple(check.run())
            except Exception as error:  # noqa: BLE001 - the crash of a check is a result
                answer = error
            self._take(check, answer)

    def end_if_late(self) -> list[Check] | None:
        """Begin no more checks if one has missed its deadline; return those that have not begun, else None."""
        with self._lock:
            if self.left > 0:
                return None
            rest = list(self._waiting)
            self._waiting.clear()
            if not self.running and not self.answers:  # the thread did not even begin
                rest, late = [], [check.name for check in rest]
            else:
                late = [self.running] if self.running else []
            self.answers = self.answers | dict.fromkeys(late, TimeoutError())
            return rest

    def fail(self, error: Exception) -> None:
        """Give this error to all checks that wait."""
        while check := self._next():
            self._take(check, error)

    def _next(self) -> Check | None:
        with self._lock:
            if not self._waiting:
                return None
            check = self._waiting.popleft()
            self._deadline = time.monotonic() + _deadline(check)
            self.running = check.name
            return check

    def _take(self, check: Check, answer: _Answer) -> None:
        with self._lock:
            self.running = ""
            self.answers[check.name] = answer


def _deadline(check: Check) -> float:
    return SLOW_DEADLINE if check.slow else DEADLINE


def _outcome(check: Check, answer: _Answer) -> Outcome:
    if check.skip:
        return Outcome(check.name, check.title, (), check.skip)
    return Outcome(check.name, check.title, _findings(check, answer))


def _findings(check: Check, answer: _Answer) -> tuple[Finding, ...]:
    if isinstance(answer, TimeoutError):
        return (_failed(check, f"The check did not complete within {_deadline(check):g} s."),)
    if isinstance(answer, Exception):
        return (_failed(check, f"The check ended with an error: {unexpected(answer)}."),)
    return tuple(answer)


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
    """Run all sources; return their outcomes in order, without consequences. One that hangs delays no other."""
    answers = await in_turn([source.run for source in sources])
    return without_consequences([outcome for answer in answers for outcome in answer])
