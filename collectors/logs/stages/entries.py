"""The entries of one batch in the pipeline, one column for each property.

A stage is a function that changes entries in place. It replaces a column as a whole and never changes a list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import msgspec

from collectors.logs.records import Batch
from collectors.logs.stages.colours import without_colours

Column = list[Any]
TextColumn = list[str | None]


@dataclass(slots=True)
class Entries:
    """The entries of one batch. All columns are equally long.

    Attributes:
        read_ns: The time of reading the batch, Unix nanoseconds.
        final: True if nothing follows, so an open entry ends.
        lines: The text of each entry.
        timestamps: Unix nanoseconds of each entry.
        timed: True for each entry with a time of its own, or `None` while no entry has one.
        known_ns: The last time that a line of the log carried, Unix nanoseconds; 0 if none did.
        written_ns: The time of the log's last write, Unix nanoseconds.
        more: True if more entries of the same batch follow.
        true_bytes: The true size of the batch's only line if the reader cut it, 0 otherwise.
        spans: The first and the last of the batch's lines in each entry, or `None` while each entry is one line.
        consumed: The number of the batch's lines that are processed.
        fields: The extracted values by name, of any type, `None` for an entry without the field.
        constant_labels: The labels of all entries.
        labels: The labels that differ between entries, by name.
        metadata: Structured metadata, by name.
        dropped: The number of dropped entries by reason.
        missed: The number of entries that a stage could not process, by problem.
    """

    read_ns: int
    final: bool
    lines: list[bytes]
    timestamps: list[int]
    consumed: int
    constant_labels: dict[str, str]
    timed: list[bool] | None = None
    known_ns: int = 0
    written_ns: int = 0
    more: bool = False
    true_bytes: int = 0
    spans: list[tuple[int, int]] | None = None
    fields: dict[str, Column] = field(default_factory=dict)
    labels: dict[str, TextColumn] = field(default_factory=dict)
    metadata: dict[str, TextColumn] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, batch: Batch, labels: dict[str, str]) -> Entries:
        """Create one entry for each line."""
        count = len(batch.lines)
        return cls(
            read_ns=batch.read_ns,
            final=batch.final,
            lines=batch.texts,
            timestamps=batch.times,
            consumed=count,
            constant_labels={**batch.file_labels, **labels},
            known_ns=batch.known_ns,
            written_ns=batch.written_ns or batch.read_ns,
            more=batch.more,
            true_bytes=batch.true_bytes,
        )

    def column(self, name: str) -> Column:
        """Return the values of a field, all `None` for an unknown field."""
        return self.fields.get(name) or [None] * len(self.lines)

    def texts(self, name: str) -> TextColumn:
        """Return a field's values as text; for the empty name the lines, without colours."""
        if not name:
            return [without_colours(line.decode("utf-8", "replace")) for line in self.lines]
        column = self.column(name)
        if set(map(type, column)) == {str}:
            return column
        return [value if type(value) is str else text(value) for value in column]

    def take_times(self, instants: Sequence[int | None], otherwise: Sequence[int] | None = None) -> None:
        """Give each entry its own time, or the last known time of the log before it, or the next one.

        Nothing is known of a log that never says a time. Its entries keep the time of reading. While more of the batch
        follows, such entries are held back for the time that may come.

        Args:
            instants: The time of each entry, `None` for an entry without one.
            otherwise: The times of the entries while nothing is known; those they have by default.
        """
        if None not in instants:
            self.timestamps = list(instants)  # type: ignore[arg-type]  # there is no None in it
            self.timed = [True] * len(self.timestamps)
            self.known_ns = self.timestamps[-1] if self.timestamps else self.known_ns
            return
        own = self._own_times(instants)
        known = self.known_ns or next((at for at in own if at is not None), 0)
        if not known and self.more:
            self._hold_back()
            return
        times = []
        for at, other in zip(own, otherwise or self.timestamps, strict=True):
            known = at if at is not None else known
            times.append(known or other)
        self.timestamps, self.known_ns = times, known

    def _own_times(self, instants: Sequence[int | None]) -> list[int | None]:
        """Return the times that an earlier stage or these instants give the entries, and note which have one."""
        earlier = self.timed or [False] * len(self.timestamps)
        own = [
            at if at is not None else before if was_timed else None
            for at, before, was_timed in zip(instants, self.timestamps, earlier, strict=True)
        ]
        self.timed = [at is not None for at in own]
        return own

    def _hold_back(self) -> None:
        """Leave all entries to the next part of the batch."""
        self.select([False] * len(self.lines))
        self.consumed = 0
        self.missed.clear()
        self.dropped.clear()

    def select(self, wanted: Sequence[object]) -> None:
        """Keep the entries whose element of `wanted` is true."""
        self._rebuild(lambda column: list(compress(column, wanted)))

    def join(self, groups: Sequence[Sequence[int]], lines: list[bytes], consumed: int) -> None:
        """Make one entry of each group of entries, with the given text and the other columns of its first entry.

        Args:
            groups: The numbers of the entries in each group.
            lines: The text of each group.
            consumed: The number of the batch's lines that are done after this batch.
        """
        spans = self.spans or [(number, number) for number in range(len(self.lines))]
        self._rebuild(lambda column: [column[group[0]] for group in groups])
        self.spans = [(spans[group[0]][0], max(spans[number][1] for number in group)) for group in groups]
        self.lines = lines
        self.consumed = min(self.consumed, consumed)

    def _rebuild(self, pick: Callable[[Column], Column]) -> None:
        self.lines, self.timestamps = pick(self.lines), pick(self.timestamps)
        self.timed = self.timed and pick(self.timed)
        self.spans = self.spans and pick(self.spans)
        self.fields = {name: pick(column) for name, column in self.fields.items()}
        self.labels = {name: pick(column) for name, column in self.labels.items()}
        self.metadata = {name: pick(column) for name, column in self.metadata.items()}


Stage = Callable[[Entries], None]


def text(value: object) -> str | None:
    """Return the text of a field's value, as labels show it, `None` for no value."""
    if value is None or isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)  # of any length, which JSON's encoder refuses
    return msgspec.json.encode(value).decode("utf-8", "replace")


def rows(columns: dict[str, TextColumn], count: int) -> Iterable[dict[str, str]]:
    """Yield the values of each entry by column name."""
    if not columns:
        return ({} for _ in range(count))
    names = list(columns)
    return (
        {name: value for name, value in zip(names, values, strict=True) if value is not None}
        for values in zip(*columns.values(), strict=True)
    )
