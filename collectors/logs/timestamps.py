"""Reads instants from text, in the forms that logs use, as Unix nanoseconds.

Owns the formats and the time zone. Which field is read, and what is done about a bad one, is the `timestamp` stage's.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, DecimalException
from typing import Any
from zoneinfo import ZoneInfo

NS = 1_000_000_000
_DAY_NS = 86_400 * NS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clock times are counted from it before their zone is applied
_MAX_SECONDS = 2**63 // NS  # what Loki's 64-bit nanoseconds hold, up to the year 2262
_CACHED = 4096
_NANOS_DIGITS = 9
_SCALE: list[int] = [10 ** (_NANOS_DIGITS - digits) for digits in range(_NANOS_DIGITS + 1)]
_MONTHS = {
    m: n for n, m in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1)
}

Parse = Callable[[Any, int], int]
"""From a field's value, and the instant it was read at, to Unix nanoseconds. Raises ValueError for another form."""


@dataclass(frozen=True, slots=True)
class Zone:
    """The time zone of times that carry none; `None` is the machine's own."""

    tzinfo: tzinfo | None = None

    @classmethod
    def parse(cls, text: str) -> Zone:
        """Read `local`, `UTC`, a name such as `Europe/Berlin`, or an offset such as `+02:00`.

        Raises:
            ValueError: There is no such zone.
        """
        if text == "local":
            return cls(None)
        if text in {"UTC", "Z"}:
            return cls(UTC)
        if _OFFSET.fullmatch(text):
            return cls(timezone(timedelta(seconds=_offset_seconds(text))))
        try:
            return cls(ZoneInfo(text))
        except (KeyError, ValueError, OSError) as error:
            message = f"expected local, UTC, an offset such as +02:00 or a name such as Europe/Berlin, got {text!r}"
            raise ValueError(message) from error

    def unix_seconds(self, wall: datetime) -> int:
        """The instant of a naive wall clock time, in whole seconds.

        Raises:
            ValueError: The platform cannot tell.
        """
        if self.tzinfo is UTC:
            return (wall - _NAIVE_EPOCH) // timedelta(seconds=1)
        try:
            return int(wall.replace(microsecond=0, tzinfo=self.tzinfo).timestamp())
        except (OverflowError, OSError) as error:
            raise ValueError(wall) from error


