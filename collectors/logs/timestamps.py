"""Readers of the time formats of logs. Instants are Unix nanoseconds.

Owns the formats and the time zone. The `timestamp` stage owns the fields and the treatment of bad times.
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
_HOUR_NS = 3600 * NS
_ABBREVIATIONS: Mapping[str, float] = {
    name: float(hours)
    for hours, names in {
        "0": "UTC GMT Z WET",
        "1": "CET MEZ BST WEST",
        "2": "CEST MESZ EET SAST",
        "3": "EEST MSK",
        "5.5": "IST",
        "8": "HKT SGT AWST",
        "9": "JST KST",
        "9.5": "ACST",
        "10": "AEST",
        "10.5": "ACDT",
        "11": "AEDT",
        "12": "NZST",
        "13": "NZDT",
        "-3": "BRT ART ADT",
        "-3.5": "NST",
        "-4": "AST EDT",
        "-5": "EST CDT",
        "-6": "CST MDT",
        "-7": "MST PDT",
        "-8": "PST AKDT",
        "-9": "AKST",
        "-10": "HST",
    }.items()
    for name in names.split()
}
"""Hours from UTC by abbreviation. Where several zones share one, that of the most users stands here."""
_NANOS_DIGITS = 9
_FRACTION_START = 20
_SCALE: list[int] = [10 ** (_NANOS_DIGITS - digits) for digits in range(_NANOS_DIGITS + 1)]
_MONTHS = {
    m: n for n, m in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1)
}

Parse = Callable[[Any, int], int]
"""A function from a field's value and the log's own time to Unix nanoseconds. Raises ValueError for other forms.

