"""The schedule of threads and processors, as the kernel's trace shows it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import NamedTuple, TypeVar

from collectors.audio.causes.analysis.thread_states import RUNNABLE, RUNNING, UNKNOWN, Span, ThreadStates
from collectors.audio.causes.evidence import Trace

K = TypeVar("K")

IDLE = 0
"""The thread that runs where no other does."""


class Run(NamedTuple):
    """A thread on a processor, from one switch to the next.

    Attributes:
        tid: The thread; `IDLE` if none ran.
        start_ns: Its start.
        end_ns: Its end.
        priority: The thread's real-time priority; 0 for none.
    """

    tid: int
    start_ns: int
    end_ns: int
    priority: int


class Interruption(NamedTuple):
    """An interrupt or soft interrupt on a processor.

    Attributes:
        start_ns: Its start.
        end_ns: Its end.
        kind: `irq` or `softirq`.
        name: Its name.
    """

    start_ns: int
    end_ns: int
    kind: str
    name: str


class Wake(NamedTuple):
    """The wake-up of a thread.

    Attributes:
        at_ns: Its time.
        tid: The thread that was woken.
        waker: The thread that ran where the wake-up came from; `IDLE` for an interrupt of an idle processor.
    """

    at_ns: int
    tid: int
    waker: int


class Signal(NamedTuple):
    """A signal from one thread to another.

    Attributes:
        at_ns: Its time.
        sender: The thread that sent it.
        number: The signal.
        target: The thread that it was sent to.
    """

    at_ns: int
    sender: int
    number: int
    target: int


class Schedule:
    """Each thread's states and each processor's threads, for any time of a trace.

    Times before or after the trace are unknown. All times are monotonic nanoseconds.

    Args:
        trace: The trace.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.start_ns, self.end_ns = trace.start_ns, trace.end_ns
        self._states = ThreadStates(trace)
        self._runs = _runs(trace)
        self._interruptions = _interruptions(trace)
        self._longest = {
            cpu: max(end - start for start, end, *_ in all_of) for cpu, all_of in self._interruptions.items()
        }

    @property
    def last_ns(self) -> int:
        """The time of the last switch: the trace may have been frozen right after it."""
        return self.trace.switches[-1][0] if self.trace.switches else self.start_ns

    def last_switch_ns(self, cpu: int) -> int:
        """Return the time of the last switch on a processor."""
        runs = self._runs.get(cpu)
        return runs[-1][0] if runs else self.start_ns

    @property
    def cpus(self) -> tuple[int, ...]:
        """The processors on which threads were switched."""
        return tuple(sorted(self._runs))

    @property
    def threads(self) -> tuple[int, ...]:
        """The threads that ran or were woken, without the idle one."""
        return self._states.threads

    def name(self, tid: int) -> str:
        """Return the thread's name; empty if unknown."""
        return self.trace.names.get(tid, (0, "", 0))[1]

    def process(self, tid: int) -> int:
        """Return the thread's process, or the thread itself if the process is unknown."""
        return self.trace.names.get(tid, (tid, "", 0))[0] or tid

    def priority(self, tid: int) -> int:
        """Return the highest real-time priority that the thread had; 0 for none."""
        return self.trace.names.get(tid, (0, "", 0))[2]

    def threads_of(self, pid: int) -> tuple[int, ...]:
        """Return the threads of a process that ran or were woken."""
        return tuple(tid for tid in self._states.threads if self.process(tid) == pid)

    def states(self, tid: int, start_ns: int, end_ns: int) -> list[Span]:
        """Return the thread's states from start to end, without a hole."""
        inner_start, inner_end = max(start_ns, self.start_ns), min(end_ns, self.end_ns)
        if inner_start >= inner_end:
            return [Span(UNKNOWN, start_ns, end_ns, -1)] if start_ns < end_ns else []
        spans = [Span(UNKNOWN, start_ns, inner_start, -1)] if start_ns < inner_start else []
        spans += self._known_states(tid, inner_start, inner_end)
        if inner_end < end_ns:
            spans.append(Span(UNKNOWN, inner_end, end_ns, -1))
        return spans

    def totals(self, tid: int, start_ns: int, end_ns: int) -> dict[str, int]:
        """Return the nanoseconds that the thread spent in each kind of state."""
        return _sums((span.kind, span.length_ns) for span in self.states(tid, start_ns, end_ns))

    def runs(self, cpu: int, start_ns: int, end_ns: int) -> list[Run]:
        """Return the threads that ran on a processor, in order of time, clipped to start and end."""
        switches = self._runs.get(cpu, [])
        first = max(bisect_right(switches, start_ns, key=itemgetter(0)) - 1, 0)
        found = []
        for index in range(first, len(switches)):
            begin_ns, tid, priority = switches[index]
            until_ns = switches[index + 1][0] if index + 1 < len(switches) else self.end_ns
            if begin_ns >= end_ns:
                break
            run = Run(tid, max(begin_ns, start_ns), min(until_ns, end_ns), priority)
            if run.start_ns < run.end_ns:
                found.append(run)
        return found

    def occupants(self, cpu: int, start_ns: int, end_ns: int) -> dict[int, int]:
        """Return the nanoseconds for which each thread was on a processor; `IDLE` among them."""
        return _sums((run.tid, run.end_ns - run.start_ns) for run in self.runs(cpu, start_ns, end_ns))

    def interruptions(self, cpu: int, start_ns: int, end_ns: int) -> list[Interruption]:
        """Return interrupts of a processor in order of their start, clipped. One may lie within another."""
        all_of = self._interruptions.get(cpu, [])
        first = bisect_left(all_of, start_ns - self._longest.get(cpu, 0), key=itemgetter(0))
        found = []
        for began_ns, ended_ns, kind, name in all_of[first:]:
            if began_ns >= end_ns:
                break
            if ended_ns > start_ns:
                found.append(Interruption(max(began_ns, start_ns), min(ended_ns, end_ns), kind, name))
        return found

    def interrupts(self, cpu: int, start_ns: int, end_ns: int) -> dict[tuple[str, str], int]:
        """Return the nanoseconds of interrupts on a processor by kind and name. No time is counted twice."""
        return _sums(
            ((one.kind, one.name), length_ns) for one, length_ns in _own(self.interruptions(cpu, start_ns, end_ns))
        )

    def interrupted(self, tid: int, start_ns: int, end_ns: int) -> dict[tuple[str, str], int]:
        """Return the nanoseconds of interrupts by kind and name that held the thread up while it ran."""
        return _sums(
            item
            for span in self.states(tid, start_ns, end_ns)
            if span.kind == RUNNING
            for item in self.interrupts(span.cpu, span.start_ns, span.end_ns).items()
        )

    def delayers(self, tid: int, start_ns: int, end_ns: int) -> dict[int, int]:
        """Return the nanoseconds for which others held the processor that the thread waited for.

        `IDLE` among them means that a processor was free, and the kernel did not let the thread run: a quota, for
        example, or a processor that was slow to wake.
        """
        return _sums(
            item
            for span in self.states(tid, start_ns, end_ns)
            if span.kind == RUNNABLE
            for item in self.occupants(span.cpu, span.start_ns, span.end_ns).items()
        )

    def wakes(self, tid: int, start_ns: int, end_ns: int) -> list[Wake]:
        """Return the wake-ups of a thread from start to end, in order of time."""
        return [
            Wake(at_ns, woken, waker)
            for at_ns, _, woken, _, waker in self.trace.wakes
            if woken == tid and start_ns <= at_ns <= end_ns
        ]

    def signals(self, start_ns: int, end_ns: int) -> list[Signal]:
        """Return the signals from start to end, in order of time."""
        return [Signal(*signal) for signal in self.trace.signals if start_ns <= signal[0] <= end_ns]

    def ends(self, start_ns: int, end_ns: int) -> list[tuple[int, int]]:
        """Return time and thread of each end of a thread from start to end."""
        return [end for end in self.trace.ends if start_ns <= end[0] <= end_ns]

    def _known_states(self, tid: int, start_ns: int, end_ns: int) -> Iterator[Span]:
        changes = self._states.changes(tid)
        if not changes:  # it neither ran nor woke: a sleep, or a stop, that began before
            yield Span(UNKNOWN, start_ns, end_ns, -1)
            return
        first = bisect_right(changes, start_ns, key=lambda change: change.at_ns) - 1
        for index in range(first, len(changes)):
            begin = max(changes[index].at_ns, start_ns)
            following = changes[index + 1].at_ns if index + 1 < len(changes) else end_ns
            end = min(following, end_ns)
            if begin >= end_ns:
                return
            if begin < end:
                yield Span(changes[index].kind, begin, end, changes[index].cpu)


