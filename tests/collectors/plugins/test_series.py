from __future__ import annotations

import math

import pytest

from collectors.metrics import HistogramValue, SummaryValue
from collectors.plugins.names import Head
from collectors.plugins.series import LARGEST, Distribution, Observed, observed


def distribution(type_: str = "histogram") -> Distribution:
    return Distribution(Head("h", type_, ""), (), ())  # type: ignore[arg-type]  # one of the two types


def test_cumulative_counts_become_counts_of_buckets() -> None:
    assert observed((1.0, 2.0), (1.0, 3.0, 6.0), 9.5) == ((1, 2), (1, 2, 3), 9.5)


@pytest.mark.parametrize(
    "cumulative", [(2.0, 1.0), (1.5, 2.0), (math.nan, 2.0), (1.0, math.inf), (-1.0, 2.0), (1.0, LARGEST * 4)]
)
def test_counts_that_contradict_each_other_are_none(cumulative: tuple[float, ...]) -> None:
    assert observed((1.0,), cumulative, 1.0) is None


@pytest.mark.parametrize("total", [None, math.nan, math.inf])
def test_a_sum_that_is_not_finite_is_unknown(total: float | None) -> None:
    found = observed((), (2.0,), total)

    assert found == ((), (2,), None)


def test_observations_since_a_reset_are_all_of_them() -> None:
    before, after = Observed((1.0,), (5, 5), 9.0), Observed((1.0,), (1, 2), 3.0)

    assert after.since(before) == after
    assert Observed((1.0,), (6, 7), 12.0).since(before) == ((1.0,), (1, 2), 3.0)
    assert Observed((1.0,), (6, 7), None).since(before) == ((1.0,), (1, 2), None)


def test_an_unknown_sum_stays_unknown() -> None:
    series = distribution()

    for total in (1.0, None, 1.0):
        series.add(Observed((1.0,), (1, 0), total))

    assert series.total == ((1.0,), (3, 0), None)


def test_a_total_is_exported_as_its_type() -> None:
    assert distribution().value(Observed((1.0,), (1, 2), 3.0)) == HistogramValue((1.0,), (1, 2), 3.0)
    assert distribution("summary").value(Observed((), (3,), None)) == SummaryValue(3, None)
