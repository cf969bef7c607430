"""Times that lack their year or their date, completed by the log's own time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from collectors.logs.times.zone import NS, Zone

_WEEK_NS = 7 * 86_400 * NS
_HOUR_NS = 3600 * NS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def latest_year(instant_in: Callable[[int], int], near_ns: int) -> int:
    """Return the instant in the latest year that is not after the log's own time, but for a week.

    Dates may be ahead of it by the difference of two clocks. A line of almost a year ago is too old for Loki anyway.

    Raises:
        ValueError: No year of the last five has this date.
    """
    latest = near_ns + _WEEK_NS
    year = (_EPOCH + timedelta(seconds=latest // NS)).year
    for candidate in range(year + 1, year - 5, -1):  # back to a leap year, for 29 February
        try:
            instant = instant_in(candidate)
        except ValueError:
            continue
        if instant <= latest:
            return instant
    raise ValueError(year)


def latest_day(zone: Zone, time: timedelta, near_ns: int) -> int:
    """Return the latest instant with a time of day that is not after the log's own time, but for an hour."""
    limit = near_ns + _HOUR_NS
    day = (_EPOCH + timedelta(seconds=limit // NS)).replace(tzinfo=None, hour=0, minute=0, second=0)
    nanos = time % timedelta(seconds=1) // timedelta(microseconds=1) * 1000
    for back in (-1, 0, 1, 2):
        instant = zone.unix_seconds(day - timedelta(days=back) + time) * NS + nanos
        if instant <= limit:
            return instant
    raise ValueError(time)