def _runs(trace: Trace) -> dict[int, list[tuple[int, int, int]]]:
    """Return time, thread and its priority of each switch of each processor, in order of time."""
    runs: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for at_ns, cpu, _, _, tid, priority in trace.switches:
        runs[cpu].append((at_ns, tid, priority))
    return runs


def _interruptions(trace: Trace) -> dict[int, list[tuple[int, int, str, str]]]:
    """Return start, end, kind and name of the interrupts of each processor, in order of their start."""
    found: dict[int, list[tuple[int, int, str, str]]] = defaultdict(list)
    for start_ns, end_ns, cpu, kind, name in trace.interrupts:
        found[cpu].append((start_ns, end_ns, kind, name))
    for all_of in found.values():
        all_of.sort()
    return found


def _own(nested: list[Interruption]) -> Iterator[tuple[Interruption, int]]:
    """Yield each interrupt with its length without those that interrupted it."""
    open_ones: list[tuple[Interruption, int]] = []
    for one in nested:
        while open_ones and open_ones[-1][0].end_ns <= one.start_ns:
            yield open_ones.pop()
        if open_ones:
            outer, length_ns = open_ones.pop()
            open_ones.append((outer, length_ns - (min(one.end_ns, outer.end_ns) - one.start_ns)))
        open_ones.append((one, one.end_ns - one.start_ns))
    yield from open_ones


def _sums(items: Iterable[tuple[K, int]]) -> dict[K, int]:
    """Return the sum of the numbers of each key."""
    sums: dict[K, int] = defaultdict(int)
    for key, number in items:
        sums[key] += number
    return dict(sums)
