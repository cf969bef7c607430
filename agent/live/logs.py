"""The log sources of a live sample, from the logs collector's families."""

from __future__ import annotations

from agent.live.reading import Reading, increase, short
from agent.live.sample import LogNow

_LINES = "wr_agent_log_read_lines_total"
_BYTES = "wr_agent_log_lag_bytes"
_SECONDS = "wr_agent_log_lag_seconds"

NAMES = frozenset({_LINES, _BYTES, _SECONDS})

_MOST = 64


def logs(before: Reading | None, now: Reading) -> list[LogNow]:
    """Return every source, in the order of the configuration."""
    names = [it.labels["source"] for it in now.series(_BYTES)]
    return [_log(before, now, name) for name in names[:_MOST]]


def _log(before: Reading | None, now: Reading, name: str) -> LogNow:
    lines = increase(before, now, _LINES, source=name)
    rate = short(lines / (now.at - before.at)) if lines is not None and before else None
    lag_bytes, lag_seconds = (now.number(family, source=name) or 0.0 for family in (_BYTES, _SECONDS))
    return LogNow(name, rate, lag_bytes, short(lag_seconds))
