"""Numbers of a live sample: increases, shares of time, and their rounding."""

from __future__ import annotations


def increase(before: float | None, now: float | None) -> float | None:
    """Return the increase of a counter; None if unknown. A reset counter counts from zero."""
    if before is None or now is None:
        return None
    return now - before if now >= before else now


def share(before: float | None, now: float | None, seconds: float) -> float | None:
    """Return the increase of a counter of seconds as a share of the elapsed time, at most 1; None if unknown."""
    passed = increase(before, now)
    if passed is None or seconds <= 0:
        return None
    return short(min(passed / seconds, 1.0))


def short(value: float) -> float:
    """Round to four significant digits, which keeps the page's data small."""
    return float(f"{value:.4g}")
