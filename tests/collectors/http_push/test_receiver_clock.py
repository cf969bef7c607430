import pytest

from collectors.http_push.receiver_clock import ReceiverClock

SECOND = 10**9
MIDNIGHT = 1_795_910_400 * SECOND
"""Sun, 29 Nov 2026 00:00:00 GMT."""


class Clocks:
    """This machine's clock, and one that no step moves; nanoseconds."""

    def __init__(self, ahead_seconds: int) -> None:
        self.ours = MIDNIGHT + ahead_seconds * SECOND
        self.elapsed = 5 * SECOND
        self.receiver = ReceiverClock(lambda: self.ours, lambda: self.elapsed)


def test_the_difference_is_known_from_the_first_answer_to_half_a_second() -> None:
    clocks = Clocks(ahead_seconds=7200)
    assert (clocks.receiver.is_known, clocks.receiver.difference_ns) == (False, 0)

    clocks.receiver.answered("Sun, 29 Nov 2026 00:00:00 GMT")

    assert clocks.receiver.is_known
    assert clocks.receiver.difference_ns == 7200 * SECOND - SECOND // 2


def test_each_answer_of_one_second_sets_the_clock() -> None:
    clocks = Clocks(ahead_seconds=0)
    clocks.receiver.answered("Sun, 29 Nov 2026 00:00:00 GMT")
    clocks.elapsed += SECOND // 4
    clocks.receiver.answered("Sun, 29 Nov 2026 00:00:00 GMT")

    assert clocks.receiver.receiver_ns() == MIDNIGHT + SECOND // 2


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 99 Nov 2026 00:00:00 GMT", "0", "\xff"])
def test_an_answer_without_a_usable_date_changes_nothing(date: str) -> None:
    clocks = Clocks(ahead_seconds=0)
    clocks.receiver.answered(date)

    assert not clocks.receiver.is_known


def test_lines_get_the_receivers_time_until_the_clocks_agree() -> None:
    clocks = Clocks(ahead_seconds=7200)
    clocks.receiver.answered("Sun, 29 Nov 2026 00:00:00 GMT")
    assert clocks.receiver.now_ns() == clocks.ours

    clocks.receiver.distrust()
    assert clocks.receiver.now_ns() == MIDNIGHT + SECOND // 2

    clocks.ours = MIDNIGHT
    clocks.receiver.answered("Sun, 29 Nov 2026 00:00:00 GMT")
    assert clocks.receiver.now_ns() == clocks.ours
