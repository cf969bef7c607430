"""The parts of a runbook that the rules determine: its head and its escalation."""

from __future__ import annotations

import re
from collections.abc import Sequence

from monitoring.runbooks.alerts import RESPONSE_WORDS, Alert

PROMETHEUS = "http://127.0.0.1:9090"
GRAFANA = "http://127.0.0.1:3000"
BOARDS = {
    "wr-alerts": "Alerts",
    "wr-application": "Application Performance",
    "wr-audio": "Studio Audio",
    "wr-business": "Business Metrics",
    "wr-system-health": "System Health",
}
_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}


def completed(text: str, of: Sequence[Alert]) -> str:
    """Return a runbook's text with its head and escalation.

    Args:
        text: The file's text, with the marks `<!-- head -->` and `<!-- escalation -->`.
        of: The rules that name this runbook.
    """
    for mark, part in {"head": _head(of), "escalation": _escalation(of)}.items():
        begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"expected the marks {begin.strip()} and {end} in the runbook {of[0].runbook}")
        text = f"{before}{begin}\n{part}\n{end}{after}"
    return text


def _head(of: Sequence[Alert]) -> str:
    return "\n".join(_facts(alert) for alert in of)


def _facts(alert: Alert) -> str:
    rows = {
        "Alert": f"[{alert.name}]({PROMETHEUS}/alerts?search={alert.name})",
        "Priority": f"{alert.priority} {alert.severity}, respond within {RESPONSE_WORDS[alert.priority]}",
        "Team": alert.team,
        "Dashboard": f"[{BOARDS[alert.board]}]({GRAFANA}/d/{alert.board})",
        "Server to query": f"Prometheus, {PROMETHEUS}",
        "Fires": _timing(alert),
    }
    table = "".join(f"| {name} | {value} |\n" for name, value in rows.items())
    return f"| | |\n|---|---|\n{table}\n```promql\n{alert.expression}\n```\n"


def _timing(alert: Alert) -> str:
    fires = f"after the expression has held for {duration(alert.waits)}" if alert.waits else "at once"
    return f"{fires}, resolves {duration(alert.keeps)} after it ends" if alert.keeps else fires


def duration(text: str) -> str:
    """Return a duration of a rule in words: `2 minutes` of `2m`.

    Raises:
        ValueError: It is not a number and a unit of Prometheus.
    """
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if not found:
        raise ValueError(f"expected a duration such as 5m, got {text!r}")
    return f"{found[1]} {_UNITS[found[2]]}{'' if found[1] == '1' else 's'}"


def _escalation(of: Sequence[Alert]) -> str:
    return "\n".join(f"**Escalation ({alert.priority}).** {_next_step(alert)}\n" for alert in of)


def _next_step(alert: Alert) -> str:
    contact = f"The Alerts dashboard lists the contact of the team {alert.team}."
    if alert.priority in {"P0", "P1"}:
        return (
            f"PagerDuty pages the on-call engineer. After {RESPONSE_WORDS[alert.priority]} without acknowledgement it "
            f"pages the next person. {contact}"
        )
    if alert.priority == "P2":
        return f"Slack `#ops` shows it at any time, and the team {alert.team} gets a mail in the morning. {contact}"
    return f"None. The team {alert.team} reads Slack `#notifications`."
