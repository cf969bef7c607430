import pytest

from agent.live.rates import increase, share, short


@pytest.mark.parametrize(
    ("before", "now", "expected"), [(1.0, 4.0, 3.0), (4.0, 1.0, 1.0), (None, 1.0, None), (1.0, None, None), (2, 2, 0)]
)
def test_the_increase_of_a_counter(before: float | None, now: float | None, expected: float | None) -> None:
    assert increase(before, now) == expected


@pytest.mark.parametrize(
    ("before", "now", "seconds", "expected"),
    [
        (0.0, 0.5, 2.0, 0.25),
        (0.0, 9.0, 2.0, 1.0),
        (0.0, 1.0, 0.0, None),
        (None, 1.0, 1.0, None),
        (0.0, 1.0, 3.0, 0.3333),
    ],
)
def test_a_share_of_the_time_is_one_at_most(
    before: float | None, now: float, seconds: float, expected: float | None
) -> None:
    assert share(before, now, seconds) == expected


def test_four_digits_are_kept() -> None:
    assert [short(value) for value in (0.123456, 123456.0, 1e-9, 0.0)] == [0.1235, 123500.0, 1e-9, 0.0]
