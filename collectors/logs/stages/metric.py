"""The shared parts of metrics made from lines: names, labels, selection and numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from collectors.logs.stages.config import FieldNames, by_name, check_labels
from collectors.logs.stages.entries import Entries
from collectors.metrics import LabelValues

Number = float | None
Group = tuple[LabelValues, list[float]]

MAX_SERIES = 1000

_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*", re.ASCII)


_OWN = ("scrape_", "node_", "process_", "python_", "wr_agent_", "audio_device_", "container_")
"""Prefixes that belong to the agent or to Prometheus."""


class MetricConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of each metric.

    Attributes:
        name: Its full name.
        help: The sentence of its HELP line.
        where: Values that an entry's fields must have.
    """

    name: str
    help: str = "Metric made from log lines."
    where: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"expected a metric name of letters, digits and _, got {self.name!r}")
        if self.name.startswith(_OWN):
            raise ValueError(
                f"expected a metric name without one of the reserved prefixes {', '.join(_OWN)}, got {self.name!r}"
            )


class LabelledConfig(MetricConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A metric with a series for each combination of field values, 1,000 at most.

    Attributes:
        labels: The fields that become labels.
    """

    labels: FieldNames = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_labels(by_name(self.labels), by_name(self.labels).values())
        if "source" in by_name(self.labels):
            raise ValueError("the label source belongs to the agent; choose another name")


def selected(entries: Entries, where: Mapping[str, str]) -> Sequence[int]:
    """Return the positions of the entries whose fields have these values."""
    chosen: Sequence[int] = range(len(entries.lines))
    for field, wanted in where.items():
        column = entries.texts(field)
        chosen = [position for position in chosen if column[position] == wanted]
    return chosen


class Labels:
    """The label values of entries, at most `MAX_SERIES` combinations."""

    def __init__(self, source: str, fields: FieldNames) -> None:
        self._source = source
        self._fields = by_name(fields)
        self._known: set[LabelValues] = set()
        self.names = ("source", *self._fields)

    def counts(self, entries: Entries, chosen: Sequence[int]) -> Iterator[tuple[LabelValues, int]]:
        """Yield each combination of values and the number of these entries that have it."""
        for key, count in Counter(self._keys(entries, chosen)).items():
            values = self._values(entries, key, count)
            if values is not None:
                yield values, count

    def groups(self, entries: Entries, chosen: Sequence[int], numbers: Sequence[Number]) -> Iterator[Group]:
        """Yield each combination of values and the numbers of these entries that have it, in order."""
        keys = self._keys(entries, chosen)
        different = dict.fromkeys(keys)
        grouped: dict[tuple[str | None, ...], list[float]]
        if len(different) == 1:
            grouped = {keys[0]: [number for number in numbers if number is not None]}
        else:
            grouped = {key: [] for key in different}
            for key, number in zip(keys, numbers, strict=True):
                if number is not None:
                    grouped[key].append(number)
        for key, found in grouped.items():
            values = self._values(entries, key, len(found))
            if values is not None and found:
                yield values, found

    def _keys(self, entries: Entries, chosen: Sequence[int]) -> list[tuple[str | None, ...]]:
        columns = [entries.texts(field) for field in self._fields.values()]
        if len(chosen) < len(entries.lines):
            columns = [[column[position] for position in chosen] for column in columns]
        return list(zip(*columns, strict=True)) if columns else [()] * len(chosen)

    def _values(self, entries: Entries, key: tuple[str | None, ...], count: int) -> LabelValues | None:
        """Return the label values, or `None` if there is no room for another series."""
        values = (self._source, *(value or "" for value in key))
        if values not in self._known and len(self._known) >= MAX_SERIES:
            entries.missed["metric_series"] += count
            return None
        self._known.add(values)
        return values


def numbers(entries: Entries, field: str, chosen: Sequence[int]) -> list[float | None]:
    """Return the finite numbers in a field of these entries, `None` for others."""
    column = entries.column(field)
    if len(chosen) < len(column):
        column = [column[position] for position in chosen]
    if set(map(type, column)) <= _PLAIN:
        try:
            if math.isfinite(sum(column)):
                return column
        except OverflowError:
            pass
    found = [_number(value) for value in column]
    entries.missed["metric_numbers"] += found.count(None)
    return found


_PLAIN = {int, float}


def _number(value: object) -> float | None:
    if not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
