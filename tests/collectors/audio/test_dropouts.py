from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from collectors.audio.dropouts import HOLD_NS, MERGE_NS, STORM_NS, Dropout, DropoutCounter, Observation

MS = 1_000_000


def at(start_ms: int, end_ms: int | None = None) -> Observation:
    return Observation("jack", "xrun", start_ms * MS, (start_ms if end_ms is None else end_ms) * MS)


def total(*observations: Observation) -> int:
    counter = DropoutCounter()
    for observation in observations:
        counter.add(observation)
    counter.settle(10**18)
    return counter.total


def test_nothing_is_no_dropout() -> None:
    assert total() == 0


def test_observations_within_the_merge_window_are_one_dropout() -> None:
    assert total(at(0), at(200), at(400), at(0, 600)) == 1


def test_observations_apart_are_two() -> None:
    assert total(at(0), at(MERGE_NS // MS + 1)) == 2


def test_a_long_gap_takes_in_what_lies_within_it() -> None:
    assert total(at(500), at(0, 900), at(1000)) == 1


def test_a_storm_is_another_dropout_each_second() -> None:
    assert total(*(at(ms) for ms in range(0, 60_001, 200))) == 61


def test_a_silence_is_one_dropout_however_long_it_lasts() -> None:
    silence = Observation("gap", "lost", 0, 5000 * MS, silent_ns=5000 * MS)

    assert total(at(-90, 10), silence, at(4990, 5010), at(5100)) == 1


def test_an_agent_that_was_held_up_does_not_know_when_it_was_and_counts_one() -> None:
    assert total(at(0, 3000), at(0, 3010), at(2900, 3020)) == 1


def test_a_storm_is_told_while_it_lasts() -> None:
    counter = DropoutCounter()
    counted = []
    for ms in range(0, 10_000, 100):
        counter.add(at(ms))
        counter.settle(ms * MS)
        counted.append(counter.total)

    assert counted == sorted(counted)
    assert counted[-1] >= 8


def test_what_is_not_old_enough_is_not_counted_yet() -> None:
    counter = DropoutCounter()
    counter.add(at(5000))
    counter.settle(5000 * MS + HOLD_NS - 1)
    early = counter.total
    counter.settle(5000 * MS + HOLD_NS)

    assert (early, counter.total) == (0, 1)


def test_what_arrives_late_joins_the_dropout_that_was_counted() -> None:
    counter = DropoutCounter()
    counter.add(at(1000))
    counter.settle(1000 * MS + HOLD_NS)
    counter.add(at(900, 1100))
    counter.settle(1200 * MS + HOLD_NS)

    assert counter.total == 1


def test_what_arrives_too_late_still_joins_its_own_dropout() -> None:
    counter = DropoutCounter()
    for observation in (at(1000), at(2000), at(900, 1100)):
        counter.add(observation)
        counter.settle(2000 * MS + HOLD_NS)

    assert counter.total == 2


def test_all_of_a_period_is_one_dropout_however_long() -> None:
    counter = DropoutCounter()
    for ms in (1000, 1900, 2600, 4000):
        counter.add(at(ms))
        counter.join(900 * MS, (ms + 500) * MS)
        counter.settle(ms * MS)
    counter.settle(10**18)

    assert counter.total == 1

    counter.add(at(4900))
    counter.settle(10**18)

    assert counter.total == 2


def test_a_period_without_an_observation_is_no_dropout() -> None:
    counter = DropoutCounter()
    counter.join(1000 * MS, 2000 * MS)
    counter.settle(10**18)

    assert counter.total == 0


def test_nothing_of_an_ignored_period_is_counted() -> None:
    counter = DropoutCounter()
    for observation in (at(900, 1000), at(1500), at(2000, 2100), at(899), at(2101)):
        counter.add(observation)
    counter.ignore(1000 * MS, 1500 * MS)
    counter.ignore(1000 * MS, 2000 * MS)
    counter.settle(10**18)

    assert counter.total == 2


def test_settled_dropouts_are_kept_with_their_observers() -> None:
    counter = DropoutCounter()
    counter.add(at(1000))
    counter.add(Observation("gap", "lost", 1100 * MS, 1150 * MS, 50 * MS))
    counter.add(at(3000))
    counter.settle(10**18)

    assert counter.since(2000 * MS) == [Dropout(3000 * MS, 3000 * MS, 0, 1, frozenset({"jack"}))]
    assert counter.since(0)[0] == Dropout(1000 * MS, 1150 * MS, 50 * MS, 1, frozenset({"gap", "jack"}))


def reference(observations: list[Observation]) -> int:
    """Return the count by definition: sort, merge, and measure from the earliest end to the latest start."""
    merged: list[list[Observation]] = []
    for observation in sorted(observations, key=lambda o: o.start_ns):
        if not merged or observation.start_ns > max(o.end_ns for o in merged[-1]) + MERGE_NS:
            merged.append([])
        merged[-1].append(observation)
    lasted = [max(o.start_ns for o in group) - min(o.end_ns for o in group) for group in merged]
    return sum(1 + max(ns, 0) // STORM_NS for ns in lasted)


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 300), st.integers(0, 600))))
@example([(1214, 225, 0), (1609, 82, 0), (1690, 0, 0), (1790, 300, 600)])  # one that reaches from one to another
def test_the_count_does_not_depend_on_the_order_of_arrival(happened: list[tuple[int, int, int]]) -> None:
    """Each observation is a start, a duration and the delay with which it arrives, in milliseconds."""
    arrivals = sorted(((start + length + delay, at(start, start + length)) for start, length, delay in happened))
    counter = DropoutCounter()
    for now, observation in arrivals:
        counter.settle(now * MS)
        counter.add(observation)
    counter.settle(10**18)

    assert reference([observation for _, observation in arrivals]) == counter.total


def test_each_increment_is_taken_once_with_the_part_that_counted() -> None:
    counter = DropoutCounter()
    for ms in range(0, 2500, 100):
        counter.add(at(ms))
    counter.add(Observation("gap", "lost", 5000 * MS, 5020 * MS, 15 * MS))
    counter.settle(10**18)
    taken = counter.take()
    parts = [increment.part() for increment in taken]

    assert len(taken) == counter.total == 4
    assert [(it.start_ns // MS, it.end_ns // MS) for it in parts] == [
        (0, 1000),
        (1000, 2000),
        (2000, 2400),
        (5000, 5020),
    ]
    assert [it.observations for it in parts] == [("jack xrun",)] * 3 + [("gap lost",)]
    assert [it.silent_ns // MS for it in parts] == [0, 0, 0, 15]
    assert counter.take() == []


def test_a_part_grows_with_later_observations() -> None:
    counter = DropoutCounter()
    counter.add(at(0))
    counter.settle(HOLD_NS)
    (increment,) = counter.take()
    counter.add(at(-50, 90))
    counter.settle(2 * HOLD_NS)

    assert counter.take() == []
    assert (increment.part().start_ns, increment.part().end_ns) == (-50 * MS, 90 * MS)
