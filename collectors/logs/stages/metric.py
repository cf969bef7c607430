"""What the metrics made of lines share: their names and labels, which entries they look at, and the numbers there."""

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
"""How names begin that are the agent's or Prometheus's own."""


class MetricConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What each metric has.

    Attributes:
        name: Its full name.
        help: One sentence for its HELP line.
        where: Only entries whose fields have these values are looked at.
    """

    name: str
    help: str = "Made of log lines."
    where: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"expected letters, digits and _ in a metric's name, got {self.name!r}")
        if self.name.startswith(_OWN):
            raise ValueError(f"expected a metric's name that does not begin as the agent's own do, got {self.name!r}")


class LabelledConfig(MetricConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A metric with a series for each combination of some fields' values, up to 1,000.

    Attributes:
        labels: The fields that become labels.
    """

    labels: FieldNames = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_labels(by_name(self.labels), by_name(self.labels).values())
        if "source" in by_name(self.labels):
            raise ValueError("the label source is the agent's own; name this one otherwise")


def selected(entries: Entries, where: Mapping[str, str]) -> list[int]:
    """The positions of the entries whose fields have these values."""
    chosen = list(range(len(entries.lines)))
    for field, wanted in where.items():
        column = entries.texts(field)
        chosen = [position for position in chosen if column[position] == wanted]
    return chosen


class Labels:
    """The label values of entries, for up to `MAX_SERIES` different ones."""

    def __init__(self, source: str, fields: FieldNames) -> None:
        self._source = source
        self._fields = by_name(fields)
        self._known: set[LabelValues] = set()
        self.names = ("source", *self._fields)

    def of(self, entries: Entries, chosen: Iterable[int]) -> Iterator[LabelValues | None]:
        """The values for each of these entries, `None` if there is no room for another series."""
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
    """The finite numbers in a field of these entries, `None` where there is none."""
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
