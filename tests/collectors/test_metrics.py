from __future__ import annotations

import pytest

from collectors.metrics import Histogram, MetricType, counter, gauge, names_taken, openmetrics_name


def test_a_value_without_labels_is_one_series() -> None:
    assert gauge("a", "A.", 3).samples == {(): 3}
    assert counter("a_total", "A.", {("x",): 1}, ("l",)).samples == {("x",): 1}


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        ("a_total", "counter", ("a", "counter")),
        ("a", "counter", ("a", "unknown")),
        ("_total", "counter", ("_total", "unknown")),
        ("a_total", "gauge", ("a_total", "gauge")),
    ],
)
def test_a_counter_of_openmetrics_ends_in_total(name: str, type_: MetricType, expected: tuple[str, str]) -> None:
    assert openmetrics_name(name, type_) == expected


def test_a_histogram_takes_the_names_of_its_parts() -> None:
    assert set(names_taken("h", "histogram")) == {"h", "h_bucket", "h_count", "h_sum", "h_created"}


def test_an_observation_belongs_to_the_first_bucket_whose_bound_is_not_below_it() -> None:
    histogram = Histogram((1, 2))
    for value in (0.5, 1, 1.5, 2, 3):
        histogram.observe(value)
    histogram.observe(-1, times=2)

    assert histogram.value().counts == (4, 2, 1)
    assert histogram.value().sum == 6


@pytest.mark.parametrize("bounds", [(2, 1), (1, 1)])
def test_bounds_that_do_not_ascend_are_refused(bounds: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        Histogram(bounds)
