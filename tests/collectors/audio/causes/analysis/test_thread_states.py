"""The states of each thread."""

import pytest

from collectors.audio.causes.analysis.thread_states import Change, ThreadStates
from collectors.audio.causes.evidence import Trace


def changes_of(trace: Trace) -> dict[int, list[Change]]:
    """The changes of all threads."""
    states = ThreadStates(trace)
    return {tid: states.changes(tid) for tid in states.threads}


Switch = tuple[int, int, int, str, int, int]


def trace(*switches: Switch, wakes: tuple[tuple[int, int, int, int, int], ...] = ()) -> Trace:
    return Trace(start_ns=0, end_ns=10_000_000, switches=switches, wakes=wakes)


@pytest.mark.parametrize(
    ("letter", "kind"),
    [
        ("R", "runnable"),
        ("S", "asleep"),
        ("I", "asleep"),
        ("P", "asleep"),
        ("D", "disk"),
        ("T", "stopped"),
        ("t", "stopped"),
        ("X", "ended"),
        ("Z", "ended"),
    ],
)
def test_the_letter_says_what_follows_a_run(letter: str, kind: str) -> None:
    changes = changes_of(trace((500, 0, 7, letter, 0, 0)))

    assert changes == {7: [Change(0, "running", 0), Change(500, kind, 0)]}


def test_a_thread_that_came_without_a_wake_up_waited_before() -> None:
    assert changes_of(trace((500, 1, 0, "R", 7, 0))) == {7: [Change(0, "runnable", 1), Change(500, "running", 1)]}


def test_a_wake_up_just_before_the_sleep_prevents_it() -> None:
    raced = trace((0, 0, -1, "?", 7, 0), (500, 0, 7, "S", 8, 0), wakes=((490, 1, 7, 0, 9),))

    assert changes_of(raced)[7][-1] == Change(500, "runnable", 0)


def test_a_wake_up_long_before_the_sleep_does_not_prevent_it() -> None:
    slept = trace((0, 0, -1, "?", 7, 0), (900_000, 0, 7, "S", 8, 0), wakes=((490, 1, 7, 0, 9),))

    assert changes_of(slept)[7][-1] == Change(900_000, "asleep", 0)


def test_a_new_thread_waits_for_its_first_run() -> None:
    started = Trace(start_ns=0, end_ns=100, starts=((10, 7, 6),), switches=((30, 0, 0, "R", 7, 0),))

    assert changes_of(started)[7] == [Change(0, "unknown", -1), Change(10, "runnable", -1), Change(30, "running", 0)]


def test_a_wake_up_precedes_the_switch_of_the_same_time() -> None:
    woken = trace((500, 0, 0, "R", 7, 0), wakes=((500, 0, 7, 0, 9),))

    assert changes_of(woken)[7] == [Change(0, "asleep", 0), Change(500, "runnable", 0), Change(500, "running", 0)]


def test_after_a_switch_that_was_not_recorded_nothing_is_known() -> None:
    unseen = trace((0, 0, -1, "?", 7, 0), (500, 0, 7, "?", 8, 0))

    assert changes_of(unseen) == {
        7: [Change(0, "runnable", 0), Change(0, "running", 0), Change(500, "unknown", 0)],
        8: [Change(0, "runnable", 0), Change(500, "running", 0)],
    }
