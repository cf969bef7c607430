"""Merging of observations into dropouts. Pure."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

MERGE_NS = 250_000_000
"""The longest pause within one dropout. A fault of 200 ms causes xruns for up to 160 ms after its end."""
HOLD_NS = 1_000_000_000
"""The longest delay of an observation. Buffers are read each quarter second. A gap is certain only after eight more
buffers, 0.37 s at 2,048 frames and 44.1 kHz."""
STORM_NS = 1_000_000_000
"""The time after which a continuing dropout counts again. Otherwise the longest one would count like a short one."""
_REMEMBERED = 16
"""Number of settled dropouts that a later observation may still join, and of periods of each kind."""
_MOST_KEPT = 1024
"""Number of settled dropouts that are kept for findings."""


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


@dataclass(frozen=True, slots=True)
class Dropout:
    """One settled dropout.

    Attributes:
        start_ns: Monotonic time of the earliest observation's start.
        end_ns: Monotonic time of the latest observation's end.
        silent_ns: Time within it without any delivered buffer.
        count: Its count: 1, or the seconds of a storm.
        observers: The observers that saw it.
    """

    start_ns: int
    end_ns: int
    silent_ns: int
    count: int
    observers: frozenset[str]


class Part(NamedTuple):
    """The part of a dropout that counts once.

    Attributes:
        start_ns: Monotonic time of its start.
        end_ns: Monotonic time of its end.
        silent_ns: Time within it without any delivered buffer.
        observations: Observer and kind of the dropout's observations, such as `jack xrun`.
    """

    start_ns: int
    end_ns: int
    silent_ns: int
    observations: tuple[str, ...]


class Increment:
    """One increment of the count. Its part grows while further observations settle.

    Args:
        dropout: The dropout that counted.
        number: The count of this dropout with this increment.
    """

    def __init__(self, dropout: _Dropout, number: int) -> None:
        self._dropout = dropout
        self._number = number

    def part(self) -> Part:
        """Return the part of the dropout that counted."""
        return self._dropout.part(self._number)


class DropoutCounter:
    """The count of dropouts. Observations up to `MERGE_NS` apart are one dropout, or one for each second of a storm.

    Attributes:
        total: Settled dropouts, without the observations of the last `HOLD_NS`.
        fresh: The increments of `total` since the last `take`.
    """

    def __init__(self) -> None:
        self.total = 0
        self.fresh: list[Increment] = []
        self._pending: list[Observation] = []
        self._counted: deque[_Dropout] = deque(maxlen=_MOST_KEPT)
        self._ignored = _Periods()
        self._joined = _Periods()

    def ignore(self, start_ns: int, end_ns: int) -> None:
        """Ignore all observations of a period; a period of the same start is extended."""
        self._ignored.extend(start_ns, end_ns)

    def ignores(self, observation: Observation) -> bool:
        """Return whether an observation may lie in an ignored period."""
        return self._ignored.find(observation) is not None

    def join(self, start_ns: int, end_ns: int) -> None:
        """Count all observations of a period as one dropout; a period of the same start is extended."""
        self._joined.extend(start_ns, end_ns)

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

    def since(self, start_ns: int) -> list[Dropout]:
        """Return the settled dropouts that ended after that time, at most the last `_MOST_KEPT`."""
        return [dropout.value() for dropout in self._counted if dropout.end_ns >= start_ns]

    def _count(self, observation: Observation) -> None:
        if self.ignores(observation):
            return
        if period := self._joined.find(observation):
            observation = period.widen(observation)
        last = itertools.islice(reversed(self._counted), _REMEMBERED)
        known = next((dropout for dropout in last if dropout.is_near(observation)), None)
        if known is None:
            known = _Dropout(observation)
            self._counted.append(known)
            self._increase(known, 1)
        else:
            self._increase(known, known.take_in(observation))

    def _increase(self, dropout: _Dropout, count: int) -> None:
        self.total += count
        last = dropout.times
        self.fresh += [Increment(dropout, number) for number in range(last - count + 1, last + 1)]

    def take(self) -> list[Increment]:
        """Return the increments since the last call, in order of settling."""
        taken, self.fresh = self.fresh, []
        return taken


class _Period(NamedTuple):
    start_ns: int
    end_ns: int

    def overlaps(self, observation: Observation) -> bool:
        return self.start_ns <= observation.end_ns and observation.start_ns <= self.end_ns

    def widen(self, observation: Observation) -> Observation:
        """Return the observation over the whole period. Its end is after each later start, so it is no storm."""
        start_ns, end_ns = min(observation.start_ns, self.start_ns), max(observation.end_ns, self.end_ns)
        return observation._replace(start_ns=start_ns, end_ns=end_ns)


class _Periods:
    """The last periods of one kind."""

    def __init__(self) -> None:
        self._periods: deque[_Period] = deque(maxlen=_REMEMBERED)

    def extend(self, start_ns: int, end_ns: int) -> None:
        if self._periods and self._periods[-1].start_ns == start_ns:
            self._periods.pop()
        self._periods.append(_Period(start_ns, end_ns))

    def find(self, observation: Observation) -> _Period | None:
        return next((period for period in self._periods if period.overlaps(observation)), None)


class _Dropout:
    """A group of observations up to `MERGE_NS` apart."""

    def __init__(self, first: Observation) -> None:
        self._start_ns, self.end_ns = first.start_ns, first.end_ns
        self._began_ns, self._last_ns = first.end_ns, first.start_ns
        self._silent_ns = first.silent_ns
        self._observers = {first.observer}
        self._observations = {_words(first): None}
        self.times = 1

    def value(self) -> Dropout:
        return Dropout(self._start_ns, self.end_ns, self._silent_ns, self.times, frozenset(self._observers))

    def part(self, number: int) -> Part:
        """Return a second of a storm, or the whole dropout if it counts once."""
        start_ns, end_ns = self._start_ns, self.end_ns
        if number > 1:
            start_ns = min(max(start_ns, self._began_ns + (number - 1) * STORM_NS), end_ns)
        if number < self.times:
            end_ns = min(max(start_ns, self._began_ns + number * STORM_NS), end_ns)
        silent_ns = min(self._silent_ns, end_ns - start_ns)
        return Part(start_ns, end_ns, silent_ns, tuple(self._observations))

    def is_near(self, observation: Observation) -> bool:
        return self._start_ns - MERGE_NS <= observation.end_ns and observation.start_ns <= self.end_ns + MERGE_NS

    def take_in(self, observation: Observation) -> int:
        """Add an observation; return by how much the number of dropouts grows."""
        self._start_ns = min(self._start_ns, observation.start_ns)
        self.end_ns = max(self.end_ns, observation.end_ns)
        self._began_ns = min(self._began_ns, observation.end_ns)
        self._last_ns = max(self._last_ns, observation.start_ns)
        self._silent_ns += observation.silent_ns
        self._observers.add(observation.observer)
        self._observations[_words(observation)] = None
        before, self.times = self.times, max(self.times, 1 + self._storm_ns // STORM_NS)
        return self.times - before

    @property
    def _storm_ns(self) -> int:
        """The least time that it lasted, without its silence: a long silence is still one dropout."""
        return max(self._last_ns - self._began_ns - self._silent_ns, 0)


def _words(observation: Observation) -> str:
    return f"{observation.observer} {observation.kind}"
