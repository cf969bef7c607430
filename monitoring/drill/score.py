"""The score of an exercise: 40 points for the time to respond, 30 for the runbook, 30 for the fix. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monitoring.runbooks.alerts import RESPONSE_SECONDS

_RESPONSE, _RUNBOOK, _FIX, _WRONG_ACTION = 40, 30, 30, 10


class Answer(NamedTuple):
    """The answer of a person to one page.

    Attributes:
        exercise: The name of the exercise.
        priority: The priority of its alert.
        page_seconds: From the fault to the page.
        response_seconds: From the page to the acknowledgement.
        runbook_right: True if the first named runbook was the right one.
        wrong_actions: Actions that did not repair the fault.
        resolved: True if the page was resolved.
    """

    exercise: str
    priority: str
    page_seconds: float
    response_seconds: float
    runbook_right: bool
    wrong_actions: int
    resolved: bool


def score(answer: Answer) -> int:
    """Return the points of an answer, of 100. After half of the response time the points for it decrease."""
    limit = RESPONSE_SECONDS[answer.priority]
    late = max(0.0, 2 * answer.response_seconds / limit - 1)
    response = round(_RESPONSE * max(0.0, 1 - late))
    fix = max(0, _FIX - _WRONG_ACTION * answer.wrong_actions) if answer.resolved else 0
    return response + _RUNBOOK * answer.runbook_right + fix


def report(answers: Sequence[Answer]) -> str:
    """Return the result as a table with the mean score."""
    head = "exercise   priority  page after  acknowledged after  runbook  wrong actions  resolved  score\n"
    rows = "".join(
        f"{it.exercise:<10} {it.priority:<8}  {it.page_seconds:>8.0f} s  {it.response_seconds:>16.0f} s  "
        f"{'right' if it.runbook_right else 'wrong':<7}  {it.wrong_actions:>13}  {'yes' if it.resolved else 'no':<8}  "
        f"{score(it):>5}\n"
        for it in answers
    )
    mean = sum(map(score, answers)) / len(answers) if answers else 0
    return f"{head}{rows}mean score: {mean:.0f} of 100\n"
