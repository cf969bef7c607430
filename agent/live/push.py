"""The push of a live sample, from the view of the push."""

from __future__ import annotations

from dataclasses import dataclass

from agent.live.rates import increase, short
from agent.live.sample import PushNow


@dataclass(frozen=True, slots=True)
class PushView:
    """The push at one instant, with the meaning of `PushNow`; `sent`, `refused` and `dropped` count samples."""

    url: str
    problem: str
    sent: int
    refused: int
    dropped: int
    queue_bytes: int
    queue_seconds: float
    lag_seconds: float


def push(before: PushView | None, now: PushView, seconds: float) -> PushNow:
    """Return the push with the rate since an earlier view."""
    samples = increase(before.sent if before else None, now.sent)
    return PushNow(
        url=now.url,
        problem=now.problem,
        samples_per_second=short(samples / seconds) if samples is not None and seconds > 0 else None,
        queue_bytes=float(now.queue_bytes),
        queue_seconds=round(now.queue_seconds, 1),
        lag_seconds=round(now.lag_seconds, 1),
        refused=now.refused,
        dropped=now.dropped,
    )
