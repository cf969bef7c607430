"""What is summed over the instances of a plugin: one object a series, to which only what is new is ever added.

A total is replaced as a whole, so that any thread may read it at any time. Bucket counts are *not* cumulative here:
each of them only grows while a process lives, and so does what is added up of them.
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
"""No counter gets further: what is more is noise, and would swallow what others count."""


class Counter:
    """One counter.

    Attributes:
        head: Its family's.
        labels, values: The names and values of its labels.
        total: The sum so far; None before the first.
    """

    __slots__ = ("head", "labels", "total", "values")

    def __init__(self, head: Head, labels: LabelNames, values: LabelValues) -> None:
        self.head = head
        self.labels = labels
        self.values = values
        self.total: float | None = None

    def add(self, news: float) -> None:
        """Add what is new, which is not negative."""
        self.total = (self.total or 0.0) + news


class Observed(NamedTuple):
    """What a histogram or a summary holds: a summary is a histogram without bounds.

    Attributes:
        bounds: Upper bounds of the finite buckets, ascending.
        counts: Observations in each bucket and above them all.
        sum: The sum of all.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum: float

    def at(self, bounds: tuple[float, ...]) -> Observed:
        """The same in fewer buckets, whose bounds are among these."""
        if bounds == self.bounds:
            return self
        kept = [*(self.bounds.index(bound) + 1 for bound in bounds), len(self.counts)]
        return Observed(bounds, tuple(sum(self.counts[a:b]) for a, b in pairwise([0, *kept])), self.sum)

    def since(self, before: Observed) -> Observed:
        """What came after `before`; all of it, if something has begun anew since then."""
        common = common_bounds(before.bounds, self.bounds)
        then, now = before.at(common), self.at(common)
        counts = tuple(map(sub, now.counts, then.counts))
        return self if min(counts) < 0 else Observed(common, counts, now.sum - then.sum)


class Distribution:
    """One histogram or summary.

    Attributes:
        head: Its family's.
        labels, values: The names and values of its labels.
        total: The sum so far, in those buckets that all instances had; None before the first.
    """

    __slots__ = ("head", "labels", "total", "values")

    def __init__(self, head: Head, labels: LabelNames, values: LabelValues) -> None:
        self.head = head
        self.labels = labels
        self.values = values
        self.total: Observed | None = None

    def add(self, news: Observed) -> None:
        """Add what is new. Bounds that `news` has not got are given up for good: any other way would be a guess."""
        if self.total is None:
            self.total = news
            return
        common = common_bounds(self.total.bounds, news.bounds)
        ours, theirs = self.total.at(common), news.at(common)
        self.total = Observed(common, tuple(map(add, ours.counts, theirs.counts)), ours.sum + theirs.sum)

    def value(self, total: Observed) -> HistogramValue | SummaryValue:
        """A total as it is exported."""
        if self.head.type == "summary":
            return SummaryValue(total.counts[0], total.sum)
        return HistogramValue(total.bounds, total.counts, total.sum)


def observed(bounds: tuple[float, ...], cumulative: Sequence[float], total: float) -> Observed | None:
    """What a histogram's lines say; None if they contradict each other.

    Args:
        bounds: Upper bounds of the finite buckets, ascending.
        cumulative: Observations up to each of them, and all.
        total: Their sum.
    """
    if not all(map(float.is_integer, cumulative)) or not math.isfinite(total) or max(cumulative) > LARGEST:
        return None
    numbers = list(map(int, cumulative))
    counts = tuple(map(sub, numbers, [0, *numbers[:-1]]))
    return Observed(bounds, counts, total) if min(counts) >= 0 else None


def common_bounds(ours: tuple[float, ...], theirs: tuple[float, ...]) -> tuple[float, ...]:
    """The bounds that both have."""
    return ours if ours == theirs else tuple(bound for bound in ours if bound in theirs)
