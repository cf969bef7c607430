"""RFC 3339 and its relatives: times of one line of digits, with a fraction of up to nine digits."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.logs.times.zone import NS, Zone, offset_seconds

Parse = Callable[[Any, int], int]
"""A function from a field's value and the log's own time to Unix nanoseconds. Raises ValueError for other forms.

The log's own time completes dates without a year and times without a date.
"""

CACHED = 4096
"""The number of texts that a reader remembers."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS_DIGITS = 9
_FRACTION_START = 20
_SCALE: list[int] = [10 ** (_NANOS_DIGITS - digits) for digits in range(_NANOS_DIGITS + 1)]
_UTC_NAMES = {"Z", "UTC", "GMT"}
_HALVES = {"AM": 0, "PM": 12}
_CIVIL = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d))?(?: ([AaPp][Mm]))?", re.ASCII)
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?( [AaPp][Mm])?"
    r"(?: ?([+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?|[A-Za-z]{1,5})"
    r"(?: (?:[A-Za-z]{1,5}|[+-]\d{2,4}))?(?: m=[+-]\d+\.\d+)?"  # the rest of Go's time.String
    r"(?:\[[^\[\]]*\])*)?",  # the suffixes of RFC 9557 and of Java
    re.ASCII,
)


def usual_column(texts: list[Any]) -> list[int] | None:
    """Return the instants of a whole column in the usual form, `YYYY-MM-DDThh:mm:ss.fffZ`, or `None` for others.

    It takes half the time of reading each text by itself. The texts have one length, so the same places of all of them
    are checked at once.
    """
    try:
        joined = "".join(texts)
    except TypeError:
        return None
    length, count = len(texts[0]), len(texts)
    digits = length - _FRACTION_START - 1
    if not 0 < digits <= _NANOS_DIGITS or len(joined) != length * count:
        return None
    if joined[_FRACTION_START - 1 :: length] != "." * count or joined[length - 1 :: length] != "Z" * count:
        return None
    places = [joined[place::length] for place in range(_FRACTION_START, length - 1)]
    if not all(place.isdigit() and place.isascii() for place in places):
        return None
    scale, seconds = _SCALE[digits], _UTC_SECONDS
    try:
        return [seconds[text[:19]] * NS + int(text[20:-1]) * scale for text in texts]
    except ValueError:
        return None


class Seconds(dict[str, int]):
    """Unix seconds of `YYYY-MM-DDThh:mm:ss` texts in one zone, with a cache."""

    def __init__(self, zone: Zone) -> None:
        super().__init__()
        self._zone = zone

    def __missing__(self, text: str) -> int:
        wall = _wall(text)
        if len(self) >= CACHED:
            self.clear()
        seconds = self[text] = self._zone.unix_seconds(wall)
        return seconds


def _wall(text: str) -> datetime:
    """Return a time on the wall, which may lack its seconds and may be of a clock with twelve hours.

    Raises:
        ValueError: The text is no such time.
    """
    found = _CIVIL.fullmatch(text)
    if found is None:
        raise ValueError(text)
    *date, half = found.groups(default="0")
    year, month, day, hour, minute, second = map(int, date)
    if half != "0":
        if not 1 <= hour <= 12:  # noqa: PLR2004 - a clock with twelve hours
            raise ValueError(text)
        hour = hour % 12 + _HALVES[half.upper()]
    leap = second == 60  # noqa: PLR2004 - a leap second, the only case: POSIX time counts it as the next one
    wall = datetime(year, month, day, hour, minute, second - leap)  # noqa: DTZ001 - the zone is applied later
    return wall + timedelta(seconds=leap)


def rfc3339(zone: Zone) -> Parse:
    """Return a reader of RFC 3339, also with a blank, a zone's abbreviation or the rest of Go's time.String."""
    utc, local = Seconds(Zone(UTC)), Seconds(zone)

    def general(text: str) -> int:
        found = _RFC3339.fullmatch(text)
        if found is None:
            raise ValueError(text)
        civil, fraction, half, offset = found.groups()
        civil += half or ""
        if offset is None:
            return local[civil] * NS + nanos(fraction)
        if offset.isalpha() and offset.upper() not in _UTC_NAMES:
            return zone.named_seconds(_wall(civil), offset) * NS + nanos(fraction)
        return (utc[civil] - offset_seconds(offset)) * NS + nanos(fraction)

    def parse(text: Any, _near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        if type(text) is str and text[-1:] == "Z" and text[19:20] == ".":  # the usual form, without a search
            digits = text[20:-1]
            if len(digits) <= _NANOS_DIGITS and digits.isdigit() and digits.isascii():
                return utc[text[:19]] * NS + int(digits) * _SCALE[len(digits)]
        return general(expect_text(text))

    return parse


def rfc3339_text(instant_ns: int) -> str:
    """Return an instant as RFC 3339 in UTC, with nanoseconds where there are any."""
    seconds, nanos = divmod(instant_ns, NS)
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    return f"{(_EPOCH + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S')}{fraction}Z"


def expect_text(value: object) -> str:
    """Return a text.

    Raises:
        ValueError: The value is none.
    """
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004 - whatever a field holds, the caller asks one thing: could it be read?
    return value


def nanos(fraction: str | None) -> int:
    """Return the nanoseconds of the digits after the point."""
    return int(fraction[:_NANOS_DIGITS].ljust(_NANOS_DIGITS, "0")) if fraction else 0


_UTC_SECONDS = Seconds(Zone(UTC))
