"""The back-off of a probe that misses deadlines: first less work, then none for a while. Pure."""

from __future__ import annotations

from collections import deque
from enum import IntEnum

LIMIT = 10
"""The number of polls, of the 40 within `WINDOW_NS`, that may find new misses. One delay is found by one poll."""
WINDOW_NS = 10_000_000_000
REST_NS = 600_000_000_000
"""The time without a further step after which the probe does all its work again."""


class Step(IntEnum):
    """A step of the back-off: `LESS` is one channel, and a larger buffer where other programs do not share it."""

    FULL = 0
    LESS = 1
    CLOSED = 2


class Backoff:
    """The back-off, driven by the count of the probe's own misses.

    Attributes:
        step: The present step.
    """

    def __init__(self) -> None:
        self.step = Step.FULL
        self._since_ns = 0
        self._total = 0
        self._found_ns: deque[int] = deque()

    def see(self, total: int, now_ns: int) -> None:
        """Take in the total of misses, each quarter second, and update the step."""
        if total > self._total:
            self._found_ns.append(now_ns)
        self._total = total
        while self._found_ns and self._found_ns[0] <= now_ns - WINDOW_NS:
            self._found_ns.popleft()
        if len(self._found_ns) > LIMIT and self.step < Step.CLOSED:
            self._go(Step(self.step + 1), now_ns)
        elif self.step and now_ns - self._since_ns > REST_NS:
            self._go(Step.FULL, now_ns)

    def _go(self, step: Step, now_ns: int) -> None:
        self.step = step
        self._since_ns = now_ns
        self._found_ns.clear()
