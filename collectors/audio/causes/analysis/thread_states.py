"""The states of each thread over the time of a trace."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from collectors.audio.causes.evidence import Trace

RUNNING, RUNNABLE, ASLEEP, DISK, STOPPED, ENDED, UNKNOWN = (
    "running",
    "runnable",
    "asleep",
    "disk",
    "stopped",
    "ended",
    "unknown",
)

_KINDS = {"R": RUNNABLE, "D": DISK, "T": STOPPED, "t": STOPPED, "X": ENDED, "Z": ENDED, "?": UNKNOWN}
"""The kind of a span by the state letter at the switch that begins it; asleep for all others."""

_RACE_NS = 100_000
"""The longest time from a wake-up of a thread that is about to sleep to the switch that still shows it asleep."""


class Span(NamedTuple):
    """A time in which the state of a thread did not change.

    Attributes:
        kind: `running`, `runnable` (waits for a processor), `asleep`, `disk` (waits without a signal's effect, such as
            for a disk), `stopped`, `ended` or `unknown`.
        start_ns: Its start.
        end_ns: Its end.
        cpu: The processor on which it runs or for which it waits; otherwise the last one; -1 if unknown.
    """

    kind: str
    start_ns: int
    end_ns: int
    cpu: int

    @property
    def length_ns(self) -> int:
        """The length in nanoseconds."""
        return self.end_ns - self.start_ns


class Change(NamedTuple):
    """A new state of a thread, with the fields of `Span`."""

    at_ns: int
    kind: str
    cpu: int


_START, _WAKE, _MOVE, _LEFT, _CAME = range(5)
"""The kinds of events that change the state of a thread, in the order of those of the same time."""

_Event = tuple[int, int, int, str]
"""Time, kind, processor and, where the thread left one, its state letter."""


class ThreadStates:
    """The changes of each thread's state, computed for the threads that are asked for.

    Args:
        trace: The trace.
    """

    def __init__(self, trace: Trace) -> None:
        self._start_ns = trace.start_ns
        self._events = _by_thread(trace)
        self._changes: dict[int, list[Change]] = {}

    @property
    def threads(self) -> tuple[int, ...]:
        """The threads that ran or were woken, without the idle one."""
        return tuple(self._events)

    def changes(self, tid: int) -> list[Change]:
        """Return the changes of a thread, in order of time; empty if it had no event.

        The first one stands at the start of the trace.
        """
        if tid not in self._changes:
            self._changes[tid] = _changes(sorted(self._events.get(tid, ())), self._start_ns)
        return self._changes[tid]


def _by_thread(trace: Trace) -> dict[int, list[_Event]]:
    """Return the events of each thread."""
    events: dict[int, list[_Event]] = defaultdict(list)
    for at_ns, cpu, left, state, came, _ in trace.switches:
        if left > 0:
            events[left].append((at_ns, _LEFT, cpu, state))
        if came > 0:
            events[came].append((at_ns, _CAME, cpu, ""))
    for at_ns, _, tid, cpu, _ in trace.wakes:
        events[tid].append((at_ns, _WAKE, cpu, ""))
    for at_ns, tid, _, cpu in trace.migrations:
        events[tid].append((at_ns, _MOVE, cpu, ""))
    for at_ns, tid, _ in trace.starts:
        events[tid].append((at_ns, _START, -1, ""))
    return events


def _changes(events: list[_Event], start_ns: int) -> list[Change]:
    """Return the changes of one thread.

    Args:
        events: Its events, in order of time.
        start_ns: The start of the trace.
    """
    states = _States(start_ns)
    notes = {_START: states.started, _WAKE: states.woken, _MOVE: states.moved, _LEFT: states.left, _CAME: states.came}
    for event in events:
        notes[event[1]](event)
    return states.changes


class _States:
    """The changes of one thread's state.

    Args:
        start_ns: The start of the trace.
    """

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._woken_ns = start_ns - _RACE_NS
        self.changes: list[Change] = []

    def started(self, event: _Event) -> None:
        """Note the thread's start: it has not run yet."""
        self._note(event, RUNNABLE, before=UNKNOWN)

    def woken(self, event: _Event) -> None:
        """Note a wake-up."""
        if self.changes and self.changes[-1].kind in (RUNNING, RUNNABLE):
            self._woken_ns = event[0]
        else:
            self._note(event, RUNNABLE, before=ASLEEP)

    def moved(self, event: _Event) -> None:
        """Note the processor that the thread waits for from now on."""
        if self.changes and self.changes[-1].kind == RUNNABLE and self.changes[-1].cpu != event[2]:
            self.changes.append(Change(event[0], RUNNABLE, event[2]))

    def left(self, event: _Event) -> None:
        """Note that the thread left a processor."""
        kind = _KINDS.get(event[3], ASLEEP)
        if kind in (ASLEEP, DISK) and event[0] - self._woken_ns < _RACE_NS:
            kind = RUNNABLE
        self._note(event, kind, before=RUNNING)

    def came(self, event: _Event) -> None:
        """Note that the thread came onto a processor."""
        self._woken_ns = self._start_ns - _RACE_NS
        self._note(event, RUNNING, before=RUNNABLE)

    def _note(self, event: _Event, kind: str, *, before: str) -> None:
        if not self.changes:
            self.changes.append(Change(self._start_ns, before, event[2]))
        self.changes.append(Change(event[0], kind, event[2]))
