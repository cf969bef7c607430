"""The part of some snapshots that one request sends: all their series, or a selection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from agent.push.record import VALUE_BYTES, Layout, Record
from agent.push.wire import Part, body


@dataclass(frozen=True, slots=True)
class Piece:
    """The samples of one request.

    Attributes:
        records: The snapshots, oldest first.
        only: The series to send; `None` for all.
        without: The series not to send.
    """

    records: tuple[Record, ...]
    only: frozenset[bytes] | None = None
    without: frozenset[bytes] = frozenset()

    @property
    def samples(self) -> int:
        """The number of samples."""
        return sum(len(self._chosen(record.layout)) for record in self.records)

    @property
    def series(self) -> list[bytes]:
        """The series of the first snapshot, in order."""
        layout = self.records[0].layout
        return [layout.series[number] for number in self._chosen(layout)]

    def body(self) -> bytes:
        """Return the body of the request."""
        return body(self._parts())

    def halves(self) -> Iterator[Piece]:
        """Yield two pieces, of half the snapshots, or of half the series of a single one."""
        middle = len(self.records) // 2
        if middle:
            yield Piece(self.records[:middle], self.only, self.without)
            yield Piece(self.records[middle:], self.only, self.without)
            return
        series = self.series
        middle = len(series) // 2
        yield Piece(self.records, frozenset(series[:middle]))
        yield Piece(self.records, frozenset(series[middle:]))

    def alone(self, series: bytes) -> Piece:
        """Return the sample of one series in the first snapshot."""
        return Piece(self.records[:1], frozenset([series]))

    def _parts(self) -> Iterator[Part]:
        for layout, its in groupby(self.records, key=lambda record: record.layout):
            records = list(its)
            chosen = self._chosen(layout)
            if not chosen:
                continue
            whole = len(chosen) == len(layout.series)
            series = layout.series if whole else [layout.series[number] for number in chosen]
            values = [record.values if whole else _values(record.values, chosen) for record in records]
            yield Part(series, [record.time for record in records], values)

    def _chosen(self, layout: Layout) -> Sequence[int]:
        """Return the numbers of the selected series."""
        if self.only is None and not self.without:
            return range(len(layout.series))
        return [
            number
            for number, labels in enumerate(layout.series)
            if labels not in self.without and (self.only is None or labels in self.only)
        ]


def _values(values: bytes, chosen: Sequence[int]) -> bytes:
    return b"".join(values[VALUE_BYTES * one : VALUE_BYTES * (one + 1)] for one in chosen)
