"""The pace of sending the past: a mean rate of bytes, which a receiver that is slow at times does not lower."""

from __future__ import annotations

import time
from collections.abc import Callable

_CREDIT = 2.0
"""The most seconds of slow answers that faster ones make up for, so that an outage ends with a short burst."""


class Pace:
    """The pauses after requests that keep the mean rate.

    Args:
        rate: The most bytes per second.
        clock: A monotonic clock, seconds.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._due: float | None = None

    def rest(self) -> None:
        """Forget the past: everything is sent."""
        self._due = None

    def pause(self, size: int, began: float) -> float:
        """Return the seconds to wait after requests.

        Args:
            size: Their bytes.
            began: The time of the first one, by the clock.
        """
        earliest = began if self._due is None else max(self._due, began - _CREDIT)
        self._due = earliest + size / self._rate
        return max(self._due - self._clock(), 0.0)
