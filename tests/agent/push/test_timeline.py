from itertools import pairwise

from agent.push.timeline import LARGEST_STEP_MS, Timeline

START = 1_800_000_000_000


class Clocks:
    def __init__(self) -> None:
        self.wall = START
        self.elapsed = 5_000

    def advance(self, ms: int, step: int = 0) -> None:
        self.elapsed += ms
        self.wall += ms + step

    def timeline(self, newest: int = 0) -> Timeline:
        return Timeline(newest, lambda: self.wall, lambda: self.elapsed)


def test_times_follow_the_clock() -> None:
    clocks = Clocks()
    timeline = clocks.timeline()

    times = [timeline.next()]
    clocks.advance(15_000)
    times.append(timeline.next())
    clocks.advance(15_000, step=60_000)
    times.append(timeline.next())

    assert times == [START, START + 15_000, START + 90_000]
    assert timeline.ahead_ms == 0


def test_times_go_on_after_a_step_back_until_the_clock_has_caught_up() -> None:
    clocks = Clocks()
    timeline = clocks.timeline()
    times = [timeline.next()]
    clocks.advance(10_000, step=-30_000)
    for _ in range(60):
        times.append(timeline.next())
        clocks.advance(10_000)

    gaps = [late - early for early, late in pairwise(times)]
    assert set(gaps) == {9_000, 10_000}
    assert timeline.next() == clocks.wall


def test_a_restart_within_a_millisecond_has_a_later_time() -> None:
    clocks = Clocks()

    assert clocks.timeline(newest=START).next() == START + 1


def test_a_run_after_a_step_back_goes_on_from_the_newest_time() -> None:
    clocks = Clocks()

    assert clocks.timeline(newest=START + 5_000).next() == START + 5_001


def test_a_step_of_more_than_an_hour_is_followed() -> None:
    clocks = Clocks()
    timeline = clocks.timeline()
    timeline.next()
    clocks.advance(1_000, step=-LARGEST_STEP_MS - 2_000)

    assert timeline.next() == clocks.wall
