"""Time zones: by name, offset or abbreviation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

NS = 1_000_000_000
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clock times are counted from it before their zone is applied
_OFFSET = re.compile(r"[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?", re.ASCII)
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
            return cls(timezone(timedelta(seconds=offset_seconds(text))))
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


def numeric_offset(name: str) -> str:
    """Return the offset of an abbreviation, such as `+0100`; an unknown name as it is."""
    hours = _ABBREVIATIONS.get(name)
    if hours is None:
        return name
    minutes = round(abs(hours) * 60)
    return f"{'-' if hours < 0 else '+'}{minutes // 60:02}{minutes % 60:02}"


def offset_seconds(offset: str) -> int:
    """Return the seconds of an offset, such as `+02:00` or `-0330`; 0 for a name of UTC."""
    if offset.isalpha():
        return 0
    digits = offset[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if offset[0] == "-" else seconds
