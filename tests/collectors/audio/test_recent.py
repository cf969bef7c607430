from __future__ import annotations

import pytest

from collectors.audio.recent import LastMinute

SECOND = 1_000_000_000


def read(minute: LastMinute, seconds: range, load: float | None = 0.5, clipped_a_second: int = 0) -> None:
    for second in seconds:
        minute.read(second * SECOND, load, (clipped_a_second * second, 0))


def test_nothing_is_known_before_a_minute_has_passed() -> None:
    minute = LastMinute()
    read(minute, range(58))

    assert (minute.load, minute.clipped) == (None, ())


def test_the_load_is_the_mean_of_the_last_minute() -> None:
    minute = LastMinute()
    read(minute, range(120), load=1.0)
    read(minute, range(120, 150), load=0.5)

    assert minute.load == pytest.approx(0.75, abs=0.02)


def test_a_minute_with_an_unknown_load_has_none() -> None:
    minute = LastMinute()
    read(minute, range(70))
    read(minute, range(70, 71), load=None)

    assert minute.load is None


def test_clipping_is_counted_a_second_for_each_channel() -> None:
    minute = LastMinute()
    read(minute, range(100), clipped_a_second=200)

    assert minute.clipped == (200.0, 0.0)


def test_a_channel_that_came_later_began_at_zero() -> None:
    minute = LastMinute()
    for second in range(61):
        minute.read(second * SECOND, 0.5, () if second < 30 else (60,))

    assert minute.clipped == (1.0,)


def test_readings_within_a_second_are_one() -> None:
    minute = LastMinute()
    for quarter in range(4 * 90):
        minute.read(quarter * SECOND // 4, 0.5 if quarter % 4 == 0 else 100.0, ())

    assert minute.load == 0.5
