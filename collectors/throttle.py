"""Token buckets by key, in a table of bounded size."""

from __future__ import annotations

import time
from collections.abc import Callable

_MOST_KEYS = 4096


class Throttle:
    """A rate limit for each key: a burst of `burst`, and one more each `interval` seconds.

    A bucket is one number, the instant at which it is full again (the generic cell rate algorithm of ITU-T I.371). A
    full bucket needs no storage.

    Args:
        burst: The tokens of a full bucket.
        interval: Seconds until a token returns; 0 is no limit.
        clock: Returns the seconds of a monotonic clock.
    """

    def __init__(self, burst: int, interval: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._interval = interval
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def wait(self, key: str) -> float:
        """Return the seconds until `key` has a token; 0 if it has one now."""
        missing = self._full_at.get(key, 0.0) - self._clock()
        return max(0.0, missing - (self._burst - 1) * self._interval)

    def take(self, key: str) -> None:
        """Take a token of `key`."""
        now = self._clock()
        full_at = max(self._full_at.pop(key, now), now)
        if len(self._full_at) >= _MOST_KEYS:
            del self._full_at[next(iter(self._full_at))]  # the least recently used
        self._full_at[key] = full_at + self._interval

    def give_back(self, key: str) -> None:
        """Return a token that `take` removed needlessly."""
        if key in self._full_at:
            self._full_at[key] -= self._interval
