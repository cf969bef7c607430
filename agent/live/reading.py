"""A collector's families at one instant, with lookup of single series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from collectors.metrics import Family, HistogramValue, Value


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its labels and its value."""

    labels: dict[str, str]
    value: Value


class Reading:
    """The kept families of one collector.

    Args:
        families: The exported families.
        names: The families to keep. Plugins may export 200,000 series.
        at: The time in seconds of the monotonic clock.
    """

    def __init__(self, families: Iterable[Family], names: frozenset[str], at: float) -> None:
        self.at = at
        self._families: defaultdict[str, list[Family]] = defaultdict(list)
        for family in families:
            if family.name in names:
                self._families[family.name].append(family)

    def series(self, name: str, **labels: str) -> Iterator[Series]:
        """Yield each series of a family with these labels."""
        for family in self._families.get(name, ()):
            for values, value in family.samples.items():
                found = dict(zip(family.labels, values, strict=True))
                if labels.items() <= found.items():
                    yield Series(found, value)

    def numbers(self, name: str, **labels: str) -> list[float]:
        """Return the numeric values of matching series."""
        return [float(it.value) for it in self.series(name, **labels) if isinstance(it.value, int | float)]

    def number(self, name: str, **labels: str) -> float | None:
        """Return the value of the first matching series; None if there is none."""
        return next(iter(self.numbers(name, **labels)), None)

    def total(self, name: str, **labels: str) -> float | None:
        """Return the sum of matching series; None if there is none."""
        numbers = self.numbers(name, **labels)
        return sum(numbers) if numbers else None

    def histogram(self, name: str, **labels: str) -> HistogramValue | None:
        """Return the first matching histogram; None if there is none."""
        found = (it.value for it in self.series(name, **labels) if isinstance(it.value, HistogramValue))
        return next(found, None)


def increase(before: Reading | None, now: Reading, name: str, **labels: str) -> float | None:
    """Return the increase of a sum of counters; None if unknown. A reset counter counts from zero."""
    after, earlier = now.total(name, **labels), before.total(name, **labels) if before else None
    if after is None or earlier is None:
        return None
    return after - earlier if after >= earlier else after


def share(before: Reading | None, now: Reading, name: str) -> float | None:
    """Return the increase of a counter of seconds as a share of the elapsed time, at most 1."""
    seconds = increase(before, now, name)
    if seconds is None or before is None or now.at <= before.at:
        return None
    return short(min(seconds / (now.at - before.at), 1.0))


def short(value: float) -> float:
    """Round to four significant digits, which keeps the page's data small."""
    return float(f"{value:.4g}")
