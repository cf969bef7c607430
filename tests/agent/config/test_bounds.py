import pytest

from agent.config.bounds import MAX_DEPTH, MAX_VALUES, BoundsError, check


def nested(depth: int) -> object:
    data: object = 1
    for _ in range(depth):
        data = [data]
    return data


def test_data_within_the_bounds_is_accepted() -> None:
    check(nested(MAX_DEPTH))
    check({"a": [1, {"b": (2, 3)}]})
    check([0] * (MAX_VALUES - 1))


def test_data_that_is_too_deep_is_refused() -> None:
    with pytest.raises(BoundsError, match="at most 24 levels"):
        check(nested(MAX_DEPTH + 1))


def test_a_value_counts_each_time_that_it_is_referenced() -> None:
    part = [0] * 1000

    with pytest.raises(BoundsError):
        check([part] * 60)


def test_data_that_contains_itself_is_refused() -> None:
    data: list[object] = []
    data.append(data)

    with pytest.raises(BoundsError):
        check(data)
