"""The shared parts of metrics made from lines: names, labels, selection and numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from collectors.logs.stages.config import FieldNames, by_name, check_labels
from collectors.logs.stages.entries import Entries
from collectors.metrics import LabelValues

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


def selected(entries: Entries, where: Mapping[str, str]) -> list[int]:
    """Return the positions of the entries whose fields have these values."""
    chosen = list(range(len(entries.lines)))
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

    def of(self, entries: Entries, chosen: Iterable[int]) -> Iterator[LabelValues | None]:
        """Yield the values of each of these entries, `None` beyond the limit of series."""
        columns = [entries.texts(field) for field in self._fields.values()]
        for position in chosen:
            values = (self._source, *(column[position] or "" for column in columns))
            if values not in self._known and len(self._known) >= MAX_SERIES:
                entries.missed["metric_series"] += 1
                yield None
            else:
                self._known.add(values)
                yield values


def numbers(entries: Entries, field: str, chosen: Iterable[int]) -> list[float | None]:
    """Return the finite numbers in a field of these entries, `None` for others."""
    column = entries.column(field)
    found = [_number(column[position]) for position in chosen]
    entries.missed["metric_numbers"] += found.count(None)
    return found


def _number(value: object) -> float | None:
    if not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
