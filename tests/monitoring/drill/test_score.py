"""The score of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from monitoring.drill.score import Answer, report, score

RIGHT = Answer("killed", "P0", 40.0, 30.0, runbook_right=True, wrong_actions=0, resolved=True)


@pytest.mark.parametrize(
    ("change", "points"),
    [
        ({}, 100),
        ({"response_seconds": 150.0}, 100),
        ({"response_seconds": 225.0}, 80),
        ({"response_seconds": 300.0}, 60),
        ({"response_seconds": 3000.0}, 60),
        ({"priority": "P1", "response_seconds": 300.0}, 100),
        ({"runbook_right": False}, 70),
        ({"wrong_actions": 2}, 80),
        ({"wrong_actions": 9}, 70),
        ({"resolved": False}, 70),
    ],
)
def test_an_answer_has_points_for_time_runbook_and_fix(change: dict[str, Any], points: int) -> None:
    assert score(RIGHT._replace(**change)) == points


def test_the_report_has_a_line_for_each_exercise_and_the_mean() -> None:
    text = report([RIGHT, RIGHT._replace(exercise="hung", runbook_right=False)])

    assert [line.split()[0] for line in text.splitlines()[1:3]] == ["killed", "hung"]
    assert text.endswith("mean score: 85 of 100\n")
