"""What a collector exported at one instant, for looking up single series."""

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
    """Some families of one collector.

    Args:
        families: What it exported.
        names: The families that will be asked for. Others are not kept: plugins may have 200,000 series.
        at: When, in seconds of the monotonic clock.
    """

    def __init__(self, families: Iterable[Family], names: frozenset[str], at: float) -> None:
        self.at = at
        self._families: defaultdict[str, list[Family]] = defaultdict(list)
        for family in families:
            if family.name in names:
                self._families[family.name].append(family)

    def series(self, name: str, **labels: str) -> Iterator[Series]:
        """Every series of a family that has these labels, and maybe others."""
        for family in self._families.get(name, ()):
            for values, value in family.samples.items():
                found = dict(zip(family.labels, values, strict=True))
                if labels.items() <= found.items():
                    yield Series(found, value)

    def numbers(self, name: str, **labels: str) -> list[float]:
        """The values of those series that are numbers."""
        return [float(it.value) for it in self.series(name, **labels) if isinstance(it.value, int | float)]

    def number(self, name: str, **labels: str) -> float | None:
        """The value of the first such series; None if there is none."""
        return next(iter(self.numbers(name, **labels)), None)

    def total(self, name: str, **labels: str) -> float | None:
        """The sum of all such series; None if there is none."""
        numbers = self.numbers(name, **labels)
        return sum(numbers) if numbers else None

    def histogram(self, name: str, **labels: str) -> HistogramValue | None:
        """The value of the first such series that is a histogram; None if there is none."""
        found = (it.value for it in self.series(name, **labels) if isinstance(it.value, HistogramValue))
        return next(found, None)


def increase(before: Reading | None, now: Reading, name: str, **labels: str) -> float | None:
    """By how much the sum of counters went up; None if that is not known. One that began anew did by all it has."""
    after, earlier = now.total(name, **labels), before.total(name, **labels) if before else None
    if after is None or earlier is None:
        return None
    return after - earlier if after >= earlier else after


def share(before: Reading | None, now: Reading, name: str) -> float | None:
    """The part of the time between two readings by which a counter of seconds went up; at most 1."""
    seconds = increase(before, now, name)
    if seconds is None or before is None or now.at <= before.at:
        return None
    return short(min(seconds / (now.at - before.at), 1.0))


def short(value: float) -> float:
    """A number with the four digits that a person can use, so that it is not sent with seventeen."""
    return float(f"{value:.4g}")
