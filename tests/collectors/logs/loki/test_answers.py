from collections import Counter
from datetime import UTC, datetime

import pytest

from collectors.http_push.answer import NO_ANSWER, NOT_SENT, Answer
from collectors.logs.loki.answers import (
    Action,
    Fault,
    judge,
    judge_empty,
    longest_line,
    oldest_acceptable,
    refusals,
)

BEHIND = (
    "entry with timestamp 2026-10-07 01:35:32.405 +0000 UTC ignored, "
    "reason: 'entry too far behind, entry timestamp is: "
    "2026-10-07T01:35:32Z, oldest acceptable timestamp is: 2026-10-07T03:23:59Z',\n"
    "user 'fake', total ignored: 2 out of 9 for stream: {job=\"x\"}"
)


@pytest.mark.parametrize(
    ("code", "action", "fault"),
    [
        (204, Action.DONE, None),
        (200, Action.WAIT, Fault.REFUSES),
        (260, Action.WAIT, Fault.REFUSES),  # ingestion is blocked: nothing was stored
        (302, Action.WAIT, Fault.REFUSES),
        (401, Action.WAIT, Fault.REFUSES),
        (403, Action.WAIT, Fault.REFUSES),
        (404, Action.WAIT, Fault.REFUSES),
        (413, Action.SPLIT, None),
        (422, Action.SINGLE_OUT, Fault.REFUSES),
        (429, Action.WAIT, Fault.RATE_LIMITED),
        (500, Action.WAIT, Fault.UNREACHABLE),
        (503, Action.WAIT, Fault.UNREACHABLE),
        (NO_ANSWER, Action.WAIT, Fault.UNREACHABLE),
        (NOT_SENT, Action.WAIT, Fault.REFUSES),
    ],
)
def test_the_code_decides(code: int, action: Action, fault: Fault | None) -> None:
    verdict = judge(Answer(code, "said"), 5)

    assert (verdict.action, verdict.fault, verdict.refused) == (action, fault, Counter())


def test_a_message_over_the_limit_is_split_and_not_waited_for() -> None:
    answer = Answer(500, "rpc error: desc = grpc: received message larger than max (6331143 vs. 4194304)")

    assert judge(answer, 5).action is Action.SPLIT


def test_the_empty_push_tells_whether_loki_would_take_entries() -> None:
    assert judge_empty(Answer(422, "error at least one valid stream is required for ingestion")) is None
    assert judge_empty(Answer(400, "plain HTTP request was sent to HTTPS port")) is Fault.REFUSES
    assert judge_empty(Answer(204)) is Fault.REFUSES
    assert judge_empty(Answer(422, "<html>422</html>")) is Fault.REFUSES
    assert judge_empty(Answer(422, '{"error": "unprocessable entity"}')) is Fault.REFUSES
    assert judge_empty(Answer(422)) is Fault.REFUSES
    assert judge_empty(Answer(401, "no org id")) is Fault.REFUSES
    assert judge_empty(Answer(503, "")) is Fault.UNREACHABLE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BEHIND, {"too_far_behind": 2, "invalid": 1}),
        (BEHIND.replace("out of 9", "out of 10"), {"too_far_behind": 2}),
        (
            "3 errors like: entry for stream '{a=\"b\"}' has timestamp too old: 2026-10-07T01:35:32Z, oldest",
            {"too_old": 3},
        ),
        (
            "2 errors like: entry for stream '{a=\"b\"}' has timestamp too new: 2026; 4 errors like: Max entry size",
            {"too_new": 2, "line_too_long": 4},
        ),
        ("max entry size '262144' bytes exceeded for stream '{}' while adding an entry", {}),
        (
            "1 errors like: stream '{a=\"b\"}' has structured metadata too large: '70000' bytes",
            {"structured_metadata": 1},
        ),
        ("<html>400 Bad Request</html>", {}),
        ("", {}),
    ],
)
def test_a_400_counts_what_it_refused(text: str, expected: dict[str, int]) -> None:
    assert refusals(text, 10) == Counter(expected)


@pytest.mark.parametrize("reason", ["has timestamp too new: 2026", "Max entry size '9' bytes exceeded", "out of order"])
def test_a_400_without_a_number_is_understood_for_one_entry_alone(reason: str) -> None:
    several, one = (judge(Answer(400, f"entry for stream '{{}}' {reason}"), entries) for entries in (10, 1))

    assert (several.action, several.fault) == (Action.SINGLE_OUT, None)
    assert (one.action, one.refused.total()) == (Action.DONE, 1)


def test_a_400_without_a_known_reason_refuses_nothing_yet() -> None:
    verdict = judge(Answer(400, "this entry is not to my taste"), 10)

    assert (verdict.action, verdict.fault) == (Action.SINGLE_OUT, Fault.REFUSES)


@pytest.mark.parametrize("code", [200, 204 + 1, 400, 413 + 1, 422, 500])
def test_a_page_of_a_proxy_waits_whatever_its_code(code: int) -> None:
    verdict = judge(Answer(code, "<!doctype html><title>Sign in</title> message larger than max"), 10)

    assert verdict.action is Action.WAIT
    assert verdict.fault is not None


@pytest.mark.parametrize(
    "text",
    [
        "1 errors like: entry for stream '{…}' has 16 label names; limit 15",
        "1 errors like: stream '{…}' has label value too long: 'x'",
        "Error parsing labels '{a-b=\"c\"}' with error: 1:3: parse error: unexpected character",
    ],
)
def test_labels_that_loki_refuses_wait_as_settings_are_at_fault(text: str) -> None:
    verdict = judge(Answer(400, text), 10)

    assert (verdict.action, verdict.fault) == (Action.WAIT, Fault.REFUSES)


def test_a_refusal_tells_the_limits() -> None:
    oldest = int(datetime(2026, 10, 7, 3, 23, 59, tzinfo=UTC).timestamp()) * 10**9

    assert oldest_acceptable(BEHIND) == oldest
    assert oldest_acceptable("no limit is said") == 0


@pytest.mark.parametrize(
    "said", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00", "9999-99-99T99:99:99Z", "0001-01-01T00:00:00+23:59"]
)
def test_an_impossible_limit_is_none(said: str) -> None:
    assert oldest_acceptable(f"has timestamp too old, oldest acceptable timestamp is: {said}") == 0
    assert longest_line("Max entry size '16384' bytes exceeded for stream") == 16384
    assert longest_line("too long") == 0
