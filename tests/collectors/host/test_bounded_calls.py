from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from collectors.host.bounded_calls import BoundedCalls, HungError
from tests.support.threads import no_threads_left
from tests.support.waiting import PATIENCE, eventually

NAME = "patient"
DEADLINE = 0.3


class Gate:
    """A call that hangs until it is opened, and counts how often it was made."""

    def __init__(self) -> None:
        self.calls = 0
        self.opened = threading.Event()

    def __call__(self) -> str:
        self.calls += 1
        self.opened.wait()
        return "open"


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()
    eventually(lambda: len(_threads()) <= 1, "every thread but the idle one ends once its call returns")


@pytest.fixture
def bounded() -> BoundedCalls[str, str]:
    eventually(lambda: not _threads(), "the threads of the last test end")
    return BoundedCalls(NAME, handover=0.05, deadline=DEADLINE)


def _hang(bounded: BoundedCalls[str, str], gate: Gate) -> None:
    """Let rounds pass until one has begun the call that hangs."""
    eventually(lambda: bounded.answers({"dead": gate}) and gate.calls, "the call begins")


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def test_each_call_gets_its_own_answer_in_order(bounded: BoundedCalls[str, str]) -> None:
    def fail() -> str:
        raise OSError("gone")

    found = bounded.answers({"b": lambda: "B", "a": fail, "c": lambda: "C"})

    assert list(found) == ["b", "a", "c"]
    assert (found["b"], found["c"]) == ("B", "C")
    assert isinstance(found["a"], OSError)


def test_rounds_without_a_hang_share_one_thread(bounded: BoundedCalls[str, int]) -> None:
    threads = {bounded.answers({"a": threading.get_ident})["a"] for _ in range(5)}

    assert len(threads) == 1
    assert len(_threads()) == 1


def test_calls_are_made_inline_where_no_thread_is_left(bounded: BoundedCalls[str, int]) -> None:
    with no_threads_left():
        assert bounded.answers({"a": threading.get_ident}) == {"a": threading.get_ident()}

    assert bounded.answers({"a": threading.get_ident}) != {"a": threading.get_ident()}


def test_the_others_are_made_inline_where_one_hangs_and_no_thread_is_left(
    bounded: BoundedCalls[str, str], gate: Gate
) -> None:
    bounded.answers({"first": lambda: "starts the thread"})
    with no_threads_left():
        found = _round_with_well(bounded, gate)

    assert isinstance(found["dead"], HungError)


def test_no_calls_are_no_answers(bounded: BoundedCalls[str, str]) -> None:
    assert bounded.answers({}) == {}


def test_the_others_are_answered_beside_one_that_hangs(bounded: BoundedCalls[str, str], gate: Gate) -> None:
    found = _round_with_well(bounded, gate)

    assert isinstance(found["dead"], HungError)
    assert "no answer within 0.3 s" in str(found["dead"])


def _round_with_well(bounded: BoundedCalls[str, str], gate: Gate) -> dict[str, str | Exception]:
    """Return the first round that answers a call next to the one that hangs: a busy machine may need a few."""

    def answered() -> dict[str, str | Exception] | None:
        found = bounded.answers({"dead": gate, "well": lambda: "well"})
        return found if found["well"] == "well" else None

    return eventually(answered, "the other call is answered")


def test_a_call_that_hangs_is_not_made_again_and_delays_no_later_round(
    bounded: BoundedCalls[str, str], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hang(bounded, gate)
    monkeypatch.setattr(bounded, "_deadline", PATIENCE)  # so long would a round take that waits for the call
    before = time.monotonic()

    rounds = [bounded.answers({"dead": gate, "well": lambda: "well"}) for _ in range(20)]

    assert time.monotonic() - before < PATIENCE
    assert all(isinstance(found["dead"], HungError) and found["well"] == "well" for found in rounds)
    assert gate.calls == 1
    assert len(_threads()) == 2  # the one that hangs, and the one that makes the other calls


def test_a_call_is_made_again_once_it_has_returned(bounded: BoundedCalls[str, str], gate: Gate) -> None:
    _hang(bounded, gate)
    gate.opened.set()

    eventually(lambda: bounded.answers({"dead": gate})["dead"] == "open", "it is asked again")


def test_a_call_that_was_not_begun_in_time_is_not_made_later(gate: Gate) -> None:
    made: list[str] = []
    slow: BoundedCalls[str, object] = BoundedCalls(NAME, handover=10, deadline=0.1)

    found: dict[str, object] = {}
    while not gate.calls:
        found = slow.answers({"dead": gate, "behind": lambda: made.append("behind")})
    gate.opened.set()
    del slow
    eventually(lambda: not _threads(), "the thread ends")

    assert isinstance(found["behind"], HungError)
    assert made == []


def test_many_that_hang_cost_one_deadline_together(gate: Gate) -> None:
    bounded: BoundedCalls[str, str] = BoundedCalls(NAME, handover=0.001, deadline=DEADLINE)
    calls = {f"dead{number}": partial(Gate.__call__, gate) for number in range(100)}
    before = time.monotonic()

    bounded.answers(calls)

    assert time.monotonic() - before < len(calls) * DEADLINE
    assert _round_with_well(bounded, gate)
