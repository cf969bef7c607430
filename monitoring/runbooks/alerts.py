"""The alerts as the rule files define them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

RULES = Path(__file__).parents[1] / "prometheus/rules"

RESPONSE_SECONDS = {"P0": 300, "P1": 1800, "P2": 7200, "P3": 86400}
RESPONSE_WORDS = {"P0": "5 minutes", "P1": "30 minutes", "P2": "2 hours", "P3": "1 day"}
"""The time to respond to an alert, by its priority."""


class Alert(NamedTuple):
    """One alerting rule.

    Attributes:
        name: The alert's name.
        expression: PromQL.
        waits: The duration that the expression must hold, such as `5m`; empty if it fires at once.
        keeps: The duration that it keeps firing after the expression ends; empty if it resolves at once.
        priority: P0 to P3.
        severity: The word for the priority.
        team: The owner.
        board: The uid of its dashboard.
        link: Its dashboard with variables, as a template of Prometheus.
        runbook: The stem of its runbook's file.
    """

    name: str
    expression: str
    waits: str
    keeps: str
    priority: str
    severity: str
    team: str
    board: str
    link: str
    runbook: str


def alerts() -> Iterator[Alert]:
    """Yield every alerting rule in the order of the files."""
    for file in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    yield _alert(rule)


def _alert(rule: Mapping[str, Any]) -> Alert:
    labels, notes = rule["labels"], rule["annotations"]
    return Alert(
        name=rule["alert"],
        expression=rule["expr"].strip(),
        waits=rule.get("for", ""),
        keeps=rule.get("keep_firing_for", ""),
        priority=labels["priority"],
        severity=labels["severity"],
        team=labels["team"],
        board=re.sub(r"^/d/|\?.*", "", notes["dashboard"]),
        link=notes["dashboard"],
        runbook=notes["runbook"].removeprefix("runbooks/").removesuffix(".md"),
    )
