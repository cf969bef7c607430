from agent.push.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def sent(clock: Clock, pace: Pace, sizes_and_seconds: list[tuple[int, float]]) -> list[float]:
    """Return the pause after each request of so many bytes that took so many seconds."""
    pauses = []
    for size, seconds in sizes_and_seconds:
        began = clock.now
        clock.now += seconds
        pause = pace.pause(size, began)
        clock.now += pause
        pauses.append(round(pause, 6))
    return pauses


def test_fast_answers_are_followed_by_a_pause_that_keeps_the_rate() -> None:
    clock = Clock()
    pace = Pace(1000, clock)

    assert sent(clock, pace, [(500, 0.1), (500, 0.2), (2000, 0.5)]) == [0.4, 0.3, 1.5]


def test_requests_after_a_slow_answer_make_up_for_it() -> None:
    clock = Clock()
    pace = Pace(1000, clock)

    assert sent(clock, pace, [(500, 1.5), *[(500, 0.25)] * 6]) == [0, 0, 0, 0, 0, 0.25, 0.25]


def test_a_long_outage_ends_with_a_short_burst() -> None:
    clock = Clock()
    pace = Pace(1000, clock)
    sent(clock, pace, [(500, 3600)])

    assert sent(clock, pace, [(1000, 0.0)] * 4) == [0, 0, 1, 1]


def test_time_in_which_nothing_waited_gives_no_burst() -> None:
    clock = Clock()
    pace = Pace(1000, clock)
    sent(clock, pace, [(500, 0.1)])
    pace.rest()
    clock.now += 60

    assert sent(clock, pace, [(500, 0.1)]) == [0.4]
