from __future__ import annotations

from enum import Enum

import pytest
from structlog.testing import capture_logs

from collectors.http_push.answer import Answer
from collectors.http_push.faults import RATE_SECONDS, Kinds, ReceiverFaults


class Fault(Enum):
    UNREACHABLE = "store-unreachable"
    REFUSES = "store-refuses"
    RATE_LIMITED = "store-rate-limited"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faults(clock: Clock) -> ReceiverFaults[Fault]:
    return ReceiverFaults(Kinds(*Fault), "the store", "samples", clock)


def standing(faults: ReceiverFaults[Fault]) -> list[Fault]:
    return [fault for fault in Fault if faults.standing(fault)]


def test_up_is_unknown_before_the_first_answer(faults: ReceiverFaults[Fault]) -> None:
    assert faults.is_up is None

    faults.judge(Answer(200), None)
    assert faults.is_up is True


@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.REFUSES])
def test_a_fault_stands_from_its_start_until_success(faults: ReceiverFaults[Fault], clock: Clock, fault: Fault) -> None:
    faults.judge(Answer(500, "first"), fault)
    clock.now += 10
    faults.judge(Answer(500, "second"), fault)
    trouble = faults.standing(fault)

    assert trouble is not None
    assert (trouble.since, trouble.last, trouble.answer.text) == (1000.0, 1010.0, "second")
    assert faults.is_up is False
    faults.judge(Answer(200), None)
    assert (standing(faults), faults.is_up) == ([], True)


def test_a_rate_limit_stands_for_a_while_though_other_requests_pass(
    faults: ReceiverFaults[Fault], clock: Clock
) -> None:
    faults.judge(Answer(429), Fault.RATE_LIMITED)
    faults.judge(Answer(200), None)

    assert (standing(faults), faults.is_up) == ([Fault.RATE_LIMITED], True)
    clock.now += RATE_SECONDS + 1
    assert standing(faults) == []


def test_a_long_wait_for_an_answer_is_an_unreachable_receiver(faults: ReceiverFaults[Fault], clock: Clock) -> None:
    faults.begin("first")
    clock.now += 5
    faults.begin("second")
    clock.now += 5
    trouble = faults.standing(Fault.UNREACHABLE)

    assert trouble is not None
    assert (trouble.since, trouble.answer.shown()) == (1000.0, "no answer yet after 10 s")
    assert faults.standing(Fault.REFUSES) is None
    faults.end("first")
    assert standing(faults) == []
    faults.end("third")  # unknown


def test_a_fault_is_logged_at_its_start_and_its_end(faults: ReceiverFaults[Fault], clock: Clock) -> None:
    with capture_logs() as lines:
        faults.judge(Answer(503), Fault.UNREACHABLE)
        faults.judge(Answer(503), Fault.UNREACHABLE)
        clock.now += 2
        faults.judge(Answer(200), None)

    assert [line["event"] for line in lines] == [
        "the store does not accept samples, which wait",
        "the store accepts samples again",
    ]
    assert (lines[0]["problem"], lines[1]["seconds"]) == ("store-unreachable", 2.0)
