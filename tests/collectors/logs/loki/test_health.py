from collections import Counter
from dataclasses import dataclass

from structlog.testing import capture_logs

from collectors.http_push.answer import NO_ANSWER, NOT_SENT, Answer
from collectors.http_push.faults import RATE_SECONDS
from collectors.logs.loki.answers import Fault
from collectors.logs.loki.config import LokiConfig, LokiUrl
from collectors.logs.loki.health import LOG_SECONDS, Health


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def health(clock: Clock) -> Health:
    return Health(LokiConfig(url=LokiUrl("http://loki:3100")), clock)


def codes(seen: Health) -> list[str]:
    return [finding.code for check in seen.checks() for finding in check.run()]


def test_a_refusal_is_logged_once_a_while_for_each_reason() -> None:
    clock = Clock()
    seen = health(clock)

    with capture_logs() as logs:
        for reason in ("too_old", "too_old", "too_new"):
            seen.refused(Counter({reason: 2}), Answer(400, "said"))
        clock.now += LOG_SECONDS
        seen.refused(Counter(too_old=5), Answer(400, "said"))

    assert [(it["reason"], it["entries"]) for it in logs] == [("too_old", 2), ("too_new", 2), ("too_old", 5)]


def test_a_fault_is_logged_when_it_begins_and_ends() -> None:
    clock = Clock()
    seen = health(clock)

    with capture_logs() as logs:
        for _ in range(3):
            seen.judged(Answer(NO_ANSWER, "Connection refused"), Fault.UNREACHABLE)
        clock.now += 12
        seen.judged(Answer(204), None)
        seen.judged(Answer(204), None)

    assert [(it["log_level"], it.get("problem"), it.get("seconds")) for it in logs] == [
        ("warning", "loki-unreachable", None),
        ("info", None, 12.0),
    ]


def test_a_finding_says_what_was_expected_found_and_for_how_long() -> None:
    clock = Clock()
    seen = health(clock)
    seen.judged(Answer(404, "404 page not found"), Fault.REFUSES)
    clock.now += 30

    (finding,) = [it for check in seen.checks() for it in check.run()]

    assert finding.code == "loki-refuses"
    assert finding.detail == (
        "Expected HTTP 204 from http://loki:3100/loki/api/v1/push. Found for 30 s: HTTP 404 404 page not found."
    )
    assert "base URL" in finding.remedy[0]


def test_a_long_answer_is_cut() -> None:
    seen = health(Clock())
    seen.judged(Answer(400, "<html>\n" + "x" * 100_000), Fault.REFUSES)

    (finding,) = [it for check in seen.checks() for it in check.run()]

    assert len(finding.detail) < 500


def test_a_rate_limit_outlasts_a_success_for_a_while() -> None:
    clock = Clock()
    seen = health(clock)
    seen.judged(Answer(429, "limit"), Fault.RATE_LIMITED)
    seen.judged(Answer(204), None)
    assert codes(seen) == ["loki-rate-limited"]

    clock.now += RATE_SECONDS + 1
    assert codes(seen) == []


def test_failures_are_counted_by_what_came_back() -> None:
    seen = health(Clock())
    for code in (204, 400, 503, 503, NO_ANSWER, NOT_SENT):
        seen.answered(Answer(code), 0.1)

    samples = {family.name: family.samples for family in seen.families()}

    expected = {("400",): 1.0, ("503",): 2.0, ("connection",): 1.0, ("credentials",): 1.0}
    assert samples["wr_agent_loki_push_failures_total"] == expected
