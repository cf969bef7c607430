"""Merging of observations into dropouts. Pure."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

MERGE_NS = 250_000_000
"""The longest pause within one dropout. A fault of 200 ms causes xruns for up to 160 ms after its end."""
HOLD_NS = 1_000_000_000
"""The longest delay of an observation. Buffers are read each quarter second. A gap is certain only after eight more
buffers, 0.37 s at 2,048 frames and 44.1 kHz."""
STORM_NS = 1_000_000_000
"""The time after which a continuing dropout counts again. Otherwise the longest one would count like a short one."""
_REMEMBERED = 16
"""Number of settled dropouts that a later observation may still join, and of periods that are ignored."""


class Observation(NamedTuple):
    """One observer's report of a dropout.

    Attributes:
        observer: `jack`, `portaudio`, `gap` or `coreaudio`.
        kind: The observer's own kind, as in `device.KINDS`.
        start_ns: Monotonic time of its start.
        end_ns: Monotonic time of its end. An event without a duration, such as an xrun, lies between the two.
        silent_ns: Time within it without any delivered buffer.
    """

    observer: str
    kind: str
    start_ns: int
    end_ns: int
    silent_ns: int = 0


class DropoutCounter:
    """The count of dropouts. Observations up to `MERGE_NS` apart are one dropout, or one for each second of a storm.

    Attributes:
        total: Settled dropouts, without the observations of the last `HOLD_NS`.
    """

    def __init__(self) -> None:
        self.total = 0
        self._pending: list[Observation] = []
        self._counted: deque[_Dropout] = deque(maxlen=_REMEMBERED)
        self._ignored: deque[_Period] = deque(maxlen=_REMEMBERED)

    def ignore(self, start_ns: int, end_ns: int) -> None:
        """Ignore all observations of a period; a period of the same start is extended."""
        if self._ignored and self._ignored[-1].start_ns == start_ns:
            self._ignored.pop()
        self._ignored.append(_Period(start_ns, end_ns))

    def ignores(self, observation: Observation) -> bool:
        """Return whether an observation may lie in an ignored period."""
        return any(period.overlaps(observation) for period in self._ignored)

    def add(self, observation: Observation) -> None:
        """Add an observation, in any order."""
        self._pending.append(observation)

    def settle(self, now_ns: int) -> None:
        """Count the observations that are older than `HOLD_NS`."""
        before = now_ns - HOLD_NS
        self._pending.sort(key=lambda observation: observation.start_ns)
        # In order of start time: a long earlier observation can join two later ones.
        while self._pending and self._pending[0].end_ns <= before:
            self._count(self._pending.pop(0))

    def _count(self, observation: Observation) -> None:
        if self.ignores(observation):
            return
        known = next((dropout for dropout in self._counted if dropout.is_near(observation)), None)
        if known is None:
            self._counted.append(_Dropout(observation))
            self.total += 1
        else:
            self.total += known.take_in(observation)


class _Period(NamedTuple):
    start_ns: int
    end_ns: int

    def overlaps(self, observation: Observation) -> bool:
        return self.start_ns <= observation.end_ns and observation.start_ns <= self.end_ns


class _Dropout:
    """A group of observations up to `MERGE_NS` apart."""

    def __init__(self, first: Observation) -> None:
        self._start_ns, self._end_ns = first.start_ns, first.end_ns
        self._began_ns, self._last_ns = first.end_ns, first.start_ns
        self._silent_ns = first.silent_ns
        self._times = 1

    def is_near(self, observation: Observation) -> bool:
        return self._start_ns - MERGE_NS <= observation.end_ns and observation.start_ns <= self._end_ns + MERGE_NS

    def take_in(self, observation: Observation) -> int:
        """Add an observation; return by how much the number of dropouts grows."""
        self._start_ns = min(self._start_ns, observation.start_ns)
        self._end_ns = max(self._end_ns, observation.end_ns)
        self._began_ns = min(self._began_ns, observation.end_ns)
        self._last_ns = max(self._last_ns, observation.start_ns)
        self._silent_ns += observation.silent_ns
        before, self._times = self._times, max(self._times, 1 + self._storm_ns // STORM_NS)
        return self._times - before

    @property
    def _storm_ns(self) -> int:
        """The least time that it lasted, without its silence: a long silence is still one dropout."""
        return max(self._last_ns - self._began_ns - self._silent_ns, 0)
