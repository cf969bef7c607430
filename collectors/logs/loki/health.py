"""The health of Loki as the pushes show it: metric families, findings and log lines.

One writer, on the event loop; `families()` and the checks may be called from other threads.
"""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from collectors import remedies
from collectors.findings import Check, Finding, Severity
from collectors.http_push.answer import NOT_SENT, Answer
from collectors.http_push.faults import REQUEST_BOUNDS, Kinds, ReceiverFaults, Trouble
from collectors.http_push.receiver_clock import AGREE_NS, difference_shown
from collectors.logs.loki.answers import SUCCESS, Fault
from collectors.logs.loki.config import PUSH_PATH, LokiConfig
from collectors.metrics import Family, Histogram, LabelValues, counter, gauge, histogram

log = structlog.get_logger()

LOG_SECONDS = 60.0
"""Seconds between two log lines about refusals for the same reason."""

_NO_LOSS = "No line is lost: reading resumes where Loki has the files, once it accepts entries again."


class Health:
    """Counts requests and remembers faults.

    Args:
        config: The section `[loki]`.
        clock: A monotonic clock, seconds.
        clock_difference: Returns the nanoseconds that this machine's clock is ahead of Loki's.
    """

    def __init__(
        self,
        config: LokiConfig,
        clock: Callable[[], float] = time.monotonic,
        clock_difference: Callable[[], int] = lambda: 0,
    ) -> None:
        self._config = config
        self._clock = clock
        self._durations = Histogram(REQUEST_BOUNDS)
        self._failures: Counter[str] = Counter()
        self._faults = ReceiverFaults(Kinds(*Fault), "Loki", "entries", clock)
        self._quiet_until: dict[str, float] = {}
        self._clock_difference = clock_difference

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Note that a request waits for its answer."""
        request = object()
        self._faults.begin(request)
        try:
            yield
        finally:
            self._faults.end(request)

    def answered(self, answer: Answer, seconds: float) -> None:
        """Count one request with entries and its seconds."""
        self._durations.observe(seconds)
        if answer.code != SUCCESS:
            self._failures[answer.code_label] += 1

    def judged(self, answer: Answer, fault: Fault | None) -> None:
        """Note the fault that an answer shows, or that there is none."""
        self._faults.judge(answer, fault)

    def refused(self, reasons: Counter[str], answer: Answer) -> None:
        """Log refused entries, each reason once a minute."""
        now = self._clock()
        for reason, entries in reasons.items():
            if now >= self._quiet_until.get(reason, now):
                self._quiet_until[reason] = now + LOG_SECONDS
                log.warning("Loki refused entries", reason=reason, entries=entries, answer=answer.shown())

    def families(self) -> Iterator[Family]:
        """Return the families of the pushes."""
        help_ = "Seconds from a request to Loki to its answer or its timeout."
        yield histogram("wr_agent_loki_push_duration_seconds", help_, {(): self._durations.value()})
        help_ = "Failed requests to Loki by HTTP status, or `connection` or `credentials` without one."
        codes: dict[LabelValues, float] = {(code,): float(times) for code, times in dict(self._failures).items()}
        yield counter("wr_agent_loki_push_failures_total", help_, codes, ("code",))
        if self._faults.is_up is not None:
            help_ = "1 if Loki accepts entries, by its last answer."
            yield gauge("wr_agent_loki_up", help_, float(self._faults.is_up))

    def checks(self) -> Sequence[Check]:
        """Return the checks of Loki."""
        return (
            Check("logs.loki-reachable", "Loki answers", lambda: self._finding(Fault.UNREACHABLE)),
            Check("logs.loki-accepts", "Loki accepts log lines", lambda: self._finding(Fault.REFUSES)),
            Check("logs.loki-rate", "Loki does not limit the rate", lambda: self._finding(Fault.RATE_LIMITED)),
            Check("logs.loki-clock", "The clocks of Loki and of this machine agree", self._clock_finding),
        )

    def _clock_finding(self) -> list[Finding]:
        difference = self._clock_difference()
        if abs(difference) < AGREE_NS:
            return []
        return [
            Finding(
                code="loki-clock",
                title="The clock of this machine differs from Loki's",
                severity=Severity.WARNING,
                detail=difference_shown(difference, self._config.url),
                affects="Lines appear at a wrong time. Loki refuses some of them; those get Loki's time, and"
                " original_time in their structured metadata.",
                remedy=(
                    "synchronise the clock by NTP, here and where Loki runs",
                    *remedies.command("timedatectl", "shows the state here"),
                ),
            )
        ]

    def _finding(self, fault: Fault) -> list[Finding]:
        trouble = self._faults.standing(fault)
        if trouble is None:
            return []
        return [_FINDINGS[fault](self._config, trouble, self._clock() - trouble.since)]


def _unreachable(config: LokiConfig, trouble: Trouble, seconds: float) -> Finding:
    return Finding(
        code=Fault.UNREACHABLE.value,
        title="Loki does not answer",
        severity=Severity.FAILURE,
        detail=f"Expected an answer from {config.url}. Found for {seconds:.0f} s: {trouble.answer.shown()}.",
        affects=f"New log lines do not arrive. {_NO_LOSS}",
        remedy=(
            *remedies.command(f"curl -sS {shlex.quote(config.url + '/ready')}", "prints ready, or the reason"),
            remedies.in_section("[loki]", "correct url, ca_file and proxy"),
        ),
    )


def _refuses(config: LokiConfig, trouble: Trouble, seconds: float) -> Finding:
    return Finding(
        code=Fault.REFUSES.value,
        title="Loki refuses log lines",
        severity=Severity.FAILURE,
        detail=(
            f"Expected HTTP 204 from {config.url}{PUSH_PATH}. Found for {seconds:.0f} s: {trouble.answer.shown()}."
        ),
        affects=f"New log lines do not arrive. {_NO_LOSS}",
        remedy=_REFUSAL_REMEDIES.get(trouble.answer.code, _OTHER_REMEDY),
    )


_OTHER_REMEDY = (
    f"check the answering server named above; correct the section [loki] of {remedies.CONFIGURATION}, or the proxy",
)
_REFUSAL_REMEDIES = {
    NOT_SENT: (remedies.in_section("[loki]", "correct the file named above, or its key"),),
    401: (remedies.in_section("[loki]", "correct token_file, or username and password_file, or tenant,"),),
    403: (remedies.in_section("[loki]", "let this token, user or tenant write to Loki, or set another one"),),
    404: (remedies.in_section("[loki]", f"set url to Loki's base URL, without {PUSH_PATH},"),),
}


def _rate_limited(_: LokiConfig, trouble: Trouble, seconds: float) -> Finding:
    return Finding(
        code=Fault.RATE_LIMITED.value,
        title="Loki limits the rate of log lines",
        severity=Severity.WARNING,
        detail=f"Found for {seconds:.0f} s on some requests: {trouble.answer.shown()}.",
        affects=f"Log lines arrive late. {_NO_LOSS}",
        remedy=(
            "raise ingestion_rate_mb, per_stream_rate_limit or max_global_streams_per_user in Loki's limits_config",
            "or send less with the stages drop and sample in the busiest source",
        ),
        depends_on=(Fault.UNREACHABLE.value, Fault.REFUSES.value),
    )


_FINDINGS = {
    Fault.UNREACHABLE: _unreachable,
    Fault.REFUSES: _refuses,
    Fault.RATE_LIMITED: _rate_limited,
}
