"""The sums over the instances of a plugin: one object a series, to which only new counts are added.

A total is replaced as a whole, so that any thread may read it at any time. Bucket counts are *not* cumulative here:
each only grows while a process lives, and so does their sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from operator import add, sub
from typing import NamedTuple

from collectors.metrics import HistogramValue, LabelNames, LabelValues, SummaryValue
from collectors.plugins.names import Head

LARGEST = 2.0**64
"""The largest counter value. A larger one is noise, and would absorb the counts of other instances."""


class Counter:
    """One counter.

    Attributes:
        head: The head of its family.
        labels, values: The names and values of its labels.
        total: The sum so far; None before the first value.
    """

    __slots__ = ("head", "labels", "total", "values")

    def __init__(self, head: Head, labels: LabelNames, values: LabelValues) -> None:
        self.head = head
        self.labels = labels
        self.values = values
        self.total: float | None = None

    def add(self, increase: float) -> None:
        """Add a new count, which is not negative."""
        self.total = (self.total or 0.0) + increase


class Observed(NamedTuple):
    """The observations of a histogram or a summary; a summary is a histogram without bounds.

    Attributes:
        bounds: Upper bounds of the finite buckets, ascending.
        counts: Observations in each bucket, the last above all bounds.
        sum: The sum of all observations; None if it is unknown.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float | None

    def at(self, bounds: tuple[float, ...]) -> Observed:
        """Return the same observations in a subset of the buckets."""
        if bounds == self.bounds:
            return self
        kept = [*(self.bounds.index(bound) + 1 for bound in bounds), len(self.counts)]
        return Observed(bounds, tuple(sum(self.counts[a:b]) for a, b in pairwise([0, *kept])), self.sum)

    def since(self, before: Observed) -> Observed:
        """Return the observations since `before`; all of them if the histogram was reset since then."""
        common = common_bounds(before.bounds, self.bounds)
        then, now = before.at(common), self.at(common)
        counts = tuple(map(sub, now.counts, then.counts))
        return self if min(counts) < 0 else Observed(common, counts, _difference(now.sum, then.sum))


class Distribution:
    """One histogram or summary.

    Attributes:
        head: The head of its family.
        labels, values: The names and values of its labels.
        total: The sum so far, in the buckets that all instances had; None before the first.
    """

    __slots__ = ("head", "labels", "total", "values")

    def __init__(self, head: Head, labels: LabelNames, values: LabelValues) -> None:
        self.head = head
        self.labels = labels
        self.values = values
        self.total: Observed | None = None

    def add(self, news: Observed) -> None:
        """Add new observations. Bounds or a sum that they lack are dropped for good: the rest would be a guess."""
        if self.total is None:
            self.total = news
            return
        common = common_bounds(self.total.bounds, news.bounds)
        ours, theirs = self.total.at(common), news.at(common)
        total = None if ours.sum is None or theirs.sum is None else ours.sum + theirs.sum
        self.total = Observed(common, tuple(map(add, ours.counts, theirs.counts)), total)

    def value(self, total: Observed) -> HistogramValue | SummaryValue:
        """Return a total as it is exported."""
        if self.head.type == "summary":
            return SummaryValue(total.counts[0], total.sum)
        return HistogramValue(total.bounds, total.counts, total.sum)


def observed(bounds: tuple[float, ...], cumulative: Sequence[float], total: float | None) -> Observed | None:
    """Return the observations of a histogram's lines; None if the lines contradict each other.

    Args:
        bounds: Upper bounds of the finite buckets, ascending.
        cumulative: Observations up to each bound, and all of them.
        total: Their sum; None if the lines have none. One that is not finite is not kept either.
    """
    if not all(map(float.is_integer, cumulative)) or max(cumulative) > LARGEST:
        return None
    numbers = list(map(int, cumulative))
    counts = tuple(map(sub, numbers, [0, *numbers[:-1]]))
    if min(counts) < 0:
        return None
    return Observed(bounds, counts, total if total is not None and math.isfinite(total) else None)


def _difference(now: float | None, then: float | None) -> float | None:
    return None if now is None or then is None else now - then


def common_bounds(ours: tuple[float, ...], theirs: tuple[float, ...]) -> tuple[float, ...]:
    """Return the bounds that both have."""
    return ours if ours == theirs else tuple(bound for bound in ours if bound in theirs)
