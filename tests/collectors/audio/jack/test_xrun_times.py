from __future__ import annotations

from collectors.audio.jack.xrun_times import XrunTimes

MS = 1_000_000


def test_an_xrun_was_since_the_last_look_without_one() -> None:
    times = XrunTimes(0)
    times.quiet(100 * MS, 101 * MS)

    assert times.reported(130 * MS) == 100 * MS


def test_one_after_another_each_was_since_the_one_before() -> None:
    times = XrunTimes(0)

    assert [times.reported(ms * MS) for ms in (5, 15, 25, 125, 225)] == [0, 5 * MS, 15 * MS, 25 * MS, 125 * MS]


def test_what_a_process_that_stood_still_is_told_afterwards_may_all_be_of_that_time() -> None:
    times = XrunTimes(0)
    times.quiet(100 * MS, 101 * MS)

    assert [times.reported((2000 + late) * MS) for late in (0, 1, 3, 90)] == [100 * MS] * 4
    times.quiet(2190 * MS, 2191 * MS)
    assert times.reported(2200 * MS) == 2190 * MS


def test_a_process_may_also_have_stood_still_when_nothing_was_told_yet() -> None:
    times = XrunTimes(0)
    times.quiet(100 * MS, 2000 * MS)

    assert [times.reported((2000 + late) * MS) for late in (1, 3)] == [100 * MS] * 2


def test_a_storm_after_that_is_timed_again() -> None:
    times = XrunTimes(0)
    reported = [times.reported(ms * MS) for ms in range(2000, 4000, 50)]

    assert reported[0] == 0
    assert reported[-1] == 3900 * MS
