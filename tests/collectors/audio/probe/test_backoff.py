from __future__ import annotations

from collectors.audio.probe.backoff import LIMIT, REST_NS, WINDOW_NS, Backoff, Step

SECOND = 1_000_000_000
LOOK = SECOND // 4


def miss(backoff: Backoff, looks: int, total: int = 0, now: int = 0) -> tuple[int, int]:
    """Find a new miss at each look; the total and the time afterwards."""
    for _ in range(looks):
        total, now = total + 1, now + LOOK
        backoff.see(total, now)
    return total, now


def test_a_few_misses_are_an_accident() -> None:
    backoff = Backoff()
    for second in range(1, 1000):
        backoff.see(second, second * WINDOW_NS // LIMIT)

    assert backoff.step == Step.FULL


def test_one_hold_up_is_an_accident_however_many_misses_it_makes() -> None:
    backoff = Backoff()
    backoff.see(10 * LIMIT, LOOK)
    for look in range(2, 100):
        backoff.see(10 * LIMIT, look * LOOK)

    assert backoff.step == Step.FULL


def test_many_misses_cost_channels_and_more_of_them_the_probe() -> None:
    backoff = Backoff()
    steps = []
    total, now = 0, 0
    for looks in (LIMIT, 1, LIMIT, 1, 3 * LIMIT):
        total, now = miss(backoff, looks, total, now)
        steps.append(backoff.step)

    assert steps == [Step.FULL, Step.LESS, Step.LESS, Step.CLOSED, Step.CLOSED]


def test_after_a_rest_the_probe_may_do_everything_again() -> None:
    backoff = Backoff()
    total, now = miss(backoff, LIMIT + 1)
    backoff.see(total, now + REST_NS)
    still = backoff.step
    backoff.see(total, now + REST_NS + 1)

    assert (still, backoff.step) == (Step.LESS, Step.FULL)
