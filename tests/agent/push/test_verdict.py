import pytest

from agent.push.verdict import Action, Fault, judge
from collectors.http_push.answer import NO_ANSWER, NOT_SENT, Answer

PAGE = "<html><head><title>nginx</title></head></html>"


@pytest.mark.parametrize(
    ("answer", "action", "fault", "reason"),
    [
        (Answer(204), Action.DONE, None, ""),
        (Answer(200, "ok"), Action.DONE, None, ""),
        (Answer(200, PAGE), Action.WAIT, Fault.REFUSES, ""),
        (Answer(400, "out of order sample"), Action.SINGLE_OUT, None, "out_of_order"),
        (Answer(400, "out of bounds"), Action.SINGLE_OUT, None, "out_of_bounds"),
        (Answer(400, "too old sample"), Action.SINGLE_OUT, None, "too_old"),
        (Answer(400, "duplicate sample for timestamp"), Action.SINGLE_OUT, None, "duplicate"),
        (Answer(409, "store locally for endpoint: conflict: out of order"), Action.SINGLE_OUT, None, "out_of_order"),
        (Answer(422, "err-mimir-too-far-in-future"), Action.SINGLE_OUT, None, "too_new"),
        (Answer(400, "label too long"), Action.SINGLE_OUT, None, ""),
        (Answer(400, PAGE), Action.WAIT, Fault.REFUSES, ""),
        (Answer(413, PAGE), Action.SPLIT, None, ""),
        (Answer(429), Action.WAIT, Fault.RATE_LIMITED, ""),
        (Answer(500, 'label name "x" is not unique'), Action.RETRY, Fault.UNREACHABLE, ""),
        (Answer(503, PAGE), Action.RETRY, Fault.UNREACHABLE, ""),
        (Answer(NO_ANSWER, "refused"), Action.WAIT, Fault.UNREACHABLE, ""),
        (Answer(NOT_SENT, "no file"), Action.WAIT, Fault.REFUSES, ""),
        (Answer(401), Action.WAIT, Fault.REFUSES, ""),
        (Answer(404), Action.WAIT, Fault.REFUSES, ""),
        (Answer(301), Action.WAIT, Fault.REFUSES, ""),
    ],
)
def test_answers(answer: Answer, action: Action, fault: Fault | None, reason: str) -> None:
    verdict = judge(answer)

    assert (verdict.action, verdict.fault, verdict.reason) == (action, fault, reason)
