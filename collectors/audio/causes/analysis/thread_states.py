"""The states of each thread over the time of a trace."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
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


class _Event(NamedTuple):
    """An event that changes the state of a thread.

    Attributes:
        at_ns: Its time.
        kind: `_START`, `_WAKE`, `_MOVE` or `_SWITCH`: the order of events of the same time.
        cpu: The processor to which the thread goes, or which switches.
        tid: The thread, or the one that leaves the processor.
        coming: The thread that comes onto the processor.
        state: The state letter of the thread that leaves.
    """

    at_ns: int
    kind: int
    cpu: int
    tid: int
    coming: int = 0
    state: str = ""


_START, _WAKE, _MOVE, _SWITCH = range(4)


def changes_of(trace: Trace) -> dict[int, list[Change]]:
    """Return the changes of each thread's state, in order of time. The first one stands at the start of the trace.

    A thread that had no event is missing.
    """
    threads = _Threads(trace.start_ns)
    notes = {_START: threads.started, _WAKE: threads.woken, _MOVE: threads.migrated, _SWITCH: threads.switched}
    for event in _in_order(trace):
        notes[event.kind](event)
    return threads.changes


def _in_order(trace: Trace) -> Iterator[_Event]:
    """Return the events of a trace in order of time."""
    return merge(
        (_Event(at_ns, _START, -1, tid) for at_ns, tid, _ in trace.starts),
        (_Event(at_ns, _WAKE, cpu, tid) for at_ns, _, tid, cpu, _ in trace.wakes),
        (_Event(at_ns, _MOVE, cpu, tid) for at_ns, tid, _, cpu in trace.migrations),
        (_Event(at_ns, _SWITCH, cpu, tid, coming, state) for at_ns, cpu, tid, state, coming, _ in trace.switches),
    )


class _Threads:
    """The changes of each thread's state.

    Args:
        start_ns: The start of the trace.
    """

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._woken: dict[int, int] = {}
        self.changes: dict[int, list[Change]] = {}

    def started(self, event: _Event) -> None:
        """Note a new thread, which has not run yet."""
        self._note(event.at_ns, event.tid, RUNNABLE, event.cpu, before=UNKNOWN)

    def woken(self, event: _Event) -> None:
        """Note the wake-up of a thread."""
        changes = self.changes.get(event.tid)
        if changes and changes[-1].kind in (RUNNING, RUNNABLE):
            self._woken[event.tid] = event.at_ns
        else:
            self._note(event.at_ns, event.tid, RUNNABLE, event.cpu, before=ASLEEP)

    def migrated(self, event: _Event) -> None:
        """Note the processor that a thread waits for from now on."""
        changes = self.changes.get(event.tid)
        if changes and changes[-1].kind == RUNNABLE and changes[-1].cpu != event.cpu:
            changes.append(Change(event.at_ns, RUNNABLE, event.cpu))

    def switched(self, event: _Event) -> None:
        """Note that one thread left a processor and another one came."""
        if event.tid > 0:
            self._note(event.at_ns, event.tid, self._kind_after(event), event.cpu, before=RUNNING)
        if event.coming > 0:
            self._woken.pop(event.coming, None)
            self._note(event.at_ns, event.coming, RUNNING, event.cpu, before=RUNNABLE)

    def _kind_after(self, event: _Event) -> str:
        """Return the kind of the span that a switch away from a thread begins."""
        kind = _KINDS.get(event.state, ASLEEP)
        woken_ns = self._woken.get(event.tid)
        raced = woken_ns is not None and event.at_ns - woken_ns < _RACE_NS
        return RUNNABLE if raced and kind in (ASLEEP, DISK) else kind

    def _note(self, at_ns: int, tid: int, kind: str, cpu: int, *, before: str) -> None:
        changes = self.changes.get(tid)
        if changes is None:
            changes = self.changes[tid] = [Change(self._start_ns, before, cpu)]
        changes.append(Change(at_ns, kind, cpu))
