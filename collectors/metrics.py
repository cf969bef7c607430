"""Metric families as plain data, and the histogram that counts observations.

`agent.exposition` renders them as text. Names, types and label rules are those of the Prometheus exposition formats
(text 0.0.4, OpenMetrics 1.0).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import msgspec

MetricType = Literal["counter", "gauge", "histogram", "summary", "unknown"]
LabelNames = tuple[str, ...]
LabelValues = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HistogramValue:
    """One histogram series at one instant.

    Attributes:
        bounds: Upper bounds of the finite buckets, ascending, in the family's unit.
        counts: Observations in each bucket, *not* cumulative; one longer than `bounds`, the last above them all.
        sum: The sum of all observations, in the family's unit; None if it is unknown.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float | None


@dataclass(frozen=True, slots=True)
class SummaryValue:
    """One summary series at one instant. It has no quantiles, which cannot be added up.

    Attributes:
        count: The number of observations.
        sum: Their sum, in the family's unit; None if it is unknown.
    """

    count: int
    sum: float | None


Value = float | HistogramValue | SummaryValue


class Family(msgspec.Struct, frozen=True, gc=False):  # a scrape makes hundreds, each in a fifth of a dataclass's time
    """One metric family of one snapshot.

    Attributes:
        name: The full name, as in the text format; a counter's ends in `_total`.
        type: The type on the TYPE line. The text format writes `unknown` as `untyped`.
        help: One sentence for the HELP line.
        labels: The label names, the same for every sample here.
        samples: The value of each series by its label values, in the order of `labels`.
        foreign: True if another program chose the name. A page leaves out a foreign family that contradicts one of the
            agent's own. If only the help differs, the page uses the agent's.

    A family whose series carry different label names is several `Family` objects of one name, type and help.
    """

    name: str
    type: MetricType
    help: str
    labels: LabelNames
    samples: Mapping[LabelValues, Value]
    foreign: bool = False


_SUFFIXES: Mapping[MetricType, tuple[str, ...]] = {
    "counter": ("", "_total", "_created"),
    "histogram": ("", "_bucket", "_count", "_sum", "_created"),
    "summary": ("", "_count", "_sum", "_created"),
    "gauge": ("",),
    "unknown": ("",),
}


def openmetrics_name(name: str, type: MetricType) -> tuple[str, MetricType]:
    """Return the family's name and type in OpenMetrics, where a counter has `_total` on its samples only."""
    if type != "counter":
        return name, type
    stem = name.removesuffix("_total")
    return (stem, "counter") if stem not in ("", name) else (name, "unknown")


def names_taken(name: str, type: MetricType) -> tuple[str, ...]:
    """Return every name that OpenMetrics reserves for a family; no other family may have one of them."""
    stem, there = openmetrics_name(name, type)
    return tuple(f"{stem}{suffix}" for suffix in _SUFFIXES[there])


Samples = float | Mapping[LabelValues, float]


def _family(name: str, type_: MetricType, help: str, samples: Samples, labels: LabelNames) -> Family:
    # The check of a number takes a tenth of the time of that of a mapping.
    if isinstance(samples, int | float) or not isinstance(samples, Mapping):
        return Family(name, type_, help, labels, {(): samples})
    return Family(name, type_, help, labels, samples)


def gauge(name: str, help: str, samples: Samples, labels: LabelNames = ()) -> Family:
    """Return a gauge family of one value, or of values by their label values."""
    return _family(name, "gauge", help, samples, labels)


def counter(name: str, help: str, samples: Samples, labels: LabelNames = ()) -> Family:
    """Return a counter family of one value, or of values by their label values."""
    return _family(name, "counter", help, samples, labels)


def unknown(name: str, help: str, samples: Samples, labels: LabelNames = ()) -> Family:
    """Return a family of unknown type (`untyped` in the text format), as node_exporter has for raw kernel numbers."""
    return _family(name, "unknown", help, samples, labels)


def histogram(name: str, help: str, samples: Mapping[LabelValues, HistogramValue], labels: LabelNames = ()) -> Family:
    """Return a histogram family of snapshots by their label values."""
    return Family(name, "histogram", help, labels, samples)


class Histogram:
    """A counter of observations in fixed buckets. One writer; `value()` may be called from another thread.

    Args:
        bounds: Upper bounds of the finite buckets, ascending and finite, in the unit of the observations.

    Raises:
        ValueError: The bounds are not strictly ascending.
    """

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        if any(low >= high for low, high in pairwise(bounds)):
            raise ValueError(f"histogram bounds must ascend strictly, got {bounds}")
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count `value` in the first bucket whose bound is not below it."""
        self._counts[bisect_left(self._bounds, value)] += times
        self._sum += value * times

    def observe_all(self, values: Sequence[float]) -> None:
        """Count each of the values."""
        bounds, counts = self._bounds, self._counts
        for value in values:
            counts[bisect_left(bounds, value)] += 1
        self._sum += sum(values)

    def value(self) -> HistogramValue:
        """Return the observations so far."""
        return HistogramValue(self._bounds, tuple(self._counts), self._sum)
