"""The `timestamp` stage: gives entries the time that they carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from collectors.logs.stages.config import Context, StageConfig
from collectors.logs.stages.entries import Column, Entries, Stage, text
from collectors.logs.times.formats import TimestampFormat, reader
from collectors.logs.times.rfc3339 import Parse, usual_column
from collectors.logs.times.zone import NS, Zone
from collectors.units import Duration

Otherwise = Literal["last_known", "read_time", "drop"]

_HALF_HOUR_NS = 1800 * NS
_MARGIN_NS = 60 * NS
_ELSEWHERE = Zone.parse("-13:37")
"""The zone of no place."""


class TimestampConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ timestamp = { field = "time", format = "rfc3339" } }`.

    Attributes:
        field: The field with the time.
        format: `rfc3339`, `unix`, `unix_ms`, `unix_us`, `unix_ns`, `syslog`, `time`, `nginx`, `postgresql`, or a
            strptime pattern.
        timezone: The zone of times without one: `local`, `UTC`, an offset or a name.
        missing: The treatment of an entry without a readable time: the last known time of the log, the time of
            reading, or `drop`.
        absurd: The treatment of a time that Loki would refuse. The entry's own time becomes the structured metadata
            `original_time`.
        max_age: The greatest age of an entry. Loki's `reject_old_samples_max_age` is 7 days.
        max_ahead: The most that an entry may be ahead of the clock. Loki's `creation_grace_period` is 10 minutes.
    """

    field: str
    format: TimestampFormat = TimestampFormat("rfc3339")
    timezone: Zone = Zone()
    missing: Otherwise = "last_known"
    absurd: Otherwise = "last_known"
    max_age: Duration = Duration(167 * 3600.0)
    max_ahead: Duration = Duration(600.0)

    def build(self, _context: Context) -> Stage:
        """Build the stage."""
        return _Timestamp(self)


class _Timestamp:
    def __init__(self, config: TimestampConfig) -> None:
        self._config = config
        self._parse = reader(config.format, config.timezone)
        self._parse_elsewhere = reader(config.format, _ELSEWHERE)
        self._is_usual = config.format in {"rfc3339", "syslog", "postgresql"}
        self._age_ns, self._ahead_ns = int(config.max_age * NS), int(config.max_ahead * NS)

    def __call__(self, entries: Entries) -> None:
        if not entries.lines:
            return
        column = entries.column(self._config.field)
        usual = usual_column(column) if self._is_usual else None
        instants: Sequence[int | None] = usual or _instants(self._parse, column, entries.written_ns)
        oldest, newest = entries.read_ns - self._age_ns, entries.read_ns + self._ahead_ns
        known = usual or [at for at in instants if at is not None]
        if known and min(known) < max(entries.known_ns, *known) - _HALF_HOUR_NS:
            instants = self._in_order(instants, column, entries)
        if len(known) == len(instants) and oldest <= min(known) and max(known) <= newest:
            entries.take_times(instants)
            return
        self._take_some(entries, column, instants, (oldest, newest))

    def _take_some(
        self, entries: Entries, column: Column, instants: Sequence[int | None], bounds: tuple[int, int]
    ) -> None:
        """Take the times that there are, and treat the missing and the absurd ones as configured."""
        oldest, newest = bounds
        missing = [at is None for at in instants]
        absurd = [at is not None and not oldest <= at <= newest for at in instants]
        if self._config.absurd != "drop" and any(absurd):
            entries.metadata["original_time"] = [
                text(value) if odd else None for value, odd in zip(column, absurd, strict=True)
            ]
        read_time = [self._read_time(miss=miss, odd=odd) for miss, odd in zip(missing, absurd, strict=True)]
        own = [None if odd else at for at, odd in zip(instants, absurd, strict=True)]
        otherwise = [
            oldest + _MARGIN_NS if at is not None and at < oldest else read
            for at, read in zip(instants, entries.timestamps, strict=True)
        ]
        times = entries.timestamps
        entries.take_times(own, otherwise)
        if len(entries.lines) < len(times):
            return  # held back until a time is known
        if any(read_time):
            entries.timestamps = [
                read if now else at for read, at, now in zip(times, entries.timestamps, read_time, strict=True)
            ]
        entries.missed["timestamp_missing"] += sum(missing)
        entries.missed["timestamp_absurd"] += sum(absurd)
        self._drop(entries, missing, absurd)

    def _read_time(self, *, miss: bool, odd: bool) -> bool:
        return (miss and self._config.missing == "read_time") or (odd and self._config.absurd == "read_time")

    def _drop(self, entries: Entries, missing: list[bool], absurd: list[bool]) -> None:
        drop_missing, drop_absurd = self._config.missing == "drop", self._config.absurd == "drop"
        if not (drop_missing or drop_absurd):
            return
        entries.dropped["timestamp_missing"] += sum(missing) * drop_missing
        entries.dropped["timestamp_absurd"] += sum(absurd) * drop_absurd
        entries.select(
            [not ((miss and drop_missing) or (odd and drop_absurd)) for miss, odd in zip(missing, absurd, strict=True)]
        )

    def _in_order(self, instants: Sequence[int | None], column: Column, entries: Entries) -> Sequence[int | None]:
        """Move the second pass through the hour that autumn repeats, which shows by times that go back.

        A time with a zone of its own stays: it reads the same in every zone.
        """
        last, ordered = entries.known_ns, []
        for at, value in zip(instants, column, strict=True):
            if at is not None:
                if at < last - _HALF_HOUR_NS and _instant(self._parse_elsewhere, value, entries.written_ns) != at:
                    at = self._config.timezone.second_reading(at)  # noqa: PLW2901 - the same time, read otherwise
                last = at
            ordered.append(at)
        return ordered


def _instants(parse: Parse, column: Column, near_ns: int) -> Sequence[int | None]:
    try:
        return [parse(value, near_ns) for value in column]
    except ValueError:
        return [_instant(parse, value, near_ns) for value in column]


def _instant(parse: Parse, value: object, near_ns: int) -> int | None:
    try:
        return parse(value, near_ns)
    except ValueError:
        return None
