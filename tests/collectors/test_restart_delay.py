from __future__ import annotations

import pytest

from collectors.restart_delay import RestartDelay


def test_each_delay_is_twice_the_last_up_to_the_limit() -> None:
    delay = RestartDelay(0.5, 3)

    assert [delay.after(0.1) for _ in range(5)] == [0.5, 1, 2, 3, 3]


@pytest.mark.parametrize("lived", [10, 60])
def test_a_long_run_makes_the_next_delay_the_first(lived: float) -> None:
    delay = RestartDelay(1, 8, healthy=10)
    delays = [delay.after(9.9), delay.after(9.9), delay.after(lived), delay.after(0)]

    assert delays == [1, 2, 1, 2]


def test_a_run_as_long_as_the_longest_delay_is_healthy_by_default() -> None:
    delay = RestartDelay(1, 8)

    assert [delay.after(7.9), delay.after(7.9), delay.after(8)] == [1, 2, 1]


def test_a_reset_makes_the_next_delay_the_first() -> None:
    delay = RestartDelay(1, 8)
    delay.after(0)
    delay.reset()

    assert delay.after(0) == 1
