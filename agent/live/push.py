"""The push of a live sample, from the view of the push."""

from __future__ import annotations

from dataclasses import dataclass

from agent.live.sample import PushNow


@dataclass(frozen=True, slots=True)
class PushView:
    """The push at one instant, with the meaning of `PushNow`."""

    url: str
    problem: str
    sent: int
    refused: int
    dropped: int
    queue_bytes: int
    queue_seconds: float
    lag_seconds: float


def push(_before: PushView | None, now: PushView, _seconds: float) -> PushNow:
    """Return the push of a view."""
    return PushNow(
        url=now.url,
        problem=now.problem,
        sent=now.sent,
        queue_bytes=float(now.queue_bytes),
        queue_seconds=round(now.queue_seconds, 1),
        lag_seconds=round(now.lag_seconds, 1),
        refused=now.refused,
        dropped=now.dropped,
    )
