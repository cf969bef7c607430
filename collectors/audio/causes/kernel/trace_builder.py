"""From the kernel's events to a `Trace`."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from operator import itemgetter
from signal import SIGCONT

from collectors.audio.causes.evidence import Trace
from collectors.audio.causes.kernel.event_format import EventFormat, Reader
from collectors.audio.causes.kernel.interruptions import Interruptions
from collectors.audio.causes.kernel.ring_buffer import DamagedPageError, events, lost, starts_ns
from collectors.audio.causes.kernel.thread_names import ThreadNames, text

_REALTIME = 100
"""The kernel's priorities below this one are real-time: 99 minus the priority that programs set; -1 for deadline."""

_DEADLINE = 100
"""The priority shown for a thread with a deadline, which precedes all others."""

_IN_INTERRUPT = 0x08 | 0x10 | 0x40
"""The bits of `common_flags` for an interrupt, a soft interrupt and a non-maskable one."""

_CLONE_THREAD = 0x10000

_IGNORED = 1
"""The result of a signal that its target ignores. SIGCONT has its effect before."""

_COMMON = struct.Struct("=HBBi")
"""The start of each event: its number, flags, depth of preemption, and the thread that ran."""

_FIELDS = {
    "sched/sched_switch": ("prev_comm", "prev_pid", "prev_prio", "prev_state", "next_comm", "next_pid", "next_prio"),
    "sched/sched_waking": ("common_flags", "common_pid", "comm", "pid", "prio", "target_cpu"),
    "sched/sched_migrate_task": ("pid", "orig_cpu", "dest_cpu"),
    "sched/sched_process_exit": ("comm", "pid"),
    "task/task_newtask": ("common_pid", "pid", "comm", "clone_flags"),
    "irq/irq_handler_entry": ("irq", "name"),
    "irq/irq_handler_exit": ("irq",),
    "irq/softirq_entry": ("vec",),
    "irq/softirq_exit": ("vec",),
    "signal/signal_generate": ("common_pid", "sig", "pid", "result"),
    "power/cpu_frequency": ("state", "cpu_id"),
}
"""The fields that are read of each event."""


_NO_ONE = (-1, 0)

_UNREAD: tuple[Callable[..., None], Reader, int] = (lambda: None, lambda _page, _offset: (), 0)
"""The reader of events that are not needed."""


