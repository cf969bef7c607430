"""The graph's cycles, from copies of a written table."""

from __future__ import annotations

import struct
import time

from collectors.audio.causes.recorder.clock_pairs import ClockPairs
from collectors.audio.causes.recorder.graph import ClientNames, GraphCopies

MS = 1_000_000
OFFSET_NS = 300 * MS
"""By how much the monotonic clock is ahead of the table's."""


def clock() -> ClockPairs:
    pairs = ClockPairs(time.CLOCK_MONOTONIC_RAW)
    pairs.add(0, OFFSET_NS)
    return pairs


def table(*rows: tuple[int, int, int, int]) -> bytes:
    """Return a table with these rows from client 2 on; times are milliseconds of its clock."""
    packed = [struct.pack("=QQQI", *(1000 * value for value in row[:3]), row[3]) for row in rows]
    return bytes(2 * 28) + b"".join(packed)


def names(**numbers: int) -> ClientNames:
    found = ClientNames()
    found.see({number: name for name, number in numbers.items()}, 0)
    return found


def test_times_become_monotonic_and_numbers_become_names() -> None:
    copies = GraphCopies(28, clock())
    copies.take([struct.pack("=Q", 5010 * MS) + table((4700, 4701, 4705, 3), (4705, 4706, 4600, 2))])

    (cycle,) = copies.cycles(names(reverb=2), 5000 * MS, 5100 * MS, 5010 * MS)

    assert cycle.at_ns == 5010 * MS
    assert [(it.client, it.state) for it in cycle.clients] == [("reverb", "finished"), ("client 3", "running")]
    assert (cycle.clients[0].signalled_ns, cycle.clients[0].awake_ns) == (5000 * MS, 5001 * MS)


def test_a_client_that_ended_long_ago_is_left_out() -> None:
    copies = GraphCopies(28, clock())
    copies.add(5010 * MS, table((4700, 4701, 4705, 3), (10, 11, 12, 3)))

    (cycle,) = copies.cycles(names(reverb=2, gone=3), 5000 * MS, 5100 * MS, 5010 * MS)

    assert [it.client for it in cycle.clients] == ["reverb"]
    assert copies.active(table((4700, 4701, 4705, 3), (10, 11, 12, 3)), 5010 * MS) == {2}


def test_only_the_last_seconds_are_kept() -> None:
    copies = GraphCopies(28, clock())
    for second in range(1, 60):
        copies.add(second * 1000 * MS, table((1000 * second - 300, 0, 0, 1)))

    kept = copies.cycles(names(), 0, 60_000 * MS, 0)

    assert [cycle.at_ns // MS for cycle in kept] == list(range(51_000, 60_000, 1000))


def test_too_many_cycles_leave_out_those_far_from_the_dropout() -> None:
    copies = GraphCopies(28, clock())
    for number in range(1000):
        copies.add(5000 * MS + number, table(*[(4700, 4701, 4705, 3)] * 40))

    kept = copies.cycles(names(), 0, 6000 * MS, 5000 * MS + 900)

    assert 200 < len(kept) <= 300
    assert kept[-1].at_ns == 5000 * MS + 999
    assert list(kept) == sorted(kept, key=lambda cycle: cycle.at_ns)


def test_a_number_that_is_used_again_has_the_name_of_its_time() -> None:
    found = ClientNames()
    assert found.see({2: "first"}, 100) == ({"first"}, set())
    assert found.see({}, 200) == (set(), {"first"})
    assert found.see({2: "second", 3: "other"}, 300) == ({"second", "other"}, set())

    assert [found.at(at_ns, 2) for at_ns in (50, 150, 250, 350)] == ["first", "first", "first", "second"]
    assert found.at(150, 3) == "other"
    assert found.at(150, 0) == "system"
    assert found.at(150, 9) == "client 9"


def test_drift_between_the_clocks_is_followed() -> None:
    pairs = ClockPairs(time.CLOCK_MONOTONIC_RAW)
    pairs.add(1000 * MS, 1300 * MS)
    pairs.add(2000 * MS, 2301 * MS)

    assert pairs.monotonic_ns(1000 * MS) == 1300 * MS
    assert pairs.monotonic_ns(1999 * MS) == 2300 * MS
    assert pairs.monotonic_ns(5000 * MS) == 5301 * MS


def test_the_real_clocks_agree() -> None:
    pairs = ClockPairs(time.CLOCK_MONOTONIC_RAW)
    pairs.read()
    before = time.monotonic_ns()
    converted = pairs.monotonic_ns(time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW))

    assert before - MS < converted < time.monotonic_ns() + MS
