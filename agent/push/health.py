"""The health of the push: metric families, findings and log lines.

One writer, on the event loop, but `dropped` also from the queue's thread. `families()` and the checks may be called
from other threads.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog

from agent.config.remote_write import RemoteWriteConfig
from agent.live.push import PushView
from agent.push.verdict import Fault
from collectors import remedies
from collectors.findings import Check, Finding, Severity
from collectors.http_push.answer import NO_ANSWER, NOT_SENT, Answer
from collectors.http_push.faults import REQUEST_BOUNDS, Kinds, ReceiverFaults, Trouble
from collectors.http_push.receiver_clock import AGREE_NS, difference_shown
from collectors.metrics import Family, Histogram, LabelValues, counter, gauge, histogram

log = structlog.get_logger()

_SECTION = f"the section [remote_write] of {remedies.CONFIGURATION}"

REMEMBER = 600.0
"""Seconds for which a dropped or refused sample is a finding."""

BEHIND = 600.0
"""Seconds of unsent snapshots from which the push is behind."""

_MOST_SERIES = 1000
_SHOWN_SERIES = 3
_NO_LOSS = "Snapshots wait on the disk, within max_size and max_age of the section [remote_write]."


@dataclass(frozen=True, slots=True)
class QueueState:
    """The queue at one instant.

    Attributes:
        size: The bytes of snapshots that are not acknowledged.
        oldest: The time of the oldest of them, Unix milliseconds; 0 for none.
        newest: The time of the newest snapshot, Unix milliseconds; 0 for none.
        problem: The reason why the disk takes no snapshot; empty if it does.
    """

    size: int = 0
    oldest: int = 0
    newest: int = 0
    problem: str = ""


class Health:
    """Counts samples and requests, and remembers faults.

    Args:
        config: The section `[remote_write]`.
        queue: Returns the state of the queue.
        clock: A monotonic clock, seconds.
        clock_difference: Returns the nanoseconds that this machine's clock is ahead of the receiver's.
    """

    def __init__(
        self,
        config: RemoteWriteConfig,
        queue: Callable[[], QueueState],
        clock: Callable[[], float] = time.monotonic,
        clock_difference: Callable[[], int] = lambda: 0,
    ) -> None:
        self._config = config
        self._queue = queue
        self._clock = clock
        self._clock_difference = clock_difference
        self._sent = self._retried = self._bytes = 0
        self._taken = 0
        self._failed: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._durations = Histogram(REQUEST_BOUNDS)
        self._faults = ReceiverFaults(Kinds(*Fault), "the receiver", "metrics", clock)
        self._drop_noted = -REMEMBER
        self._refused: dict[bytes, str] = {}
        self._refusal = (-REMEMBER, "", Answer(NO_ANSWER))
        self.acknowledged = 0
        """The time of the newest acknowledged snapshot, Unix milliseconds; 0 for none."""

    def taken(self, samples: int) -> None:
        """Count the samples of a snapshot that is in the queue."""
        self._taken += samples

    def posting(self) -> None:
        """Note that a request waits for its answer."""
        self._faults.begin(self)

    def posted(self, answer: Answer, seconds: float, size: int) -> None:
        """Count one request, its seconds and its bytes."""
        self._faults.end(self)
        self._durations.observe(seconds)
        self._bytes += size
        if not 200 <= answer.code < 300:  # noqa: PLR2004 - success in HTTP
            self._failures[answer.code_label] += 1

    def sent(self, samples: int) -> None:
        """Count samples that the receiver has."""
        self._sent += samples

    def retried(self, samples: int) -> None:
        """Count samples of a request that is to be sent again."""
        self._retried += samples

    def delivered(self, newest: int) -> None:
        """Note the time of the newest snapshot of a delivered request."""
        self.acknowledged = max(self.acknowledged, newest)

    def dropped(self, reason: str, samples: int) -> None:
        """Count samples that the bounds of the queue cost. May be called from another thread."""
        if self._clock() - self._drop_noted >= REMEMBER:
            log.warning("unsent metrics are dropped", reason=reason, samples=samples)
        self._drop_noted = self._clock()
        self._dropped[reason] += samples

    def refused(self, series: str, labels: bytes, reason: str, samples: int, answer: Answer) -> None:
        """Count samples that the receiver refuses for good; log each series once."""
        self._failed[reason or "refused"] += samples
        self._refusal = (self._clock(), series, answer)
        if labels not in self._refused and len(self._refused) < _MOST_SERIES:
            self._refused[labels] = series
            log.warning("the receiver refused a sample, which is dropped", series=series, answer=answer.shown())

    def judged(self, answer: Answer, fault: Fault | None) -> None:
        """Note the fault that an answer shows, or that there is none."""
        self._faults.judge(answer, fault)

    @property
    def fault(self) -> str:
        """The reason why nothing is sent now, in one line; empty if there is none."""
        return next((trouble.answer.shown() for fault in Fault if (trouble := self._faults.standing(fault))), "")

    @property
    def queue_seconds(self) -> float:
        """The seconds between the oldest unsent snapshot and the newest one."""
        queue = self._queue()
        return max(queue.newest - queue.oldest, 0) / 1000 if queue.oldest else 0.0

    @property
    def lag_seconds(self) -> float:
        """The age of the newest acknowledged snapshot against the newest one; 0 if it is that."""
        queue = self._queue()
        if not queue.oldest:
            return 0.0
        known = self.acknowledged or queue.oldest
        return max(queue.newest - known, 0) / 1000

    def view(self) -> PushView:
        """Return the push at this instant."""
        return PushView(
            url=str(self._config.url),
            problem=self.fault,
            sent=self._sent,
            refused=sum(dict(self._failed).values()),
            dropped=sum(dict(self._dropped).values()),
            queue_bytes=self._queue().size,
            queue_seconds=self.queue_seconds,
            lag_seconds=self.lag_seconds,
        )

    def families(self) -> Iterator[Family]:
        """Return the families of the push."""
        queue = self._queue()
        name = "wr_agent_remote_write_"
        yield counter(f"{name}samples_total", "Samples of snapshots that were added to the queue.", self._taken)
        yield counter(f"{name}samples_sent_total", "Samples that the receiver acknowledged.", self._sent)
        help_ = "Samples that the receiver refused for good, by reason; they are not sent again."
        yield counter(f"{name}samples_failed_total", help_, _by(self._failed), ("reason",))
        help_ = "Samples of requests that failed and were sent again."
        yield counter(f"{name}samples_retried_total", help_, self._retried)
        help_ = "Samples that the bounds of the queue cost, by reason: size, age, disk or corrupt."
        yield counter(f"{name}samples_dropped_total", help_, _by(self._dropped), ("reason",))
        yield counter(f"{name}bytes_total", "Bytes of the bodies of requests.", self._bytes)
        help_ = "Seconds from a request to its answer or its timeout."
        yield histogram(f"{name}request_duration_seconds", help_, {(): self._durations.value()})
        help_ = "Failed requests by HTTP status, or `connection` or `credentials` without one."
        yield counter(f"{name}request_failures_total", help_, _by(self._failures), ("code",))
        yield gauge(f"{name}queue_bytes", "Bytes on disk of snapshots that are not acknowledged.", queue.size)
        help_ = "Seconds from the oldest snapshot that is not acknowledged to the newest one."
        yield gauge(f"{name}queue_seconds", help_, self.queue_seconds)
        help_ = "Seconds from the newest acknowledged snapshot to the newest one."
        yield gauge(f"{name}lag_seconds", help_, self.lag_seconds)
        help_ = "Seconds that this machine's clock is ahead of the receiver's, by the dates of its answers."
        yield gauge(f"{name}clock_difference_seconds", help_, round(self._clock_difference() / 1e9, 3))
        if self._faults.is_up is not None:
            help_ = "1 if the receiver takes samples, by its last answer."
            yield gauge(f"{name}up", help_, float(self._faults.is_up))

    def checks(self) -> Sequence[Check]:
        """Return the checks of the push."""
        return (
            Check("remote_write.receiver", "The receiver of metrics answers", lambda: self._of(Fault.UNREACHABLE)),
            Check("remote_write.accepts", "The receiver accepts metrics", lambda: self._of(Fault.REFUSES)),
            Check("remote_write.rate", "The receiver does not limit the rate", lambda: self._of(Fault.RATE_LIMITED)),
            Check("remote_write.queue", "Metrics are sent in time", self._check_queue),
            Check("remote_write.disk", "The disk takes metrics that wait", self._check_disk),
            Check("remote_write.series", "The receiver takes each series", self._check_series),
            Check("remote_write.clock", "The clocks of the receiver and of this machine agree", self._check_clock),
        )

    def _of(self, fault: Fault) -> list[Finding]:
        trouble = self._faults.standing(fault)
        if trouble is None:
            return []
        return [_FINDINGS[fault](self._config, trouble, self._clock() - trouble.since)]

    def _check_queue(self) -> list[Finding]:
        found = []
        if self.queue_seconds >= BEHIND:
            found.append(_behind(self.queue_seconds, self._queue().size))
        if self._clock() - self._drop_noted < REMEMBER:
            found.append(_dropped(self._dropped, self._config))
        return found

    def _check_disk(self) -> list[Finding]:
        problem = self._queue().problem
        return [_disk(problem)] if problem else []

    def _check_series(self) -> list[Finding]:
        at, series, answer = self._refusal
        if self._clock() - at >= REMEMBER:
            return []
        return [_refused(self._failed, list(self._refused.values()) or [series], answer)]

    def _check_clock(self) -> list[Finding]:
        difference = self._clock_difference()
        return [_clock(self._config, difference)] if abs(difference) >= AGREE_NS else []


def _by(counts: Counter[str]) -> dict[LabelValues, float]:
    return {(name,): float(count) for name, count in dict(counts).items()}


def _unreachable(config: RemoteWriteConfig, trouble: Trouble, seconds: float) -> Finding:
    return Finding(
        code=Fault.UNREACHABLE.value,
        title="The receiver of metrics does not answer",
        severity=Severity.FAILURE,
        detail=f"Expected an answer from {config.url}. Found for {seconds:.0f} s: {trouble.answer.shown()}.",
        affects=f"New metrics do not arrive. {_NO_LOSS}",
        remedy=(
            *remedies.command(
                f"curl -sS -o /dev/null -w '%{{http_code}}\\n' -X POST {config.url}", "any status means that it answers"
            ),
            remedies.in_section("[remote_write]", "correct url, ca_file and proxy"),
        ),
    )


def _refuses(config: RemoteWriteConfig, trouble: Trouble, seconds: float) -> Finding:
    return Finding(
        code=Fault.REFUSES.value,
        title="The receiver refuses metrics",
        severity=Severity.FAILURE,
        detail=f"Expected HTTP 204 from {config.url}. Found for {seconds:.0f} s: {trouble.answer.shown()}.",
        affects=f"New metrics do not arrive. {_NO_LOSS}",
        remedy=_REFUSAL_REMEDIES.get(trouble.answer.code, _OTHER_REMEDY),
    )


_OTHER_REMEDY = (f"check the answering server named above; correct {_SECTION} or the proxy before it",)
_REFUSAL_REMEDIES = {
    NOT_SENT: (f"correct the file named above, or its key in {_SECTION}",),
    401: (f"correct token_file, or username and password_file, or tenant, in {_SECTION}",),
    403: ("give this token, user or tenant permission to write, or configure another one in [remote_write]",),
    404: (
        "start Prometheus with --web.enable-remote-write-receiver",
        f"or correct url in {_SECTION}; Prometheus's ends in /api/v1/write",
    ),
}


def _rate_limited(_: RemoteWriteConfig, trouble: Trouble, seconds: float) -> Finding:
    return Finding(
        code=Fault.RATE_LIMITED.value,
        title="The receiver limits the rate of metrics",
        severity=Severity.WARNING,
        detail=f"Found for {seconds:.0f} s on some requests: {trouble.answer.shown()}.",
        affects=f"Metrics arrive late. {_NO_LOSS}",
        remedy=(
            "raise the receiver's limit of samples per second for this tenant",
            f"or send less with drop, or a longer interval, in {_SECTION}",
        ),
        depends_on=(Fault.UNREACHABLE.value, Fault.REFUSES.value),
    )


def _behind(seconds: float, size: int) -> Finding:
    return Finding(
        code="remote-write-behind",
        title="Metrics wait to be sent",
        severity=Severity.WARNING,
        detail=f"Expected the oldest unsent snapshot to be younger than {BEHIND:.0f} s. Found {seconds:.0f} s"
        f" of snapshots in {size / 2**20:.1f} MiB.",
        affects="The receiver lacks this part of the past until it has arrived.",
        remedy=("wait; wr-agent status shows the rest", f"or raise rate in {_SECTION}"),
        depends_on=(Fault.UNREACHABLE.value, Fault.REFUSES.value, Fault.RATE_LIMITED.value),
    )


def _dropped(counts: Counter[str], config: RemoteWriteConfig) -> Finding:
    reasons = ", ".join(f"{count} by {reason}" for reason, count in sorted(dict(counts).items()))
    return Finding(
        code="remote-write-dropped",
        title="Unsent metrics were dropped",
        severity=Severity.FAILURE,
        detail=f"Expected all snapshots to stay within max_size {config.max_size / 2**20:.0f} MiB, max_age"
        f" {config.max_age / 3600:.1f} h and the free disk. Dropped samples: {reasons}.",
        affects="The receiver never gets these samples; dashboards show a hole there.",
        remedy=(
            "fix what keeps the agent from sending; see the other findings",
            f"or raise max_size and max_age in {_SECTION}",
        ),
    )


def _disk(problem: str) -> Finding:
    return Finding(
        code="remote-write-disk",
        title="The disk does not take unsent metrics",
        severity=Severity.FAILURE,
        detail=f"Expected the queue of metrics to be writable. Found: {problem}.",
        affects="Snapshots wait in memory, at most 4 MiB of them. The end of the agent loses those that are not sent.",
        remedy=("df -h", "free space in the state directory's file system, or set another state_dir"),
    )


def _refused(counts: Counter[str], series: Sequence[str], answer: Answer) -> Finding:
    shown = ", ".join(series[:_SHOWN_SERIES])
    more = f" and {len(series) - _SHOWN_SERIES} more" if len(series) > _SHOWN_SERIES else ""
    reasons = ", ".join(f"{count} by {reason}" for reason, count in sorted(dict(counts).items()))
    return Finding(
        code="remote-write-series-refused",
        title="The receiver refuses some samples for good",
        severity=Severity.WARNING,
        detail=f"Expected each sample to be stored. Refused samples: {reasons}. Series: {shown}{more}."
        f" Last answer: {answer.shown()}.",
        affects="These samples are missing at the receiver; all others are stored.",
        remedy=(
            "set storage.tsdb.out_of_order_time_window in Prometheus if the answer names a time or an order",
            f"or leave the family out with drop in {_SECTION}",
        ),
    )


def _clock(config: RemoteWriteConfig, difference: int) -> Finding:
    return Finding(
        code="remote-write-clock",
        title="The clock of this machine differs from the receiver's",
        severity=Severity.WARNING,
        detail=difference_shown(difference, config.url),
        affects="Metrics appear at a wrong time, and alerts on them come late or not at all.",
        remedy=(
            "synchronise the clock by NTP, here and at the receiver",
            *remedies.command("timedatectl", "shows the state here"),
        ),
    )


_FINDINGS = {
    Fault.UNREACHABLE: _unreachable,
    Fault.REFUSES: _refuses,
    Fault.RATE_LIMITED: _rate_limited,
}
