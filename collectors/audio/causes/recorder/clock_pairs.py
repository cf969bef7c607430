"""The conversion from another clock of this machine to the monotonic one. Pure but for `read`."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque

_MOST_PAIRS = 128


class ClockPairs:
    """Simultaneous readings of both clocks.

    They drift by up to 0.05 %, so that one reading would be off by milliseconds after a few seconds.

    Args:
        clock: The other clock.
    """

    def __init__(self, clock: int) -> None:
        self._clock = clock
        self._pairs: deque[tuple[int, int]] = deque(maxlen=_MOST_PAIRS)

    def read(self) -> None:
        """Read both clocks."""
        before = time.monotonic_ns()
        other = time.clock_gettime_ns(self._clock)
        self.add(other, (before + time.monotonic_ns()) // 2)

    def add(self, other_ns: int, monotonic_ns: int) -> None:
        """Add a reading; readings come in order."""
        self._pairs.append((other_ns, monotonic_ns - other_ns))

    def monotonic_ns(self, other_ns: int) -> int:
        """Return the monotonic time of a time of the other clock, by the nearest reading before or after it."""
        if not self._pairs:
            self.read()
        pairs = self._pairs
        at = min(bisect_left(pairs, (other_ns, 0)), len(pairs) - 1)
        return other_ns + pairs[at][1]
