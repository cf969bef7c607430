"""How Loki fares, as seen by pushing to it: what is exported and what is said to a person.

One writer, on the event loop; `families()` and the checks may be called from other threads.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import structlog

from collectors.findings import Check, Finding, Severity
from collectors.logs.loki.answers import NO_ANSWER, NOT_SENT, Answer, Fault
from collectors.logs.loki.config import PUSH_PATH, LokiConfig
from collectors.metrics import Family, Histogram, LabelValues, counter, gauge, histogram

log = structlog.get_logger()

REMEMBER = 60.0
"""Seconds that a rate limit stands after it was last met: other streams may pass meanwhile. Also the pause between two
log lines about entries refused for the same reason."""

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_TAKEN_WHOLE = {200, 204}
_CODES = {NO_ANSWER: "connection", NOT_SENT: "credentials"}
_SHOWN = 300
_NO_LOSS = "No line is lost: files are read on from where Loki has them, once it takes them again."


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault that was seen.

    Attributes:
        answer: What was seen last.
        since: When it began, monotonic seconds.
        last: When it was last seen, monotonic seconds.
    """

    answer: Answer
    since: float
    last: float


class Health:
    """Counts requests and remembers faults."""

    def __init__(self, config: LokiConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._durations = Histogram(_BOUNDS)
        self._failures: Counter[str] = Counter()
        self._troubles: dict[Fault, Trouble] = {}
        self._asked = False
        self._quiet_until: dict[str, float] = {}

    def answered(self, answer: Answer, seconds: float) -> None:
        """Count one request with entries, which took so many seconds."""
        self._durations.observe(seconds)
        if answer.code not in _TAKEN_WHOLE:
            self._failures[_CODES.get(answer.code, str(answer.code))] += 1

    def judged(self, answer: Answer, fault: Fault | None) -> None:
        """Take note of what is wrong with Loki by an answer, or that nothing is."""
        self._asked = True
        if fault is None:
            self._well()
        else:
            self._faulty(fault, answer)

    def refused(self, reasons: Counter[str], answer: Answer) -> None:
        """Log that entries were refused for good, each reason once a while."""
        now = self._clock()
        for reason, entries in reasons.items():
            if now >= self._quiet_until.get(reason, now):
                self._quiet_until[reason] = now + REMEMBER
                log.warning("Loki refused entries", reason=reason, entries=entries, answer=_shown(answer))

    def families(self) -> Iterator[Family]:
        """What is exported of it."""
        help_ = "Time from sending a request to Loki to its answer, or to giving it up."
        yield histogram("wr_agent_loki_push_duration_seconds", help_, {(): self._durations.value()})
        help_ = "Requests that Loki did not take whole, by HTTP status, or `connection` or `credentials` without one."
        codes: dict[LabelValues, float] = {(code,): float(times) for code, times in dict(self._failures).items()}
        yield counter("wr_agent_loki_push_failures_total", help_, codes, ("code",))
        if self._asked:
            down = self._troubles.keys() & {Fault.UNREACHABLE, Fault.REFUSES}
            help_ = "Whether Loki takes entries: 1 if it answered the last request as it should."
            yield gauge("wr_agent_loki_up", help_, float(not down))

    def checks(self) -> Sequence[Check]:
        """The questions that can be asked of it."""
        return (
            Check("logs.loki-reachable", "Loki answers", lambda: self._finding(Fault.UNREACHABLE)),
            Check("logs.loki-accepts", "Loki takes what is sent", lambda: self._finding(Fault.REFUSES)),
            Check("logs.loki-rate", "Loki takes as much as is sent", lambda: self._finding(Fault.RATE_LIMITED)),
        )

    def _well(self) -> None:
        for fault in (Fault.UNREACHABLE, Fault.REFUSES):
            trouble = self._troubles.pop(fault, None)
            if trouble:
                log.info("Loki takes entries again", was=fault.value, seconds=round(self._clock() - trouble.since, 1))

    def _faulty(self, fault: Fault, answer: Answer) -> None:
        now = self._clock()
        known = self._standing(fault)
        self._troubles[fault] = replace(known, answer=answer, last=now) if known else Trouble(answer, now, now)
        if not known:
            log.warning("Loki does not take entries, which wait", problem=fault.value, answer=_shown(answer))

    def _standing(self, fault: Fault) -> Trouble | None:
        trouble = self._troubles.get(fault)
        if trouble and fault is Fault.RATE_LIMITED and self._clock() - trouble.last > REMEMBER:
            return None
        return trouble

    def _finding(self, fault: Fault) -> list[Finding]:
        trouble = self._standing(fault)
        if trouble is None:
            return []
        return [_FINDINGS[fault](self._config, trouble, self._clock() - trouble.since)]


def _shown(answer: Answer) -> str:
    text = " ".join(answer.text.split())
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return text if answer.code in _CODES else f"HTTP {answer.code} {text}".strip()


def _unreachable(config: LokiConfig, trouble: Trouble, seconds: float) -> Finding:
    return Finding(
        code=Fault.UNREACHABLE.value,
        title="Loki does not answer",
        severity=Severity.FAILURE,
        detail=f"Expected an answer from {config.url}, found for {seconds:.0f} s: {_shown(trouble.answer)}.",
        affects=f"New log lines do not arrive. {_NO_LOSS}",
        remedy=(
            f"curl -sS {config.url}/ready  # says ready, or why not",
            "correct url (and ca_file) in the section [loki], if Loki is elsewhere",
        ),
    )


def _refuses(config: LokiConfig, trouble: Trouble, seconds: float) -> Finding:
    return Finding(
        code=Fault.REFUSES.value,
        title="Loki refuses what is sent",
        severity=Severity.FAILURE,
        detail=(
            f"Expected {config.url}{PUSH_PATH} to take entries, found for {seconds:.0f} s: {_shown(trouble.answer)}."
        ),
        affects=f"New log lines do not arrive. {_NO_LOSS}",
        remedy=_REFUSAL_REMEDIES.get(trouble.answer.code, _OTHER_REMEDY),
    )


_OTHER_REMEDY = ("see what answered, in the detail; correct the section [loki] or the proxy before Loki",)
_REFUSAL_REMEDIES = {
    NOT_SENT: ("correct the file that the detail names, or the key of the section [loki] that names the file",),
    401: ("correct token_file, or username and password_file, or tenant, in the section [loki]",),
    403: ("give this token, user or tenant the right to write, or use another one in the section [loki]",),
    404: (f"correct url in the section [loki]: Loki's base address, below which {PUSH_PATH} is",),
}


def _rate_limited(_: LokiConfig, trouble: Trouble, seconds: float) -> Finding:
    return Finding(
        code=Fault.RATE_LIMITED.value,
        title="Loki limits the rate of log lines",
        severity=Severity.WARNING,
        detail=f"For {seconds:.0f} s Loki has answered some requests with: {_shown(trouble.answer)}.",
        affects=f"Log lines arrive late. {_NO_LOSS}",
        remedy=(
            "raise ingestion_rate_mb, per_stream_rate_limit or max_global_streams_per_user in Loki's limits_config",
            "or send less: the stages drop and sample in the section of the busiest source",
        ),
        depends_on=(Fault.UNREACHABLE.value, Fault.REFUSES.value),
    )


_FINDINGS = {
    Fault.UNREACHABLE: _unreachable,
    Fault.REFUSES: _refuses,
    Fault.RATE_LIMITED: _rate_limited,
}
