"""The entries of one batch on their way through the stages: a column a property, so that a stage works on lists.

A stage is a function that changes entries in place. A column is never shared between two places and never changed
within: a stage puts a new list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import compress, pairwise
from typing import Any

import msgspec

from collectors.logs.records import Batch

Column = list[Any]
TextColumn = list[str | None]


@dataclass(slots=True)
class Entries:
    """All columns are equally long.

    Attributes:
        read_ns: When the batch was read, Unix nanoseconds.
        final: Nothing will follow, so that an open entry may end.
        lines: The text of each entry.
        timestamps: Unix nanoseconds of each entry.
        ends: How many of the batch's lines each entry and all before it took. Kept up until lines are joined.
        consumed: How many of the batch's lines are dealt with.
        fields: What was extracted, by name: of any type, `None` where an entry has no such field.
        constant_labels: The labels that all entries share.
        labels: The labels that differ between entries, by name.
        metadata: Structured metadata, by name.
        dropped: Entries dropped on purpose, by reason.
        missed: Entries that a stage could do nothing with, by stage or problem.
    """

    read_ns: int
    final: bool
    lines: list[bytes]
    timestamps: list[int]
    ends: list[int]
    consumed: int
    constant_labels: dict[str, str]
    fields: dict[str, Column] = field(default_factory=dict)
    labels: dict[str, TextColumn] = field(default_factory=dict)
    metadata: dict[str, TextColumn] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, batch: Batch, labels: dict[str, str]) -> Entries:
        """One entry a line."""
        count = len(batch.lines)
        return cls(
            read_ns=batch.read_ns,
            final=batch.final,
            lines=batch.texts,
            timestamps=batch.times,
            ends=list(range(1, count + 1)),
            consumed=count,
            constant_labels={**batch.file_labels, **labels},
        )

    def column(self, name: str) -> Column:
        """A field's values; all `None` for a field that nothing extracted."""
        return self.fields.get(name) or [None] * len(self.lines)

    def texts(self, name: str) -> TextColumn:
        """A field's values as text, or the lines' for the empty name."""
        if not name:
            return [line.decode("utf-8", "replace") for line in self.lines]
        return [value if type(value) is str else text(value) for value in self.column(name)]

    def select(self, wanted: Sequence[object]) -> None:
        """Keep the entries whose element of `wanted` is true."""
        self._rebuild(lambda column: list(compress(column, wanted)))

    def join(self, firsts: Sequence[int], lines: list[bytes]) -> None:
        """Make one entry of each run that starts at one of `firsts` (the first being 0); its text is given.

        Labels, fields and time are those of the run's first entry.
        """
        ends = [self.ends[after - 1] for _, after in pairwise([*firsts, len(self.lines)])]
        self._rebuild(lambda column: [column[first] for first in firsts])
        self.lines, self.ends = lines, ends

    def hold_back(self, start: int) -> None:
        """Leave the entries from `start` on to the next batch."""
        self._rebuild(lambda column: column[:start])
        self.consumed = self.ends[-1] if self.ends else 0

    def _rebuild(self, pick: Callable[[Column], Column]) -> None:
        self.lines, self.timestamps, self.ends = pick(self.lines), pick(self.timestamps), pick(self.ends)
        self.fields = {name: pick(column) for name, column in self.fields.items()}
        self.labels = {name: pick(column) for name, column in self.labels.items()}
        self.metadata = {name: pick(column) for name, column in self.metadata.items()}


Stage = Callable[[Entries], None]


def text(value: object) -> str | None:
    """A field's value as a label or a metric's label shows it; `None` for a field without a value."""
    if value is None or isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)  # of any length, which JSON's encoder refuses
    return msgspec.json.encode(value).decode("utf-8", "replace")


def rows(columns: dict[str, TextColumn], count: int) -> Iterable[dict[str, str]]:
    """What each entry has of some columns, by name."""
    if not columns:
        return ({} for _ in range(count))
    names = list(columns)
    return (
        {name: value for name, value in zip(names, values, strict=True) if value is not None}
        for values in zip(*columns.values(), strict=True)
    )
