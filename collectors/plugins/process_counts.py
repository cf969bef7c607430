"""The counts last seen of one process, so that each event it reports is counted once.

They belong to a process, not to its socket: a process may close and create sockets while it goes on counting.
"""

from __future__ import annotations

from collections.abc import Iterator

from collectors.plugins.plan import Plan
from collectors.plugins.refusals import Reason, Refusal
from collectors.plugins.series import LARGEST, Counter, Distribution, Observed, observed

_Raw = tuple[tuple[float, ...], tuple[float, ...], float | None]


class ProcessCounts:
    """The counts of one process of one instance.

    Args:
        past_is_known: Whether counts from before its first page are not new. That holds for a process that ran
            before the agent and was unreadable at first: its past would be a jump in totals already exported.
    """

    def __init__(self, *, past_is_known: bool) -> None:
        self._past_is_known = past_is_known
        self._counters: dict[Counter, float] = {}
        self._distributions: dict[Distribution, Observed] = {}
        self._raw: dict[Distribution, _Raw] = {}
        self._different: dict[Distribution, Refusal] = {}

    def fold(self, plan: Plan, values: list[float]) -> list[Refusal]:
        """Add the new counts on a page to the plugin's totals; return what cannot be added.

        A counter that went down was reset, so its whole value is new. A histogram is compared as a whole.
        """
        refused = [*self._fold_sums(plan, values), *self._fold_observations(plan, values)]
        self._past_is_known = False
        return [*refused, *self._different.values()]

    def learn(self, plan: Plan, values: list[float]) -> None:
        """Remember the counts on a page without adding them: they were added before.

        A series without a total starts at zero.
        """
        for index, series in plan.sums:
            if 0 <= values[index] <= LARGEST:
                series.add(0.0)
                self._counters[series] = values[index]
        for distribution, bounds, pick, total_index in plan.observations:
            now = observed(bounds, pick(values), None if total_index is None else values[total_index])
            if now is not None:
                distribution.add(now.since(now))
                self._distributions[distribution] = now

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
        for series, bounds, pick, total_index in plan.observations:
            total = None if total_index is None else values[total_index]
            raw = (bounds, pick(values), total)
            if raw == self._raw.get(series):
                continue
            now = observed(bounds, raw[1], total)
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
        dropped = set(now.bounds) - set(series.total.bounds if series.total else ())
        if dropped:
            detail = f"{series.head.name}: buckets {sorted(dropped)} are left out, since not all instances have them"
            self._different[series] = Refusal(Reason.DIFFERENT_BOUNDS, detail)
