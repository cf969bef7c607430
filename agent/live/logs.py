"""The log sources of a live sample, from the logs collector's view."""

from __future__ import annotations

from collections.abc import Sequence

from agent.live.rates import increase, short
from agent.live.sample import LogNow
from collectors.logs.families import Progress

_MOST = 64


def logs(before: Sequence[Progress] | None, now: Sequence[Progress], seconds: float) -> list[LogNow]:
    """Return every source, in the order of the configuration."""
    earlier = {progress.source: progress for progress in before or ()}
    return [_log(earlier.get(progress.source), progress, seconds) for progress in now[:_MOST]]


def _log(before: Progress | None, now: Progress, seconds: float) -> LogNow:
    lines = increase(before.lines if before else None, now.lines)
    rate = short(lines / seconds) if lines is not None and seconds > 0 else None
    return LogNow(now.source, rate, float(now.lag_bytes), short(now.lag_seconds))
