"""The `timestamp` stage: gives entries the time that they carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from collectors.logs.stages.config import Context, StageConfig
from collectors.logs.stages.entries import Column, Entries, Stage, text
from collectors.logs.timestamps import NS, Parse, TimestampFormat, Zone, reader
from collectors.units import Duration

Otherwise = Literal["read_time", "drop"]


class TimestampConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ timestamp = { field = "time", format = "rfc3339" } }`.

    Attributes:
        field: Where the time is.
        format: `rfc3339`, `unix`, `unix_ms`, `unix_us`, `unix_ns`, `syslog`, `nginx`, `postgresql`, or a strptime
            pattern.
        timezone: The zone of times that carry none: `local`, `UTC`, an offset or a name.
        missing: What becomes of an entry without a time that can be read: it gets the time it was read at, or is
            dropped.
        absurd: The same for a time that Loki would refuse; the entry's own then goes to the structured metadata, as
            `original_time`.
        max_age: How old an entry may be (Loki's `reject_old_samples_max_age` is 7 days).
        max_ahead: How far ahead of the clock it may be (Loki's `creation_grace_period` is 10 minutes).
    """

    field: str
    format: TimestampFormat = TimestampFormat("rfc3339")
    timezone: Zone = Zone()
    missing: Otherwise = "read_time"
    absurd: Otherwise = "read_time"
    max_age: Duration = Duration(167 * 3600.0)
    max_ahead: Duration = Duration(600.0)

    def build(self, _context: Context) -> Stage:
        """The stage."""
        return _Timestamp(self)


class _Timestamp:
    def __init__(self, config: TimestampConfig) -> None:
        self._config = config
        self._parse = reader(config.format, config.timezone)
        self._age_ns, self._ahead_ns = int(config.max_age * NS), int(config.max_ahead * NS)

    def __call__(self, entries: Entries) -> None:
        column = entries.column(self._config.field)
        instants = _instants(self._parse, column, entries.read_ns)
        oldest, newest = entries.read_ns - self._age_ns, entries.read_ns + self._ahead_ns
        missing = [instant is None for instant in instants]
        absurd = [instant is not None and not oldest <= instant <= newest for instant in instants]
        entries.timestamps = [
            read if instant is None or odd else instant
            for read, instant, odd in zip(entries.timestamps, instants, absurd, strict=True)
        ]
        if not any(missing) and not any(absurd):
            return
        entries.missed["timestamp_missing"] += sum(missing)
        entries.missed["timestamp_absurd"] += sum(absurd)
        self._keep_original(entries, column, absurd)
        self._drop(entries, missing, absurd)

    def _keep_original(self, entries: Entries, column: Column, absurd: list[bool]) -> None:
        if any(absurd):
            entries.metadata["original_time"] = [
                text(value) if odd else None for value, odd in zip(column, absurd, strict=True)
            ]

    def _drop(self, entries: Entries, missing: list[bool], absurd: list[bool]) -> None:
        drop_missing, drop_absurd = self._config.missing == "drop", self._config.absurd == "drop"
        entries.dropped["timestamp_missing"] += sum(missing) * drop_missing
        entries.dropped["timestamp_absurd"] += sum(absurd) * drop_absurd
        entries.select(
            [not ((miss and drop_missing) or (odd and drop_absurd)) for miss, odd in zip(missing, absurd, strict=True)]
        )


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
