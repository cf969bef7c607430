"""A snapshot as the queue keeps it: the values of some series at one time."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

VALUE_BYTES = 8
"""The size of one value, a little-endian 64-bit float."""

STALE = struct.pack("<Q", 0x7FF0000000000002)
"""Prometheus's stale marker: the NaN that says that a series has ended. It is no other NaN, so it stays bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The series of snapshots, in the order of their values.

    Consecutive snapshots of the same series share the object, so it can be compared by identity.

    Attributes:
        series: The encoded labels of each series.
    """

    series: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One snapshot.

    Attributes:
        group: The number of the group of series that it belongs to; each group has intervals of its own.
        time: Unix milliseconds.
        layout: Its series.
        values: Their values, `VALUE_BYTES` each.
        number: The number of the record in the queue; -1 before it is in there.
    """

    group: int
    time: int
    layout: Layout
    values: bytes = field(repr=False)
    number: int = -1

    def live(self) -> dict[bytes, None]:
        """Return the series that this snapshot did not end, in order."""
        series, values = self.layout.series, self.values
        starts = range(0, len(values), VALUE_BYTES)
        if STALE not in values:
            return dict.fromkeys(series)
        return {one: None for one, at in zip(series, starts, strict=True) if values[at : at + VALUE_BYTES] != STALE}