class TraceBuilder:
    """The events of a window, page by page. The pages of one processor come in order of time.

    Args:
        formats: The text of each event's `format` file, by `SYSTEM/EVENT`.
        head_bytes: The size of a page's head.
        start_ns: The start of the window.
        end_ns: Its end.

    Raises:
        ValueError: A format is none.
    """

    def __init__(self, formats: Mapping[str, str], head_bytes: int, start_ns: int, end_ns: int) -> None:
        self._head_bytes = head_bytes
        self._start_ns, self._end_ns = start_ns, end_ns
        self._readers: dict[int, tuple[Callable[..., None], Reader, int]] = {}
        self._letters: list[tuple[int, str]] = []
        self._letter_of: dict[int, str] = {}
        self._softirqs: dict[int, str] = {}
        for event, layout in formats.items():
            self._learn(event, EventFormat(layout))
        self._at_ns = self._cpu = self._offset = 0
        self._inside = False
        self._page = b""
        self._known: set[int] = set()
        self._running: dict[int, tuple[int, int]] = {}
        self._last_switch: dict[int, int] = {}
        self._threads = ThreadNames()
        self._switches: list[tuple[int, int, int, str, int, int]] = []
        self._wakes: list[tuple[int, int, int, int, int]] = []
        self._interruptions = Interruptions(start_ns, end_ns)
        self._signals: list[tuple[int, int, int, int]] = []
        self._ends: list[tuple[int, int]] = []
        self._frequencies: list[tuple[int, int, int]] = []
        self._migrations: list[tuple[int, int, int, int]] = []
        self._starts: list[tuple[int, int, int]] = []
        self._lost = 0

    def add(self, cpu: int, page: bytes, from_ns: int, to_ns: int) -> None:
        """Add a page's events of a time. A damaged page counts as a lost event."""
        if starts_ns(page) > self._start_ns:
            self._lost += lost(page, self._head_bytes)
        self._cpu, self._page = cpu, page
        try:
            for at_ns, offset, size in events(page, self._head_bytes):
                if from_ns <= at_ns < to_ns:
                    self._event(at_ns, offset, size)
        except DamagedPageError:
            self._lost += 1

    def build(self, process_of: Callable[[int], int]) -> Trace:
        """Return the trace.

        Args:
            process_of: Returns the process of a thread; 0 if it is unknown.
        """
        for cpu in self._running.keys() - self._known:
            self._begin(cpu, *self._running[cpu])
        by_time = itemgetter(0)
        return Trace(
            start_ns=self._start_ns,
            end_ns=self._end_ns,
            names=self._threads.names(process_of),
            switches=tuple(sorted(self._switches, key=by_time)),
            wakes=tuple(sorted(self._wakes, key=by_time)),
            interrupts=self._interruptions.all_of(),
            signals=tuple(sorted(self._signals)),
            ends=tuple(sorted(self._ends)),
            frequencies=tuple(sorted(self._frequencies)),
            migrations=tuple(sorted(self._migrations, key=by_time)),
            starts=tuple(sorted(self._starts)),
            lost=self._lost,
        )

    def _learn(self, event: str, layout: EventFormat) -> None:
        handlers: dict[str, Callable[..., None]] = {
            "sched/sched_switch": self._switch,
            "sched/sched_waking": self._wake,
            "sched/sched_migrate_task": self._migrate,
            "sched/sched_process_exit": self._exit,
            "task/task_newtask": self._new,
            "irq/irq_handler_entry": self._irq_entry,
            "irq/irq_handler_exit": self._irq_exit,
            "irq/softirq_entry": self._softirq_entry,
            "irq/softirq_exit": self._softirq_exit,
            "signal/signal_generate": self._signal,
            "power/cpu_frequency": self._frequency,
        }
        if event not in handlers:
            return
        self._readers[layout.number] = (handlers[event], *layout.reader(*_FIELDS[event]))
        if event == "sched/sched_switch":
            self._letters = sorted((bit, letter) for bit, letter in layout.symbols.items() if bit)
        if event == "irq/softirq_entry":
            self._softirqs = layout.symbols

    def _event(self, at_ns: int, offset: int, size: int) -> None:
        if size < _COMMON.size:
            self._lost += 1
            return
        number, _, _, current = _COMMON.unpack_from(self._page, offset)
        handler, reader, least = self._readers.get(number, _UNREAD)
        if size < least:
            self._lost += 1
            return
        self._at_ns, self._offset = at_ns, offset
        self._inside = self._start_ns <= at_ns <= self._end_ns
        if self._running.get(self._cpu, _NO_ONE)[0] != current or self._cpu not in self._known:
            self._see(current)
        handler(*reader(self._page, offset))

    def _see(self, tid: int) -> None:
        """Note the thread that ran at an event: the first one, or one to which a switch is missing."""
        running = self._running.get(self._cpu)
        if self._at_ns >= self._start_ns and self._cpu not in self._known:
            self._begin(self._cpu, *(running or (tid, 0)))
        if running and running[0] != tid and self._inside:
            self._last_switch[self._cpu] = len(self._switches)
            priority = self._threads.priority(tid)
            self._switches.append((self._at_ns, self._cpu, running[0], "?", tid, priority))
        if not running or running[0] != tid:
            self._running[self._cpu] = (tid, 0)

    def _begin(self, cpu: int, tid: int, priority: int) -> None:
        """Note the thread that runs on a processor when the window begins."""
        self._known.add(cpu)
        self._last_switch[cpu] = len(self._switches)
        self._switches.append((self._start_ns, cpu, -1, "?", tid, priority))

    def _switch(  # noqa: PLR0913, PLR0917 - the fields of the event
        self, comm: bytes, tid: int, prio: int, state: int, next_comm: bytes, next_tid: int, next_prio: int
    ) -> None:
        priority = next_priority = 0
        begun = self._last_switch.pop(self._cpu, -1)
        self._interruptions.switch(self._cpu)
        if prio < _REALTIME:
            priority = _priority(prio)
            self._raise(begun, tid, priority)
        if next_prio < _REALTIME:
            next_priority = _priority(next_prio)
        self._threads.name(tid, self._at_ns, comm, priority)
        self._threads.name(next_tid, self._at_ns, next_comm, next_priority)
        self._running[self._cpu] = (next_tid, next_priority)
        if not self._inside:
            return
        self._last_switch[self._cpu] = len(self._switches)
        self._switches.append((self._at_ns, self._cpu, tid, self._letter(state), next_tid, next_priority))

    def _raise(self, begun: int, tid: int, priority: int) -> None:
        """Correct the priority of a run that ends, if it was lower at its begin."""
        if begun >= 0 and self._switches[begun][4] == tid and priority > self._switches[begun][5]:
            self._switches[begun] = (*self._switches[begun][:5], priority)

    def _letter(self, state: int) -> str:
        letter = self._letter_of.get(state)
        if letter is None:
            letter = self._letter_of[state] = next((letter for bit, letter in self._letters if state & bit), "R")
        return letter

    def _wake(self, flags: int, waker: int, comm: bytes, tid: int, prio: int, target: int) -> None:
        if self._inside:
            self._threads.name(tid, self._at_ns, comm, _priority(prio))
            self._wakes.append((self._at_ns, self._cpu, tid, target, 0 if flags & _IN_INTERRUPT else waker))

    def _migrate(self, tid: int, left: int, reached: int) -> None:
        if self._inside:
            self._migrations.append((self._at_ns, tid, left, reached))

    def _exit(self, comm: bytes, tid: int) -> None:
        if self._inside:
            self._threads.name(tid, self._at_ns, comm)
            self._ends.append((self._at_ns, tid))

    def _new(self, parent: int, tid: int, comm: bytes, flags: int) -> None:
        if flags & _CLONE_THREAD:
            self._threads.add_sibling(tid, parent)
        if self._inside:
            self._threads.name(tid, self._at_ns, comm)
            self._starts.append((self._at_ns, tid, parent))

    def _irq_entry(self, number: int, location: int) -> None:
        start, size = self._offset + (location & 0xFFFF), location >> 16
        self._interruptions.enter(
            self._at_ns, (self._cpu, "irq", number), text(self._page[start : start + size]) or f"interrupt {number}"
        )

    def _irq_exit(self, number: int) -> None:
        self._interruptions.leave(self._at_ns, (self._cpu, "irq", number), f"interrupt {number}")

    def _softirq_entry(self, vector: int) -> None:
        self._interruptions.enter(self._at_ns, (self._cpu, "softirq", vector), self._softirq(vector))

    def _softirq_exit(self, vector: int) -> None:
        self._interruptions.leave(self._at_ns, (self._cpu, "softirq", vector), self._softirq(vector))

    def _softirq(self, vector: int) -> str:
        return self._softirqs.get(vector, f"soft interrupt {vector}")

    def _signal(self, sender: int, number: int, target: int, result: int) -> None:
        if self._inside and (result != _IGNORED or number == SIGCONT):
            self._signals.append((self._at_ns, sender, number, target))

    def _frequency(self, kilohertz: int, cpu: int) -> None:
        if self._inside:
            self._frequencies.append((self._at_ns, cpu, kilohertz))


def _priority(prio: int) -> int:
    """Return the real-time priority for the kernel's own number; 0 for none."""
    if prio >= _REALTIME:
        return 0
    return _DEADLINE if prio < 0 else _REALTIME - 1 - prio
