"""Many observations, one dropout. Pure: owns what counts as one, not where observations come from."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

MERGE_NS = 250_000_000
"""A fault of 200 ms shows for up to 160 ms after its end, as further xruns while the graph recovers."""
HOLD_NS = 1_000_000_000
"""Observations arrive up to this late: buffers are read each quarter second, and a gap is certain only after eight of
them, 0.37 s at 2,048 frames and 44.1 kHz."""
_REMEMBERED = 16
"""Dropouts that an observation may still belong to, should the agent be so late that it arrives after `HOLD_NS`."""


class Observation(NamedTuple):
    """What one observer saw.

    Attributes:
        observer: `jack`, `portaudio`, `gap` or `coreaudio`.
        kind: What that observer calls it.
        start_ns: When it began, on the monotonic clock.
        end_ns: When it was over.
    """

    observer: str
    kind: str
    start_ns: int
    end_ns: int


class DropoutCounter:
    """Counts dropouts: observations no further apart than `MERGE_NS` are one.

    Attributes:
        total: Dropouts so far, those of the last `HOLD_NS` not yet among them.
    """

    def __init__(self) -> None:
        self.total = 0
        self._pending: list[Observation] = []
        self._counted: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)

    def add(self, observation: Observation) -> None:
        """Take an observation, in any order."""
        self._pending.append(observation)

    def settle(self, now_ns: int) -> None:
        """Count what is old enough for nothing earlier to arrive any more."""
        before = now_ns - HOLD_NS
        self._pending.sort(key=lambda observation: observation.start_ns)
        # What began later waits for what began earlier: that may reach from one to the other.
        while self._pending and self._pending[0].end_ns <= before:
            self._count(self._pending.pop(0))

    def _count(self, observation: Observation) -> None:
        for number, (start_ns, end_ns) in enumerate(self._counted):
            if start_ns - MERGE_NS <= observation.end_ns and observation.start_ns <= end_ns + MERGE_NS:
                self._counted[number] = min(start_ns, observation.start_ns), max(end_ns, observation.end_ns)
                return
        self.total += 1
        self._counted.append((observation.start_ns, observation.end_ns))
