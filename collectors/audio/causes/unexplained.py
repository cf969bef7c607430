"""The final events of dropouts that were not analysed."""

from __future__ import annotations

from collectors.audio.causes.event import Event
from collectors.audio.causes.evidence import Window

INTERRUPTED = "the agent ended before it analysed this dropout"
STORM = "at most one dropout a second is analysed, and this one had to wait too long"
DISABLED = "the analysis is off (explain = false in the section [audio])"


def unexplained(window: Window, reason: str, level: int = 0) -> Event:
    """Return the unknown event of a dropout.

    Args:
        window: The dropout.
        reason: The reason why it was not analysed, as a sentence without a capital and a full stop.
        level: The level of the evidence that there was.
    """
    return Event(
        id=window.id,
        at=window.at,
        duration_ms=milliseconds(window.end_ns - window.start_ns),
        device=window.device,
        server=window.server,
        period_ms=milliseconds(window.period_ns),
        level=level,
        missing=(f"{reason[:1].upper()}{reason[1:]}.",),
        text=f"Not known: {reason}.",
    )


def milliseconds(nanoseconds: int) -> float:
    """Return milliseconds, to the microsecond."""
    return round(nanoseconds / 1e6, 3)