The log's own time completes dates without a year and times without a date.
"""


@dataclass(frozen=True, slots=True)
class Zone:
    """The time zone of times without one. `None` is the machine's own."""

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
        """Return the instant of a naive wall clock time, in whole seconds.

        Raises:
            ValueError: The platform cannot convert it.
        """
        if self.tzinfo is UTC:
            return (wall - _NAIVE_EPOCH) // timedelta(seconds=1)
        try:
            return int(wall.replace(microsecond=0, tzinfo=self.tzinfo).timestamp())
        except (OverflowError, OSError) as error:
            raise ValueError(wall) from error

    def named_seconds(self, wall: datetime, name: str) -> int:
        """Return the instant of a wall clock time with an abbreviated zone, such as CET.

        The zone itself decides, if it has this name at that time. Others follow a table, unknown ones are ignored.

        Raises:
            ValueError: The platform cannot convert it.
        """
        for fold in (0, 1):
            local = wall.replace(fold=fold)
            aware = local.astimezone() if self.tzinfo is None else local.replace(tzinfo=self.tzinfo)
            if aware.tzname() == name:
                return self.unix_seconds(local)
        offset = _ABBREVIATIONS.get(name.upper())
        if offset is None:
            return self.unix_seconds(wall)
        return (wall - _NAIVE_EPOCH) // timedelta(seconds=1) - int(offset * 3600)

    def second_reading(self, instant_ns: int) -> int:
        """Return the later instant with the same wall clock time, in the hour that autumn repeats.

        Any other instant is returned as it is.
        """
        first = datetime.fromtimestamp(instant_ns // NS, self.tzinfo or UTC)
        if self.tzinfo is None:
            first = first.astimezone()
            naive = first.replace(tzinfo=None)
            later = int(naive.replace(fold=1).timestamp()) - int(naive.replace(fold=0).timestamp())
        else:
            before, after = first.replace(fold=0).utcoffset(), first.replace(fold=1).utcoffset()
            later = int((before - after).total_seconds()) if before is not None and after is not None else 0
        return instant_ns + max(later, 0) * NS


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
    """Return the reader of a format, a name or a strptime pattern. Times without a zone are in `zone`."""
    make = _FORMATS.get(form)
    return make(zone) if make else _strptime(form, zone)


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


class _Seconds(dict[str, int]):
    """Unix seconds of `YYYY-MM-DDThh:mm:ss` texts in one zone, with a cache."""

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


def _civil_fields(text: str) -> tuple[str, ...]:
    found = _CIVIL.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return found.groups()


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
        if offset is None:
            return local[civil] * NS + _nanos(fraction)
        if offset.isalpha() and offset.upper() not in _UTC_NAMES:
            return zone.named_seconds(_wall(_civil_fields(civil)), offset) * NS + _nanos(fraction)
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
    """Read RFC 5424, and RFC 3164, whose time lacks the year."""
    modern, wall = _rfc3339(zone), _Seconds(zone)

    def parse(text: Any, near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        found = _RFC3164.fullmatch(_expect_text(text))
        if found is None:
            return modern(text, near_ns)
        month, day, time, fraction = found.groups()
        date = f"{_MONTHS[month]:02}-{int(day):02} {time}"
        return _latest_year(lambda year: wall[f"{year}-{date}"] * NS + _nanos(fraction), near_ns)

    return parse


def _latest_year(instant_in: Callable[[int], int], near_ns: int) -> int:
    """Return the instant in the latest year that is not after the log's own time, but for a day.

    Raises:
        ValueError: No year of the last five has this date.
    """
    tomorrow = near_ns + _DAY_NS
    year = (_EPOCH + timedelta(seconds=tomorrow // NS)).year
    for candidate in range(year + 1, year - 5, -1):  # back to a leap year, for 29 February
        try:
            instant = instant_in(candidate)
        except ValueError:
            continue
        if instant <= tomorrow:
            return instant
    raise ValueError(year)


def _latest_day(zone: Zone, time: timedelta, near_ns: int) -> int:
    """Return the latest instant with a time of day that is not after the log's own time, but for an hour."""
    limit = near_ns + _HOUR_NS
    day = (_EPOCH + timedelta(seconds=limit // NS)).replace(tzinfo=None, hour=0, minute=0, second=0)
    nanos = time % timedelta(seconds=1) // timedelta(microseconds=1) * 1000
    for back in (-1, 0, 1, 2):
        instant = zone.unix_seconds(day - timedelta(days=back) + time) * NS + nanos
        if instant <= limit:
            return instant
    raise ValueError(time)


def _time_of_day(zone: Zone) -> Parse:
    """Read a time without a date, such as `04:23:38.250`."""

    def parse(text: Any, near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        found = _TIME.fullmatch(_expect_text(text))
        if found is None:
            raise ValueError(text)
        hour, minute, second, fraction = found.groups()
        time = timedelta(hours=int(hour), minutes=int(minute), seconds=int(second))
        return _latest_day(zone, time, near_ns) + _nanos(fraction)

    return parse


def _nginx(zone: Zone) -> Parse:
    """Read the access log's `22/Nov/2026:04:23:38 +0000`, and the error log's `2026/11/22 04:23:38`."""
    utc, wall = _Seconds(Zone(UTC)), _Seconds(zone)

    def parse(text: Any, _near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        found = _NGINX_ACCESS.fullmatch(_expect_text(text))
        if found:
            day, month, year, time, fraction, offset = found.groups()
            seconds = utc[f"{year}-{_MONTHS[month]:02}-{day} {time}"] - _offset_seconds(offset)
            return seconds * NS + _nanos(fraction)
        civil, _, fraction = text.replace("/", "-").replace(",", ".").partition(".")
        if fraction and not (fraction.isdecimal() and fraction.isascii()):
            raise ValueError(text)
        return wall[civil] * NS + _nanos(fraction)

    return parse


def _strptime(pattern: str, zone: Zone) -> Parse:
    """Read times of a strptime pattern, which may lack the year or the whole date."""
    directives = set(_DIRECTIVE.findall(pattern))
    has_date = bool(directives & set("dejcxDF"))
    has_year = bool(directives & set("YyGcxDF"))
    remembered: dict[tuple[str, int], int] = {}

    def instant(text: str, near_ns: int) -> int:
        text, nanos = _without_nanos(text) if "f" in directives else (text, 0)
        if not has_date:
            moment = _parsed(text, pattern)
            return (
                _latest_day(zone, moment - moment.replace(hour=0, minute=0, second=0, microsecond=0), near_ns) + nanos
            )
        if not has_year:
            # A leap year, so that 29 February can be read.
            moment = _parsed(f"2000 {text}", f"%Y {pattern}")
            return _latest_year(lambda year: _unix_nanos(moment.replace(year=year), zone), near_ns) + nanos
        return _unix_nanos(_parsed(text, pattern), zone) + nanos

    def parse(text: Any, near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        key = (_expect_text(text), 0 if has_year else near_ns // _HOUR_NS)
        known = remembered.get(key)
        if known is not None:
            return known
        if len(remembered) >= _CACHED:
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
    numeric = _NAME.sub(lambda found: _numeric_offset(found[0]), text)
    return datetime.strptime(numeric, pattern.replace("%Z", "%z"))  # noqa: DTZ007 - a name that stays is refused


def _numeric_offset(name: str) -> str:
    hours = _ABBREVIATIONS.get(name)
    if hours is None:
        return name
    minutes = round(abs(hours) * 60)
    return f"{'-' if hours < 0 else '+'}{minutes // 60:02}{minutes % 60:02}"


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


def rfc3339_text(instant_ns: int) -> str:
    """Return an instant as RFC 3339 in UTC, with nanoseconds where there are any."""
    seconds, nanos = divmod(instant_ns, NS)
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    return f"{(_EPOCH + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S')}{fraction}Z"


_UTC_SECONDS = _Seconds(Zone(UTC))

_FORMATS: Mapping[str, Callable[[Zone], Parse]] = {
    "rfc3339": _rfc3339,
    "unix": _unix(1),
    "unix_ms": _unix(10**3),
    "unix_us": _unix(10**6),
    "unix_ns": _unix(NS),
    "syslog": _syslog,
    "time": _time_of_day,
    "nginx": _nginx,
    "postgresql": _rfc3339,  # with a space, milliseconds and a zone's abbreviation
}

_CIVIL = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)", re.ASCII)
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:[.,](\d+))?(?: ?([+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?|[A-Za-z]{1,5})"
    r"(?: (?:[A-Za-z]{1,5}|[+-]\d{2,4}))?(?: m=[+-]\d+\.\d+)?)?",  # the rest is that of Go's time.String
    re.ASCII,
)
_RFC3164 = re.compile(rf"({'|'.join(_MONTHS)}) +(\d\d?) (\d\d:\d\d:\d\d)(?:[.,](\d+))?", re.ASCII)
_NGINX_ACCESS = re.compile(
    rf"(\d\d)/({'|'.join(_MONTHS)})/(\d{{4}}):(\d\d:\d\d:\d\d)(?:[.,](\d+))? ([+-]\d{{4}})", re.ASCII
)
_OFFSET = re.compile(r"[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?", re.ASCII)
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)(?:[.,](\d+))?", re.ASCII)
_DIRECTIVE = re.compile(r"%-?([A-Za-z])")
_LONG_FRACTION = re.compile(r"([.,]\d{6})(\d{1,3})\d*", re.ASCII)
_NAME = re.compile(r"\b[A-Z]{2,5}\b")
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
