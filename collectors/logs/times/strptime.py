"""Times of a strptime pattern."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.logs.times.incomplete import latest_day, latest_year
from collectors.logs.times.rfc3339 import CACHED, Parse, expect_text
from collectors.logs.times.zone import NS, Zone, numeric_offset

_HOUR_NS = 3600 * NS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIRECTIVE = re.compile(r"%-?([A-Za-z])")
_LONG_FRACTION = re.compile(r"([.,]\d{6})(\d{1,3})\d*", re.ASCII)
_NAME = re.compile(r"\b[A-Z]{2,5}\b")


def strptime(pattern: str, zone: Zone) -> Parse:
    """Return a reader of a strptime pattern, which may lack the year or the whole date."""
    directives = set(_DIRECTIVE.findall(pattern))
    has_date = bool(directives & set("dejcxDF"))
    has_year = bool(directives & set("YyGcxDF"))
    remembered: dict[tuple[str, int], int] = {}

    def instant(text: str, near_ns: int) -> int:
        text, nanos = _without_nanos(text) if "f" in directives else (text, 0)
        if not has_date:
            moment = _parsed(text, pattern)
            return latest_day(zone, moment - moment.replace(hour=0, minute=0, second=0, microsecond=0), near_ns) + nanos
        if not has_year:
            # A leap year, so that 29 February can be read.
            moment = _parsed(f"2000 {text}", f"%Y {pattern}")
            return latest_year(lambda year: _unix_nanos(moment.replace(year=year), zone), near_ns) + nanos
        return _unix_nanos(_parsed(text, pattern), zone) + nanos

    def parse(text: Any, near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        key = (expect_text(text), 0 if has_year else near_ns // _HOUR_NS)
        known = remembered.get(key)
        if known is not None:
            return known
        if len(remembered) >= CACHED:
            remembered.clear()
        found = remembered[key] = instant(text, near_ns)
        return found

    return parse


def _parsed(text: str, pattern: str) -> datetime:
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007 - the pattern says whether there is a zone
    except ValueError:
        if "%Z" not in pattern:
            raise
    # Python's %Z knows the machine's own names alone.
    numeric = _NAME.sub(lambda found: numeric_offset(found[0]), text)
    return datetime.strptime(numeric, pattern.replace("%Z", "%z"))  # noqa: DTZ007 - a name that stays is refused


def _without_nanos(text: str) -> tuple[str, int]:
    """Cut a fraction to the six digits that strptime reads, and return the nanoseconds of the rest."""
    found = _LONG_FRACTION.search(text)
    if found is None:
        return text, 0
    rest = found[2][:3].ljust(3, "0")
    return text[: found.end(1)] + text[found.end() :], int(rest)


def _unix_nanos(moment: datetime, zone: Zone) -> int:
    whole = zone.unix_seconds(moment) if moment.tzinfo is None else (moment - _EPOCH) // timedelta(seconds=1)
    return whole * NS + moment.microsecond * 1000


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that cannot be read.

    Raises:
        ValueError: With the reason.
    """
    now = datetime.now(UTC)
    try:
        datetime.strptime(now.strftime(pattern), pattern)  # noqa: DTZ007 - only whether it can be read
    except ValueError as error:
        raise ValueError(
            f"expected a strptime pattern such as '%d.%m.%Y %H:%M:%S', got {pattern!r}: {error}"
        ) from error
