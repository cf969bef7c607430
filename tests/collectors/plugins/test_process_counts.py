"""The sums over instances: no polled count is lost or counted twice, and no sum falls."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.plugins.parsed_page import split
from collectors.plugins.plan import Plan
from collectors.plugins.plugin import Admission, Plugin
from collectors.plugins.process_counts import ProcessCounts
from collectors.plugins.refusals import Reason
from collectors.plugins.series import Counter, Distribution

BOUNDS = (1.0, 2.0, 5.0, 10.0)


def read(plugin: Plugin, text: str) -> tuple[Plan, list[float]]:
    lines = split(text.encode(), 1_000, openmetrics=False)
    return asyncio.run(plugin.read(lines, None, openmetrics=False))


def poll(plugin: Plugin, process: ProcessCounts, text: str) -> list[Reason]:
    """One poll of a page; what of it was refused."""
    plan, values = read(plugin, text)
    return [reason for reason, _ in (*plan.refused.values(), *process.fold(plan, values))]


def counting(value: float | str, name: str = "calls_total") -> str:
    return f"# TYPE {name} counter\n{name} {value}\n"


def observing(values: Sequence[float], bounds: Sequence[float] = BOUNDS) -> str:
    """Return the page of a histogram with these observations."""
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[bisect_left(bounds, value)] += 1
    buckets = zip([*map(str, bounds), "+Inf"], accumulate(counts), strict=True)
    lines = [f'wait_seconds_bucket{{le="{bound}"}} {count}' for bound, count in buckets]
    return "\n".join(
        [
            "# TYPE wait_seconds histogram",
            *lines,
            f"wait_seconds_sum {sum(values)}",
            f"wait_seconds_count {len(values)}\n",
        ]
    )


def new_plugin() -> Plugin:
    return Plugin("engine", Admission(1_000))


def new_process() -> ProcessCounts:
    return ProcessCounts(past_is_known=False)


def total(plugin: Plugin) -> float:
    (series,) = plugin.series.values()
    assert isinstance(series, Counter)
    assert series.total is not None
    return series.total


def distribution(plugin: Plugin) -> Distribution:
    (series,) = plugin.series.values()
    assert isinstance(series, Distribution)
    return series


def test_a_counter_that_went_down_was_reset() -> None:
    plugin, process = new_plugin(), new_process()

    for value in (10, 12, 3, 3, 4):
        poll(plugin, process, counting(value))

    assert total(plugin) == 12 + 4


def test_a_series_that_comes_and_goes_is_counted_once() -> None:
    plugin, process = new_plugin(), new_process()

    for text in (counting(5), "", counting(5), "", counting(6)):
        poll(plugin, process, text)

    assert total(plugin) == 6


def test_the_past_of_a_process_that_was_not_readable_at_first_is_no_jump() -> None:
    plugin = new_plugin()
    poll(plugin, new_process(), counting(5))
    late = ProcessCounts(past_is_known=True)

    poll(plugin, late, counting(1_000))
    assert total(plugin) == 5
    poll(plugin, late, counting(1_003))
    assert total(plugin) == 8


def test_the_past_of_a_process_that_is_the_first_is_where_its_total_begins() -> None:
    plugin = new_plugin()

    poll(plugin, ProcessCounts(past_is_known=True), counting(1_000))

    assert total(plugin) == 1_000


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-1", "1e300"])
def test_a_counter_with_an_impossible_value_stands_still(value: str) -> None:
    plugin, process = new_plugin(), new_process()
    poll(plugin, process, counting(5))

    assert poll(plugin, process, counting(value)) == [Reason.BAD_VALUE]
    assert poll(plugin, process, counting(6)) == []
    assert total(plugin) == 6


@pytest.mark.parametrize(
    "text",
    [
        observing([1.5]).replace('le="5.0"} 1', 'le="5.0"} 0'),
        observing([1.5]).replace('le="+Inf"} 1', 'le="+Inf"} 1.5'),
        observing([1.5]).replace('le="+Inf"} 1', 'le="+Inf"} NaN'),
        observing([1.5]).replace('le="+Inf"} 1', 'le="+Inf"} 1e300'),
        observing([1.5]).replace('le="1.0"} 0', 'le="1.0"} -1'),
    ],
)
def test_a_histogram_that_contradicts_itself_stands_still(text: str) -> None:
    plugin, process = new_plugin(), new_process()
    poll(plugin, process, observing([0.5]))

    assert poll(plugin, process, text) == [Reason.BAD_HISTOGRAM]
    poll(plugin, process, observing([0.5, 3]))

    assert distribution(plugin).total == (BOUNDS, (1, 0, 1, 0, 0), 3.5)


@pytest.mark.parametrize("total", ["wait_seconds_sum NaN", "wait_seconds_sum +Inf", "# no sum"])
def test_a_histogram_without_a_usable_sum_counts_on(total: str) -> None:
    plugin, process = new_plugin(), new_process()
    poll(plugin, process, observing([0.5]))

    assert poll(plugin, process, observing([0.5, 3]).replace("wait_seconds_sum 3.5", total)) == []
    poll(plugin, process, observing([0.5, 3, 20]))

    assert distribution(plugin).total == (BOUNDS, (1, 0, 1, 0, 1), None)


def test_a_histogram_of_negative_bounds_has_no_sum() -> None:
    plugin, process = new_plugin(), new_process()
    page = '# TYPE level_dbfs histogram\nlevel_dbfs_bucket{{le="-6"}} {}\nlevel_dbfs_bucket{{le="+Inf"}} {}\n'

    for below, all_ in ((1, 2), (3, 5)):
        assert poll(plugin, process, page.format(below, all_)) == []

    assert distribution(plugin).total == ((-6.0,), (3, 2), None)


def test_a_histogram_of_one_bucket_is_read() -> None:
    plugin, process = new_plugin(), new_process()

    assert poll(plugin, process, '# TYPE a histogram\na_bucket{le="+Inf"} 2\n') == []

    assert distribution(plugin).total == ((), (2,), None)


def test_a_summary_may_lack_its_sum() -> None:
    plugin, process = new_plugin(), new_process()

    assert poll(plugin, process, "# TYPE a summary\na_count 2\n") == []

    assert distribution(plugin).total == ((), (2,), None)


def test_a_histogram_is_reset_as_a_whole() -> None:
    plugin, process = new_plugin(), new_process()
    poll(plugin, process, observing([0.5, 0.5, 20]))

    poll(plugin, process, observing([0.5, 0.5, 0.5]))

    assert distribution(plugin).total == (BOUNDS, (5, 0, 0, 0, 1), 22.5)


def test_instances_with_other_bounds_share_the_common_buckets() -> None:
    plugin, old, new = new_plugin(), new_process(), new_process()
    assert poll(plugin, old, observing([0.5, 1.5, 3, 20], (1, 2, 10))) == []

    assert poll(plugin, new, observing([0.5, 4, 20], (1, 5, 10))) == [Reason.DIFFERENT_BOUNDS]

    assert distribution(plugin).total == ((1, 10), (2, 3, 2), 49.5)
    assert poll(plugin, new, observing([0.5, 4, 20], (1, 5, 10))) == [Reason.DIFFERENT_BOUNDS]
    assert poll(plugin, old, observing([0.5, 1.5, 3, 20, 20], (1, 2, 10))) == [Reason.DIFFERENT_BOUNDS]
    assert distribution(plugin).total == ((1, 10), (2, 3, 3), 69.5)


def test_sums_of_negative_observations_may_fall() -> None:
    plugin, process = new_plugin(), new_process()
    poll(plugin, process, observing([0.5]))

    poll(plugin, process, observing([0.5, -3]))

    assert distribution(plugin).total == (BOUNDS, (2, 0, 0, 0, 0), -2.5)


steps = st.lists(
    st.tuples(st.sampled_from(["count", "reset", "restart", "vanish"]), st.integers(0, 2), st.integers(0, 1_000)),
    max_size=40,
)


@given(steps)
def test_a_total_never_goes_down_and_counts_what_was_polled_once(steps: list[tuple[str, int, int]]) -> None:
    plugin = new_plugin()
    processes, values, polled = [new_process() for _ in range(3)], [0.0] * 3, [0.0] * 3
    expected, totals = 0.0, [0.0]
    for what, instance, amount in steps:
        if what == "restart":
            processes[instance], values[instance], polled[instance] = new_process(), 0.0, 0.0
        elif what == "reset":
            values[instance] = 0.0
        values[instance] += amount
        poll(plugin, processes[instance], "" if what == "vanish" else counting(values[instance]))
        if what != "vanish":
            went_down = values[instance] < polled[instance]
            expected += values[instance] if went_down else values[instance] - polled[instance]
            polled[instance] = values[instance]
        totals.append(total(plugin) if plugin.series else 0.0)

    assert all(before <= after for before, after in pairwise(totals))
    assert totals[-1] == expected


observations = st.lists(st.sampled_from([0.5, 1.5, 3.0, 7.0, 20.0]), max_size=5)
some_bounds = st.sets(st.sampled_from(BOUNDS)).map(lambda bounds: tuple(sorted(bounds)))
restarts = st.lists(st.tuples(some_bounds, st.lists(observations, max_size=5)), max_size=6)


@given(restarts)
def test_a_histogram_is_right_in_every_bucket_that_it_has(
    restarts: list[tuple[tuple[float, ...], list[list[float]]]],
) -> None:
    plugin = new_plugin()
    everything: list[float] = []
    for bounds, polls in restarts:
        process, seen = new_process(), list[float]()
        for news in polls:
            seen += news
            everything += news
            poll(plugin, process, observing(seen, bounds))

    if plugin.series:
        found = distribution(plugin).total
        assert found is not None
        cumulative = dict(zip((*found.bounds, math.inf), accumulate(found.counts), strict=True))
        assert cumulative == {bound: sum(value <= bound for value in everything) for bound in cumulative}
        assert found.sum == pytest.approx(sum(everything))
        common = set(BOUNDS).intersection(*(bounds for bounds, polls in restarts if polls))
        assert set(found.bounds) == common
