"""Many observations, one dropout. Pure: owns what counts as one, not where observations come from."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

MERGE_NS = 250_000_000
"""A fault of 200 ms shows for up to 160 ms after its end, as further xruns while the graph recovers."""
HOLD_NS = 1_000_000_000
"""Observations arrive up to this late: buffers are read each quarter second, and a gap is certain only after eight of
them, 0.37 s at 2,048 frames and 44.1 kHz."""
STORM_NS = 1_000_000_000
"""A dropout that goes on is another one each second, so that the worst of all does not look like a single one."""
_REMEMBERED = 16
"""Dropouts that an observation may still belong to, should the agent be so late that it arrives after `HOLD_NS`."""


class Observation(NamedTuple):
    """What one observer saw.

    Attributes:
        observer: `jack`, `portaudio`, `gap` or `coreaudio`.
        kind: What that observer calls it.
        start_ns: When it began, on the monotonic clock.
        end_ns: When it was over. What took no time, such as an xrun, was somewhere between the two.
        silent_ns: How long nothing at all was delivered meanwhile.
    """

    observer: str
    kind: str
    start_ns: int
    end_ns: int
    silent_ns: int = 0


class DropoutCounter:
    """Counts dropouts: observations no further apart than `MERGE_NS` are one, or one a second of a storm.

    Attributes:
        total: Dropouts so far, those of the last `HOLD_NS` not yet among them.
    """

    def __init__(self) -> None:
        self.total = 0
        self._pending: list[Observation] = []
        self._counted: deque[_Dropout] = deque(maxlen=_REMEMBERED)

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
        known = next((dropout for dropout in self._counted if dropout.is_near(observation)), None)
        if known is None:
            self._counted.append(_Dropout(observation))
            self.total += 1
        else:
            self.total += known.take_in(observation)


class _Dropout:
    """What lies no further apart than `MERGE_NS`."""

    def __init__(self, first: Observation) -> None:
        self._start_ns, self._end_ns = first.start_ns, first.end_ns
        self._began_ns, self._last_ns = first.end_ns, first.start_ns
        self._silent_ns = first.silent_ns
        self._times = 1

    def is_near(self, observation: Observation) -> bool:
        return self._start_ns - MERGE_NS <= observation.end_ns and observation.start_ns <= self._end_ns + MERGE_NS

    def take_in(self, observation: Observation) -> int:
        """How many dropouts more this makes it."""
        self._start_ns = min(self._start_ns, observation.start_ns)
        self._end_ns = max(self._end_ns, observation.end_ns)
        self._began_ns = min(self._began_ns, observation.end_ns)
        self._last_ns = max(self._last_ns, observation.start_ns)
        self._silent_ns += observation.silent_ns
        before, self._times = self._times, max(self._times, 1 + self._storm_ns // STORM_NS)
        return self._times - before

    @property
    def _storm_ns(self) -> int:
        """How long it certainly went on, but for silence: one that lasts is still one dropout."""
        return max(self._last_ns - self._began_ns - self._silent_ns, 0)
