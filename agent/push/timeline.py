"""The times of snapshots: this machine's clock, without a step back between two snapshots.

A receiver wants the samples of a series in order, so a later snapshot must have a later time. After a step back of the
clock of up to an hour, times go on from the newest one at nine tenths of real speed until the clock has caught up. A
larger step means that the earlier times were wrong: times then follow the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LARGEST_STEP_MS = 3_600_000
"""The largest step back that times do not follow."""

_SPEED = 0.9
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # both go on while the machine sleeps


def _elapsed_ms() -> int:
    return time.clock_gettime_ns(_CLOCK) // 1_000_000


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Timeline:
    """The times of one agent's snapshots, in Unix milliseconds.

    Args:
        newest: The time of the newest snapshot of an earlier run; 0 for none.
        clock: This machine's clock, Unix milliseconds.
        elapsed: A monotonic clock, milliseconds.
    """

    def __init__(
        self, newest: int, clock: Callable[[], int] = _now_ms, elapsed: Callable[[], int] = _elapsed_ms
    ) -> None:
        self._newest = newest
        self._clock = clock
        self._elapsed = elapsed
        self._at = elapsed()

    def next(self) -> int:
        """Return the time of a snapshot that is taken now."""
        now, at = self._clock(), self._elapsed()
        earliest = self._newest + max(int((at - self._at) * _SPEED), 1)
        follows = now >= earliest or now < self._newest - LARGEST_STEP_MS
        self._newest = now if follows else earliest
        self._at = at
        return self._newest

    @property
    def ahead_ms(self) -> int:
        """The milliseconds that the newest time is ahead of the clock; 0 if it follows the clock."""
        return max(self._newest - self._clock(), 0)
