"""The `metrics` stage: counters, gauges, histograms and distinct counts made from lines.

Each metric has the label `source`, so two sources can share a name. A line that is read again after a crash is counted
again, except by a distinct count.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Protocol

import msgspec

from collectors.logs.stages.config import Context, StageConfig, by_name
from collectors.logs.stages.distinct import Distinct, DistinctConfig
from collectors.logs.stages.entries import Entries
from collectors.logs.stages.metric import LabelledConfig, Labels, numbers, selected
from collectors.metrics import Family, Histogram, LabelValues, counter, gauge, histogram

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class CounterConfig(LabelledConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A counter of lines or of the sum of a field.

    Attributes:
        add: The field whose number is added unless it is negative. Empty adds one for each line.
    """

    add: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.name.endswith("_total"):
            raise ValueError(f"expected a counter name that ends in _total, got {self.name!r}")


class GaugeConfig(LabelledConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A gauge of the last number in a field.

    Attributes:
        value: The field.
        scale: The factor of the number, such as 0.001 for milliseconds.
    """

    value: str
    scale: float = 1.0


class HistogramConfig(LabelledConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A histogram of the numbers in a field.

    Attributes:
        value: The field.
        scale: The factor of the number, such as 0.001 for milliseconds.
        bounds: The upper bounds of the buckets, after scaling.
    """

    value: str
    scale: float = 1.0
    bounds: tuple[float, ...] = _BOUNDS

    def __post_init__(self) -> None:
        super().__post_init__()
        if any(low >= high for low, high in pairwise(self.bounds)) or not all(map(math.isfinite, self.bounds)):
            raise ValueError(f"expected ascending and finite bounds, got {list(self.bounds)}")


class MetricsConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ metrics = { counters = [{ name = "songs_created_total", where = { event = "song_created" } }] } }`.

    Attributes:
        counters: The counters.
        gauges: The gauges.
        histograms: The histograms.
        distinct: The distinct counts.
    """

    counters: list[CounterConfig] = msgspec.field(default_factory=list)
    gauges: list[GaugeConfig] = msgspec.field(default_factory=list)
    histograms: list[HistogramConfig] = msgspec.field(default_factory=list)
    distinct: list[DistinctConfig] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        names = Counter(metric.name for metric in (*self.counters, *self.gauges, *self.histograms, *self.distinct))
        twice = [name for name, times in names.items() if times > 1]
        if twice:
            raise ValueError(f"expected each metric once, got more than one of {', '.join(twice)}")
        for metric in (*self.gauges, *self.histograms, *self.distinct):
            if metric.name.endswith("_total"):
                raise ValueError(f"expected only counters to end in _total, got {metric.name!r}")

    def label_fields(self) -> list[str]:
        """Return the fields that become labels of any metric."""
        labelled: list[LabelledConfig] = [*self.counters, *self.gauges, *self.histograms]
        return [field for metric in labelled for field in by_name(metric.labels).values()]

    def build(self, context: Context) -> MetricsStage:
        """Build the stage."""
        return MetricsStage(self, context)


class _Metric(Protocol):
    def observe(self, entries: Entries) -> None: ...

    def families(self) -> Iterable[Family]: ...


class MetricsStage:
    """The metrics of one pipeline. `families()` and `save()` may be called from another thread."""

    def __init__(self, config: MetricsConfig, context: Context) -> None:
        self._distinct = [Distinct(metric, context) for metric in config.distinct]
        self._metrics: list[_Metric] = [
            *(_Counter(metric, context.source) for metric in config.counters),
            *(_Gauge(metric, context.source) for metric in config.gauges),
            *(_Histogram(metric, context.source) for metric in config.histograms),
            *self._distinct,
        ]

    def __call__(self, entries: Entries) -> None:
        """Observe these entries."""
        for metric in self._metrics:
            metric.observe(entries)

    def families(self) -> Iterator[Family]:
        """Return the families so far."""
        for metric in self._metrics:
            yield from metric.families()

    def prepare(self) -> None:
        """Read the files that the metrics need.

        Raises:
            ValueError: A file is unusable.
        """
        for metric in self._distinct:
            metric.prepare()

    def restore(self) -> None:
        """Read the state of an earlier run."""
        for metric in self._distinct:
            metric.restore()

    def save(self) -> None:
        """Write the persistent state if it changed. Blocks on the disk."""
        for metric in self._distinct:
            metric.save()


class _Counter:
    def __init__(self, config: CounterConfig, source: str) -> None:
        self._config = config
        self._labels = Labels(source, config.labels)
        self._values: dict[LabelValues, float] = {}

    def observe(self, entries: Entries) -> None:
        chosen = selected(entries, self._config.where)
        if not self._config.add:
            for values, count in self._labels.counts(entries, chosen):
                self._values[values] = self._values.get(values, 0) + count
            return
        found = numbers(entries, self._config.add, chosen)
        for values, amounts in self._labels.groups(entries, chosen, found):
            self._values[values] = self._values.get(values, 0) + sum(amount for amount in amounts if amount >= 0)

    def families(self) -> list[Family]:
        return [counter(self._config.name, self._config.help, dict(self._values), self._labels.names)]


class _Gauge:
    def __init__(self, config: GaugeConfig, source: str) -> None:
        self._config = config
        self._labels = Labels(source, config.labels)
        self._values: dict[LabelValues, float] = {}

    def observe(self, entries: Entries) -> None:
        chosen = selected(entries, self._config.where)
        for values, found in self._labels.groups(entries, chosen, numbers(entries, self._config.value, chosen)):
            self._values[values] = found[-1] * self._config.scale

    def families(self) -> list[Family]:
        return [gauge(self._config.name, self._config.help, dict(self._values), self._labels.names)]


class _Histogram:
    def __init__(self, config: HistogramConfig, source: str) -> None:
        self._config = config
        self._labels = Labels(source, config.labels)
        self._values: dict[LabelValues, Histogram] = {}

    def observe(self, entries: Entries) -> None:
        chosen = selected(entries, self._config.where)
        scale = self._config.scale
        for values, found in self._labels.groups(entries, chosen, numbers(entries, self._config.value, chosen)):
            if values not in self._values:
                self._values[values] = Histogram(self._config.bounds)
            self._values[values].observe_all([number * scale for number in found])

    def families(self) -> list[Family]:
        now = {values: observed.value() for values, observed in dict(self._values).items()}
        return [histogram(self._config.name, self._config.help, now, self._labels.names)]
