from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from collectors.audio.dropouts import HOLD_NS, MERGE_NS, DropoutCounter, Observation

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


def reference(observations: list[Observation]) -> int:
    """The same by the definition: sort, then merge."""
    count, end = 0, -MERGE_NS - 1
    for observation in sorted(observations, key=lambda o: o.start_ns):
        count += observation.start_ns > end + MERGE_NS
        end = max(end, observation.end_ns)
    return count


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
