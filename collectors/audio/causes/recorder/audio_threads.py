"""The threads of the audio processes: of the server, of its clients and of the probe.

Lively threads are looked at often, the others each second. Idle threads count too: a stop and its continuation make
every thread of a process run once.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Sequence
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
_LIVELY_SLICES = 20
"""The number of times that a lively thread without real-time priority is switched in a second, at least."""
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
    is_lively: bool = False
    looks: deque[ThreadLook] = field(default_factory=lambda: deque(maxlen=_KEPT_LOOKS))
    policies: deque[tuple[int, str, int]] = field(default_factory=lambda: deque(maxlen=16))

    def look(self, now_ns: int) -> None:
        """Look at its times; a thread that has ended keeps its looks."""
        try:
            run, wait, slices = parse_schedstat(self.schedstat_file.read())
        except (OSError, ValueError):
            self.ended_ns = now_ns
            return
        self.looks.append(ThreadLook(now_ns, run, wait, slices))

    def look_whole(self, now_ns: int, *, closely: bool) -> None:
        """Look at its state and its faults too, and closely at where in the kernel it sleeps."""
        try:
            run, wait, slices = parse_schedstat(self.schedstat_file.read())
            stat = parse_stat(self.stat_file.read())
        except (OSError, ValueError, IndexError):
            self.ended_ns = now_ns
            return
        self.see(stat, now_ns)
        wchan = self._wchan() if closely and stat.state in _ASLEEP else ""
        self.looks.append(
            ThreadLook(now_ns, run, wait, slices, stat.state, stat.cpu, stat.major_faults, stat.block_ticks, wchan)
        )

    def see(self, stat: TaskStat, now_ns: int) -> None:
        """Take in its policy."""
        if not self.policies or self.policies[-1][1:] != (stat.policy, stat.priority):
            self.policies.append((now_ns, stat.policy, stat.priority))
        self.stat = stat

    def judge(self) -> None:
        """Find whether it is lively; called each second."""
        slices = self.looks[-1].slices if self.looks else 0
        self.is_lively = self.stat.policy in _REAL_TIME or slices - self.slices >= _LIVELY_SLICES
        self.slices = slices

    def track(self, since_ns: int, dropout_ns: int) -> ThreadTrack:
        """Return the looks since one time, with the policy at another."""
        before = [it for it in self.policies if it[0] <= dropout_ns] or list(self.policies)[:1]
        _, policy, priority = before[-1]
        return ThreadTrack(
            tid=self.tid,
            pid=self.process.pid,
            name=self.stat.name,
            role=self.process.role,
            client=self.process.client,
            policy=policy,
            priority=priority,
            affinity=self.affinity,
            looks=tuple(look for look in self.looks if look.at_ns >= since_ns),
        )

    def _wchan(self) -> str:
        try:
            place = self.wchan_file.read().decode() if self.wchan_file is not None else ""
        except OSError:
            return ""
        return "" if place == "0" else place


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
            self._discover(process, now_ns)
        while self._ended and self._ended[0].ended_ns < now_ns - _KEPT_NS:
            self._ended.popleft()

    def look(self, now_ns: int) -> None:
        """Look at the times of the lively threads."""
        for thread in self._threads.values():
            if thread.is_lively:
                thread.look(now_ns)
        self._end_all(now_ns)

    def look_at_all(self, now_ns: int) -> None:
        """Look at all threads; called each second."""
        for thread in self._threads.values():
            if thread.is_lively:
                thread.look_whole(now_ns, closely=False)
            else:
                thread.look(now_ns)
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
                thread.look_whole(now_ns, closely=True)
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

    def _discover(self, process: AudioProcess, now_ns: int) -> None:
        tids = [int(name) for name in entries(self._proc / str(process.pid) / "task")]
        new = [tid for tid in tids if tid not in self._threads]
        room = min(_MOST_OF_A_PROCESS - (len(tids) - len(new)), MOST_THREADS - len(self._threads))
        if not new or room <= 0:
            return
        found = {tid: stat for tid in new if (stat := self._stat(process.pid, tid)) is not None}
        # Real-time threads first, then the oldest.
        for tid in sorted(found, key=lambda tid: (found[tid].policy not in _REAL_TIME, tid))[:room]:
            self._add(process, tid, found[tid], now_ns)

    def _stat(self, pid: int, tid: int) -> TaskStat | None:
        try:
            return parse_stat(read_bytes(f"{self._proc}/{pid}/task/{tid}/stat"))
        except (OSError, ValueError, IndexError):
            return None

    def _add(self, process: AudioProcess, tid: int, stat: TaskStat, now_ns: int) -> None:
        folder = self._proc / str(process.pid) / "task" / str(tid)
        try:
            files = KeptFile(folder / "schedstat"), KeptFile(folder / "stat")
        except OSError:
            return
        thread = self._threads[tid] = _Thread(process, tid, stat, *files, kept(folder / "wchan"), affinity(tid))
        thread.see(stat, now_ns)
        thread.is_lively = True  # until the first second has shown it


def own_processes() -> tuple[int, ...]:
    """Return this process and its children."""
    found: list[int] = []
    for task in entries("/proc/self/task"):
        try:
            found += map(int, read_bytes(f"/proc/self/task/{task}/children").split())
        except OSError:  # a kernel without CONFIG_PROC_CHILDREN, or a thread that has ended
            continue
    return (os.getpid(), *sorted(found))