class TimestampFormat(str):
    """The name of a format, or a strptime pattern."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> TimestampFormat:
        """Check the name of a format, or a pattern with `%` directives.

        Raises:
            ValueError: It is neither.
        """
        if text in _FORMATS:
            return cls(text)
        if "%" not in text:
            near = difflib.get_close_matches(text, _FORMATS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"expected one of {', '.join(_FORMATS)} or a strptime pattern, got {text!r}{hint}")
        _check_pattern(text)
        return cls(text)


def reader(form: str, zone: Zone) -> Parse:
    """What reads instants of a format (a name or a strptime pattern); times without a zone are in `zone`."""
    make = _FORMATS.get(form)
    return make(zone) if make else _strptime(form, zone)


class _Seconds(dict[str, int]):
    """Unix seconds of `YYYY-MM-DDThh:mm:ss` texts in one zone; remembers some, as lines come many a second."""

    def __init__(self, zone: Zone) -> None:
        super().__init__()
        self._zone = zone

    def __missing__(self, text: str) -> int:
        found = _CIVIL.fullmatch(text)
        if found is None:
            raise ValueError(text)
        if len(self) >= _CACHED:
            self.clear()
        seconds = self[text] = self._zone.unix_seconds(_wall(found.groups()))
        return seconds


def _wall(fields: tuple[str, ...]) -> datetime:
    year, month, day, hour, minute, second = map(int, fields)
    leap = second == 60  # noqa: PLR2004 - a leap second, the only case: POSIX time counts it as the next one
    wall = datetime(year, month, day, hour, minute, second - leap)  # noqa: DTZ001 - the zone is applied later
    return wall + timedelta(seconds=leap)


def _rfc3339(zone: Zone) -> Parse:
    utc, local = _Seconds(Zone(UTC)), _Seconds(zone)

    def general(text: str) -> int:
        found = _RFC3339.fullmatch(text)
        if found is None:
            raise ValueError(text)
        civil, fraction, offset = found.groups()
        if offset is None or (offset.isalpha() and offset.upper() not in _UTC_NAMES):
            return local[civil] * NS + _nanos(fraction)  # an abbreviation such as CET names no zone for sure
        return (utc[civil] - _offset_seconds(offset)) * NS + _nanos(fraction)

    def parse(text: Any, _near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        if type(text) is str and text[-1:] == "Z" and text[19:20] == ".":  # the usual form, without a search
            digits = text[20:-1]
            if len(digits) <= _NANOS_DIGITS and digits.isdigit() and digits.isascii():
                return utc[text[:19]] * NS + int(digits) * _SCALE[len(digits)]
        return general(_expect_text(text))

    return parse


def _unix(per_second: int) -> Callable[[Zone], Parse]:
    unit, limit = NS // per_second, _MAX_SECONDS * per_second

    def parse(value: Any, _near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        if not isinstance(value, str | int | float):
            raise ValueError(value)  # noqa: TRY004 - see _expect_text
        try:
            ticks = Decimal(value if isinstance(value, str) else repr(value))
            fits = abs(ticks) < limit
        except DecimalException as error:  # also "not a number", which cannot be compared
            raise ValueError(value) from error
        if not fits:
            raise ValueError(value)
        return int(ticks * unit)

    return lambda _zone: parse


def _syslog(zone: Zone) -> Parse:
    """RFC 5424, and RFC 3164, whose time lacks the year: the one that brings it nearest before tomorrow."""
    modern, wall = _rfc3339(zone), _Seconds(zone)

    def parse(text: Any, near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        found = _RFC3164.fullmatch(_expect_text(text))
        if found is None:
            return modern(text, near_ns)
        month, day, time, fraction = found.groups()
        tomorrow = near_ns + _DAY_NS
        year = (_EPOCH + timedelta(seconds=tomorrow // NS)).year
        for candidate in (year, year - 1, year - 2, year - 3, year - 4):  # back to a leap year, for 29 February
            try:
                instant = wall[f"{candidate}-{_MONTHS[month]:02}-{int(day):02} {time}"] * NS + _nanos(fraction)
            except ValueError:
                continue
            if instant <= tomorrow:
                return instant
        raise ValueError(text)

    return parse


def _nginx(zone: Zone) -> Parse:
    """The access log's `22/Nov/2026:04:23:38 +0000`, and the error log's `2026/11/22 04:23:38`."""
    utc, wall = _Seconds(Zone(UTC)), _Seconds(zone)

    def parse(text: Any, _near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        found = _NGINX_ACCESS.fullmatch(_expect_text(text))
        if found:
            day, month, year, time, offset = found.groups()
            return (utc[f"{year}-{_MONTHS[month]:02}-{day} {time}"] - _offset_seconds(offset)) * NS
        return wall[text.replace("/", "-")] * NS

    return parse


def _strptime(pattern: str, zone: Zone) -> Parse:
    remembered: dict[str, int] = {}

    def parse(text: Any, _near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        known = remembered.get(_expect_text(text))
        if known is not None:
            return known
        if len(remembered) >= _CACHED:
            remembered.clear()
        moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - the pattern says whether there is a zone
        whole = zone.unix_seconds(moment) if moment.tzinfo is None else (moment - _EPOCH) // timedelta(seconds=1)
        instant = remembered[text] = whole * NS + moment.microsecond * 1000
        return instant

    return parse


_FORMATS: Mapping[str, Callable[[Zone], Parse]] = {
    "rfc3339": _rfc3339,
    "unix": _unix(1),
    "unix_ms": _unix(10**3),
    "unix_us": _unix(10**6),
    "unix_ns": _unix(NS),
    "syslog": _syslog,
    "nginx": _nginx,
    "postgresql": _rfc3339,  # with a space, milliseconds and a zone's abbreviation
}

_CIVIL = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)", re.ASCII)
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:[.,](\d+))?(?: ?([+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?|[A-Za-z]{1,5}))?",
    re.ASCII,
)
_RFC3164 = re.compile(rf"({'|'.join(_MONTHS)}) +(\d\d?) (\d\d:\d\d:\d\d)(?:\.(\d+))?", re.ASCII)
_NGINX_ACCESS = re.compile(rf"(\d\d)/({'|'.join(_MONTHS)})/(\d{{4}}):(\d\d:\d\d:\d\d) ([+-]\d{{4}})", re.ASCII)
_OFFSET = re.compile(r"[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?", re.ASCII)
_UTC_NAMES = {"Z", "UTC", "GMT"}


def _expect_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004 - whatever a field holds, the caller asks one thing: could it be read?
    return value


def _nanos(fraction: str | None) -> int:
    return int(fraction[:_NANOS_DIGITS].ljust(_NANOS_DIGITS, "0")) if fraction else 0


def _offset_seconds(offset: str) -> int:
    if offset.isalpha():
        return 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if offset[0] == "-" else seconds


def _check_pattern(pattern: str) -> None:
    now = datetime.now(UTC)
    try:
        datetime.strptime(now.strftime(pattern), pattern)  # noqa: DTZ007 - only whether it can be read
    except ValueError as error:
        raise ValueError(
            f"expected a strptime pattern such as '%d.%m.%Y %H:%M:%S', got {pattern!r}: {error}"
        ) from error
