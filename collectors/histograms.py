"""Statistics of a histogram's observations between two readings."""

from __future__ import annotations

from itertools import accumulate

from collectors.metrics import HistogramValue


def between(before: HistogramValue | None, after: HistogramValue) -> HistogramValue:
    """Return the observations between two readings; all of `after` if it is new or was reset."""
    if before is None or before.bounds != after.bounds or sum(before.counts) > sum(after.counts):
        return after
    counts = tuple(late - early for early, late in zip(before.counts, after.counts, strict=True))
    total = None if after.sum is None or before.sum is None else after.sum - before.sum
    return HistogramValue(after.bounds, counts, total)


def quantile(value: HistogramValue, part: float) -> float:
    """Return the `part` quantile, interpolated in its bucket like Prometheus's `histogram_quantile`.

    Observations above the highest bound count as equal to it. The histogram must have observations.
    """
    rank = part * sum(value.counts)
    for index, reached in enumerate(accumulate(value.counts)):
        if reached >= rank and value.counts[index]:
            return _within(value, index, rank - (reached - value.counts[index]))
    return value.bounds[-1]


def worst(value: HistogramValue) -> float:
    """Return the upper bound of the highest bucket with observations."""
    highest = max(index for index, count in enumerate(value.counts) if count)
    return value.bounds[min(highest, len(value.bounds) - 1)]


def mean(value: HistogramValue) -> float | None:
    """Return the mean of the observations, of which there must be some; None if their sum is unknown."""
    return None if value.sum is None else value.sum / sum(value.counts)


def _within(value: HistogramValue, index: int, rank: float) -> float:
    if index == len(value.bounds):
        return value.bounds[-1]
    lower = value.bounds[index - 1] if index else 0.0
    return lower + (value.bounds[index] - lower) * rank / value.counts[index]
