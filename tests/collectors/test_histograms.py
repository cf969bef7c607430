import pytest

from collectors import histograms
from collectors.metrics import HistogramValue

BOUNDS = (0.1, 1.0, 10.0)


def of(*counts: int, total: float = 0.0) -> HistogramValue:
    return HistogramValue(BOUNDS, counts, total)


def test_a_stretch_has_what_came_in_it() -> None:
    assert histograms.between(of(1, 1, 0, 0, total=0.5), of(3, 1, 1, 0, total=4.5)) == of(2, 0, 1, 0, total=4.0)


def test_a_histogram_that_began_anew_has_what_came_since() -> None:
    anew = of(1, 0, 0, 0)

    assert histograms.between(None, anew) == anew
    assert histograms.between(of(5, 0, 0, 0), anew) == anew
    assert histograms.between(HistogramValue((1.0,), (0, 0), 0.0), anew) == anew


@pytest.mark.parametrize(
    ("counts", "part", "expected"),
    [
        ((10, 0, 0, 0), 0.5, 0.05),
        ((0, 10, 0, 0), 0.5, 0.55),
        ((5, 0, 5, 0), 0.5, 0.1),
        ((5, 0, 5, 0), 0.75, 5.5),
        ((0, 0, 0, 4), 0.99, 10.0),
    ],
)
def test_quantiles_are_those_of_prometheus(counts: tuple[int, ...], part: float, expected: float) -> None:
    assert histograms.quantile(of(*counts), part) == pytest.approx(expected)


def test_the_worst_is_the_bound_that_none_was_above() -> None:
    assert histograms.worst(of(1, 0, 0, 0)) == 0.1
    assert histograms.worst(of(1, 2, 0, 0)) == 1.0
    assert histograms.worst(of(1, 2, 0, 3)) == 10.0


def test_the_mean_is_that_of_all() -> None:
    assert histograms.mean(of(1, 3, 0, 0, total=2.0)) == 0.5
