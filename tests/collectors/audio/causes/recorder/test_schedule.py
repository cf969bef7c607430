"""The times of looks."""

from __future__ import annotations

from collectors.audio.causes.recorder.schedule import LOOK_NS, Schedule, Tokens

MS = 1_000_000
START_NS = 1_000_000 * MS


def test_regular_looks_keep_their_pace() -> None:
    schedule = Schedule(START_NS)

    assert schedule.take_regular(START_NS)
    assert not schedule.take_regular(START_NS + 10 * MS)
    assert schedule.next_ns == START_NS + LOOK_NS
    assert schedule.take_regular(START_NS + LOOK_NS + 50 * MS)
    assert schedule.next_ns == START_NS + 2 * LOOK_NS


def test_a_suspicion_starts_a_burst_of_looks_that_get_rarer() -> None:
    schedule = Schedule(START_NS)
    schedule.take_regular(START_NS)
    schedule.suspect(START_NS)
    looks = []
    for millisecond in range(200):
        idle = schedule.take_burst(START_NS + millisecond * MS)
        if idle is not None:
            looks.append((millisecond, idle))

    assert looks == [(0, True), (5, False), (10, False), (20, False), (40, True), (80, False), (160, True)]


def test_a_storm_has_three_bursts_a_second_and_four_close_looks() -> None:
    schedule = Schedule(START_NS)
    bursts = close = 0
    for millisecond in range(3000):
        now_ns = START_NS + millisecond * MS
        schedule.suspect(now_ns)
        bursts += schedule.take_burst(now_ns) is not None
        close += schedule.take_close(now_ns)

    assert bursts <= 9 * 7
    assert close == 12


def test_a_late_burst_makes_one_look() -> None:
    schedule = Schedule(START_NS)
    schedule.suspect(START_NS)

    assert schedule.take_burst(START_NS + 500 * MS)
    assert schedule.take_burst(START_NS + 500 * MS) is None


def test_nothing_is_due_while_there_is_nothing_to_watch() -> None:
    schedule = Schedule(START_NS)
    schedule.suspect(START_NS)
    schedule.rest(START_NS)

    assert schedule.next_ns == START_NS + 10_000 * MS
    assert schedule.take_burst(START_NS + 100 * MS) is None

    schedule.resume(START_NS + 100 * MS)

    assert schedule.take_regular(START_NS + 100 * MS)


def test_a_failed_look_delays_the_next_one() -> None:
    schedule = Schedule(START_NS)
    schedule.suspect(START_NS)
    schedule.fail(START_NS)

    assert schedule.next_ns == START_NS + 1000 * MS


def test_events_are_limited_a_second_but_may_come_at_once() -> None:
    tokens = Tokens(20)
    taken = 0
    for _ in range(100):
        if tokens.are_left(START_NS):
            tokens.take()
            taken += 1

    assert taken == 20
    assert not tokens.are_left(START_NS)
    assert tokens.are_left(START_NS + 100 * MS)
