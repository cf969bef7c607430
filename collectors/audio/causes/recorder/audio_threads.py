"""The threads of the audio processes: of the server, of its clients and of the probe.

Lively threads are looked at often, the others each second. Idle threads count too: a stop and its continuation make
every thread of a process run once.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from collectors.audio.causes.evidence import ThreadLook, ThreadTrack
from collectors.audio.causes.recorder.affinity import affinity
from collectors.audio.causes.recorder.kept_file import KeptFile, kept
from collectors.audio.causes.recorder.task_stat import TaskStat, parse_schedstat, parse_stat
from collectors.kernel_files import entries, read_bytes

MOST_THREADS = 192
_MOST_OF_A_PROCESS = 16
_REAL_TIME = frozenset({"fifo", "rr", "deadline"})
_KEPT_LOOKS = 160
_SECOND_NS = 1_000_000_000
_KEPT_NS = 8 * _SECOND_NS
_LIVELY_SLICES = 80
"""The least number of times that a lively thread without real-time priority is switched in, in two seconds."""
_ASLEEP = frozenset("SDI")


class AudioProcess(NamedTuple):
    """A process with audio threads.

    Attributes:
        pid: The process.
        role: As `ThreadTrack.role`.
        client: The client's name; empty for the server.
    """

    pid: int
    role: str
    client: str


class _RawLook(NamedTuple):
    """A look as the kernel's text, which is parsed only for the evidence.

    Attributes:
        at_ns: Time of the look.
        schedstat: The text of `schedstat`.
        stat: The text of `stat`; empty if it was not read.
        wchan: The text of `wchan`; empty if it was not read.
    """

    at_ns: int
    schedstat: bytes
    stat: bytes = b""
    wchan: bytes = b""

    def parse(self) -> ThreadLook:
        times = parse_schedstat(self.schedstat)
        if not self.stat:
            return ThreadLook(self.at_ns, *times)
        stat = parse_stat(self.stat)
        wchan = "" if self.wchan == b"0" or stat.state not in _ASLEEP else self.wchan.decode(errors="replace")
        return ThreadLook(self.at_ns, *times, stat.state, stat.cpu, stat.major_faults, stat.block_ticks, wchan)


@dataclass(slots=True)
class _Thread:
    process: AudioProcess
    tid: int
    stat: TaskStat
    schedstat_file: KeptFile
    stat_file: KeptFile
    wchan_file: KeptFile | None
    affinity: tuple[int, ...]
    ended_ns: int = 0
    slices: int = 0
    is_lively: bool = True
    looks: deque[_RawLook] = field(default_factory=lambda: deque(maxlen=_KEPT_LOOKS))

    def look(self, now_ns: int, *, whole: bool = False, closely: bool = False) -> None:
        """Look once; a thread that has ended keeps its looks.

        Args:
            now_ns: Monotonic time.
            whole: Whether to look at its state and its faults too.
            closely: Whether to look at where in the kernel it sleeps too.
        """
        try:
            schedstat = self.schedstat_file.read()
            stat = self.stat_file.read() if whole or closely else b""
        except OSError:
            self.ended_ns = now_ns
            return
        self.looks.append(_RawLook(now_ns, schedstat, stat, self._wchan() if closely else b""))

    def judge(self) -> None:
        """Find whether it is lively; called every other second."""
        last = self.looks[-1] if self.looks else None
        with suppress(ValueError, IndexError):
            slices = parse_schedstat(last.schedstat)[2] if last else 0
            if last and last.stat:
                self.stat = parse_stat(last.stat)
            self.is_lively = self.stat.policy in _REAL_TIME or slices - self.slices >= _LIVELY_SLICES
            self.slices = slices

    def track(self, since_ns: int, dropout_ns: int) -> ThreadTrack:
        """Return the looks since one time, with the policy at another."""
        stat = self._stat_at(dropout_ns)
        return ThreadTrack(
            tid=self.tid,
            pid=self.process.pid,
            name=stat.name,
            role=self.process.role,
            client=self.process.client,
            policy=stat.policy,
            priority=stat.priority,
            affinity=self.affinity,
            looks=tuple(look.parse() for look in self.looks if look.at_ns >= since_ns and look.schedstat),
        )

    def _stat_at(self, at_ns: int) -> TaskStat:
        """Return the last whole look before that time, or the first one after it."""
        whole = [look for look in self.looks if look.stat]
        before = [look for look in whole if look.at_ns <= at_ns]
        chosen = before[-1:] or whole[:1]
        return parse_stat(chosen[0].stat) if chosen else self.stat

    def _wchan(self) -> bytes:
        try:
            return self.wchan_file.read() if self.wchan_file is not None else b""
        except OSError:
            return b""


class AudioThreads:
    """The threads of all audio processes.

    Args:
        proc: Path of `/proc`.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._processes: tuple[AudioProcess, ...] = ()
        self._threads: dict[int, _Thread] = {}
        self._ended: deque[_Thread] = deque(maxlen=MOST_THREADS)

    def discover(self, processes: Iterable[AudioProcess], now_ns: int) -> None:
        """Find new threads of these processes and forget those of other processes."""
        self._processes = tuple(dict.fromkeys(processes))
        pids = {process.pid for process in self._processes}
        for tid in [tid for tid, thread in self._threads.items() if thread.process.pid not in pids]:
            self._end(tid, now_ns)
        for process in self._processes:
            self._discover(process)
        while self._ended and self._ended[0].ended_ns < now_ns - _KEPT_NS:
            self._ended.popleft()

    def look(self, now_ns: int) -> None:
        """Look at the times of the lively threads, and at the states of the server's: a stopped one reports no xrun."""
        for thread in self._threads.values():
            if thread.is_lively:
                thread.look(now_ns, whole=thread.process.role == "server")
        self._end_all(now_ns)

    def look_at_all(self, now_ns: int) -> None:
        """Look at all threads, and judge which are lively."""
        for thread in self._threads.values():
            thread.look(now_ns, whole=thread.is_lively)
            thread.judge()
        self._end_all(now_ns)

    def look_closely(self, now_ns: int, *, idle: bool) -> None:
        """Look at the states of the lively threads, because a dropout may go on.

        Args:
            now_ns: Monotonic time.
            idle: Whether to look at the idle threads too.
        """
        for thread in self._threads.values():
            if idle or thread.is_lively:
                thread.look(now_ns, closely=True)
        self._end_all(now_ns)

    def refresh(self) -> None:
        """Read the processors that each thread may use."""
        for thread in self._threads.values():
            thread.affinity = affinity(thread.tid)

    def tracks(self, since_ns: int, dropout_ns: int) -> tuple[ThreadTrack, ...]:
        """Return the tracks since that time. A thread of a process with several clients has a track for each.

        Args:
            since_ns: Monotonic time of the first look.
            dropout_ns: Monotonic time at which the policies held.
        """
        found = [thread.track(since_ns, dropout_ns) for thread in (*self._ended, *self._threads.values())]
        return tuple(
            msgspec.structs.replace(track, client=client)
            for track in found
            if track.looks
            for client in self._clients(track)
        )

    def _clients(self, track: ThreadTrack) -> Sequence[str]:
        return [it.client for it in self._processes if it.pid == track.pid] or [track.client]

    def _end(self, tid: int, now_ns: int) -> None:
        thread = self._threads.pop(tid)
        thread.ended_ns = now_ns
        self._ended.append(thread)

    def _end_all(self, now_ns: int) -> None:
        for tid in [tid for tid, thread in self._threads.items() if thread.ended_ns]:
            self._end(tid, now_ns)

    def _discover(self, process: AudioProcess) -> None:
        tids = [int(name) for name in entries(f"{self._proc}/{process.pid}/task")]
        new = [tid for tid in tids if tid not in self._threads]
        room = min(_MOST_OF_A_PROCESS - (len(tids) - len(new)), MOST_THREADS - len(self._threads))
        if not new or room <= 0:
            return
        found = {tid: stat for tid in new if (stat := self._stat(process.pid, tid)) is not None}
        # Real-time threads first, then the oldest.
        for tid in sorted(found, key=lambda tid: (found[tid].policy not in _REAL_TIME, tid))[:room]:
            self._add(process, tid, found[tid])

    def _stat(self, pid: int, tid: int) -> TaskStat | None:
        try:
            return parse_stat(read_bytes(f"{self._proc}/{pid}/task/{tid}/stat"))
        except (OSError, ValueError, IndexError):
            return None

    def _add(self, process: AudioProcess, tid: int, stat: TaskStat) -> None:
        folder = f"{self._proc}/{process.pid}/task/{tid}"
        try:
            files = KeptFile(f"{folder}/schedstat"), KeptFile(f"{folder}/stat")
        except OSError:
            return
        self._threads[tid] = _Thread(process, tid, stat, *files, kept(f"{folder}/wchan"), affinity(tid))


def own_processes() -> tuple[int, ...]:
    """Return this process and its children."""
    found: list[int] = []
    for task in entries("/proc/self/task"):
        try:
            found += map(int, read_bytes(f"/proc/self/task/{task}/children").split())
        except OSError:  # a kernel without CONFIG_PROC_CHILDREN, or a thread that has ended
            continue
    return (os.getpid(), *sorted(found))
