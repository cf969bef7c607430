"""The time formats of logs, by name. Instants are Unix nanoseconds.

The `timestamp` stage owns the fields and the treatment of bad times.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, timedelta
from decimal import Decimal, DecimalException
from typing import Any

from collectors.logs.times.incomplete import latest_day, latest_year
from collectors.logs.times.rfc3339 import Parse, Seconds, expect_text, nanos, rfc3339
from collectors.logs.times.strptime import check_pattern, strptime
from collectors.logs.times.zone import NS, Zone, offset_seconds

_MAX_SECONDS = 2**63 // NS  # what Loki's 64-bit nanoseconds hold, up to the year 2262
_MONTHS = {
    m: n for n, m in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1)
}
_RFC3164 = re.compile(rf"({'|'.join(_MONTHS)}) +(\d\d?) (\d\d:\d\d:\d\d)(?:[.,](\d+))?", re.ASCII)
_NGINX_ACCESS = re.compile(
    rf"(\d\d)/({'|'.join(_MONTHS)})/(\d{{4}}):(\d\d:\d\d:\d\d)(?:[.,](\d+))? ([+-]\d{{4}})", re.ASCII
)
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)(?:[.,](\d+))?", re.ASCII)


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
        check_pattern(text)
        return cls(text)


def reader(form: str, zone: Zone) -> Parse:
    """Return the reader of a format, a name or a strptime pattern. Times without a zone are in `zone`."""
    make = _FORMATS.get(form)
    return make(zone) if make else strptime(form, zone)


def _unix(per_second: int) -> Callable[[Zone], Parse]:
    unit, limit = NS // per_second, _MAX_SECONDS * per_second

    def parse(value: Any, _near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        if not isinstance(value, str | int | float):
            raise ValueError(value)  # noqa: TRY004 - see expect_text
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
    modern, wall = rfc3339(zone), Seconds(zone)

    def parse(text: Any, near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        found = _RFC3164.fullmatch(expect_text(text))
        if found is None:
            return modern(text, near_ns)
        month, day, time, fraction = found.groups()
        date = f"{_MONTHS[month]:02}-{int(day):02} {time}"
        return latest_year(lambda year: wall[f"{year}-{date}"] * NS + nanos(fraction), near_ns)

    return parse


def _time_of_day(zone: Zone) -> Parse:
    """Read a time without a date, such as `04:23:38.250`."""

    def parse(text: Any, near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        found = _TIME.fullmatch(expect_text(text))
        if found is None:
            raise ValueError(text)
        hour, minute, second, fraction = found.groups()
        time = timedelta(hours=int(hour), minutes=int(minute), seconds=int(second))
        return latest_day(zone, time, near_ns) + nanos(fraction)

    return parse


def _nginx(zone: Zone) -> Parse:
    """Read the access log's `22/Nov/2026:04:23:38 +0000`, and the error log's `2026/11/22 04:23:38`."""
    utc, wall = Seconds(Zone(UTC)), Seconds(zone)

    def parse(text: Any, _near_ns: int) -> int:  # noqa: ANN401 - a field may hold anything
        found = _NGINX_ACCESS.fullmatch(expect_text(text))
        if found:
            day, month, year, time, fraction, offset = found.groups()
            seconds = utc[f"{year}-{_MONTHS[month]:02}-{day} {time}"] - offset_seconds(offset)
            return seconds * NS + nanos(fraction)
        civil, _, fraction = text.replace("/", "-").replace(",", ".").partition(".")
        if fraction and not (fraction.isdecimal() and fraction.isascii()):
            raise ValueError(text)
        return wall[civil] * NS + nanos(fraction)

    return parse


_FORMATS: Mapping[str, Callable[[Zone], Parse]] = {
    "rfc3339": rfc3339,
    "unix": _unix(1),
    "unix_ms": _unix(10**3),
    "unix_us": _unix(10**6),
    "unix_ns": _unix(NS),
    "syslog": _syslog,
    "time": _time_of_day,
    "nginx": _nginx,
    "postgresql": rfc3339,  # with a space, milliseconds and a zone's abbreviation
}
