"""What was last seen of one process, so that each event it reports is counted once.

A life begins with a process, not with its socket or a connection to it: a socket may be made anew while the process
goes on counting.
"""

from __future__ import annotations

from collections.abc import Iterator

from collectors.plugins.plan import Plan
from collectors.plugins.refusals import Reason, Refusal
from collectors.plugins.series import LARGEST, Counter, Distribution, Observed, observed

_Raw = tuple[tuple[float, ...], tuple[float, ...]]


class ProcessCounts:
    """One life of one instance.

    Args:
        past_is_known: Whether what the process counted before its first page here is no news. So it is with one that
            ran before the agent did and was not readable at first: its past would be a jump in totals that are exported
            already.
    """

    def __init__(self, *, past_is_known: bool) -> None:
        self._past_is_known = past_is_known
        self._counters: dict[Counter, float] = {}
        self._distributions: dict[Distribution, Observed] = {}
        self._raw: dict[Distribution, _Raw] = {}
        self._different: dict[Distribution, Refusal] = {}

    def fold(self, plan: Plan, values: list[float]) -> list[Refusal]:
        """Add to the plugin's totals what is new in these values of a page; what of them cannot be added.

        A counter that went down has begun anew, so all that it says is news. A histogram is looked at as a whole.
        """
        refused = [*self._fold_sums(plan, values), *self._fold_observations(plan, values)]
        self._past_is_known = False
        return [*refused, *self._different.values()]

    def _fold_sums(self, plan: Plan, values: list[float]) -> Iterator[Refusal]:
        seen = self._counters
        for index, series in plan.sums:
            value = values[index]
            before = seen.get(series)
            if value == before:
                continue
            if not 0 <= value <= LARGEST:
                yield Refusal(Reason.BAD_VALUE, f"{series.head.name}: expected a number from 0 to 2^64, got {value}")
                continue
            if before is None:
                before = value if self._past_is_known and series.total is not None else 0.0
            series.add(value - before if value >= before else value)
            seen[series] = value

    def _fold_observations(self, plan: Plan, values: list[float]) -> Iterator[Refusal]:
        for series, bounds, pick in plan.observations:
            raw = (bounds, pick(values))
            if raw == self._raw.get(series):
                continue
            *cumulative, total = raw[1]
            now = observed(bounds, cumulative, total)
            if now is None:
                yield Refusal(Reason.BAD_HISTOGRAM, f"{series.head.name}: expected counts that ascend, got {raw[1]}")
                continue
            self._raw[series] = raw
            self._add(series, now)

    def _add(self, series: Distribution, now: Observed) -> None:
        before = self._distributions.get(series)
        self._distributions[series] = now
        if before is not None:
            series.add(now.since(before))
        elif series.total is None or not self._past_is_known:
            series.add(now)
        self._compare_bounds(series, now)

    def _compare_bounds(self, series: Distribution, now: Observed) -> None:
        self._different.pop(series, None)
        given_up = set(now.bounds) - set(series.total.bounds if series.total else ())
        if given_up:
            detail = f"{series.head.name}: buckets {sorted(given_up)} are left out, for not all instances have them"
            self._different[series] = Refusal(Reason.DIFFERENT_BOUNDS, detail)
