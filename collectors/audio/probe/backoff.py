"""When the probe itself misses deadlines, it does less, and then nothing for a while. Pure: owns how much it may do."""

from __future__ import annotations

from collections import deque
from enum import IntEnum

LIMIT = 10
"""Looks, of the 40 within `WINDOW_NS`, that may find new misses: more are no accident, as one hold-up is found once."""
WINDOW_NS = 10_000_000_000
REST_NS = 600_000_000_000
"""After this long without a further step the probe may do everything again."""


class Step(IntEnum):
    """How far the probe has backed off; `LESS` is one channel, and a larger buffer where it is not everybody's."""

    FULL = 0
    LESS = 1
    AWAY = 2


class Backoff:
    """Watches the count of the probe's own misses.

    Attributes:
        step: How far the probe is to back off now.
    """

    def __init__(self) -> None:
        self.step = Step.FULL
        self._since_ns = 0
        self._total = 0
        self._found_ns: deque[int] = deque()

    def see(self, total: int, now_ns: int) -> None:
        """Take in the total of misses since the start, each quarter second, and step forward or back."""
        if total > self._total:
            self._found_ns.append(now_ns)
        self._total = total
        while self._found_ns and self._found_ns[0] <= now_ns - WINDOW_NS:
            self._found_ns.popleft()
        if len(self._found_ns) > LIMIT and self.step < Step.AWAY:
            self._go(Step(self.step + 1), now_ns)
        elif self.step and now_ns - self._since_ns > REST_NS:
            self._go(Step.FULL, now_ns)

    def _go(self, step: Step, now_ns: int) -> None:
        self.step = step
        self._since_ns = now_ns
        self._found_ns.clear()
