"""The processor time of all processes.

The kernel's clock of a process counts all its threads in nanoseconds. Any user may read it without opening a file, so
a look at all processes costs less than a microsecond for each. `/proc` is read only of those that ran.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from collectors.audio.causes.evidence import ProcessLook, ProcessTrack
from collectors.audio.causes.recorder.affinity import affinity
from collectors.audio.causes.recorder.task_stat import TaskStat, parse_stat
from collectors.kernel_files import read_bytes

MOST_PROCESSES = 4096
_MOST_TRACKS = 256
_MOST_THREADS = 32
_CPUCLOCK_SCHED = 2
_SECOND_NS = 1_000_000_000
_KEPT_NS = 8 * _SECOND_NS
_MOST_LOOKS = 64
YOUNG_NS = 12_000_000
"""The age at which a new process is looked at once more."""
_GREW_NS = 2_000_000
"""The processor time of a process, since the look before, that may have delayed audio."""
_MOST_SUSPECTS = 12


def process_clock(pid: int) -> int:
    """Return the identifier of a process's clock, as `clock_getcpuclockid(3)` does."""
    return (~pid << 3) | _CPUCLOCK_SCHED


def run_ns(pid: int) -> int:
    """Return the processor time of all threads of a process, including those that ended.

    Raises:
        OSError: There is no such process.
    """
    return time.clock_gettime_ns(process_clock(pid))


@dataclass(slots=True)
class _Process:
    pid: int
    clock: int
    stat: TaskStat | None = None
    user: int = -1
    cgroup: str = ""
    affinity: tuple[int, ...] = ()
    policies: dict[tuple[str, int], int] = field(default_factory=dict)
    seen_ns: int = 0
    run: int = 0
    is_known: bool = False
    ended_ns: int = 0
    looks: deque[ProcessLook] = field(default_factory=lambda: deque(maxlen=_MOST_LOOKS))

    def see_policy(self, stat: TaskStat, now_ns: int) -> None:
        """Take in the policy and the priority of one of its threads."""
        self.policies[stat.policy, stat.priority] = now_ns

    def policy(self, since_ns: int) -> tuple[str, int]:
        """Return the policy and the priority of its thread with the highest priority since that time."""
        last_ns = max(self.policies.values(), default=0)
        recent = [it for it, seen_ns in self.policies.items() if seen_ns >= min(since_ns, last_ns)]
        return max(recent, key=lambda it: (it[1], it[0] not in {"batch", "idle"}), default=("", 0))

    def ran_since(self, since_ns: int) -> bool:
        """Return whether it used a processor after that time."""
        return bool(self.looks) and self.looks[-1].at_ns >= since_ns


class Processes:
    """The rolling memory of all processes.

    Args:
        proc: Path of `/proc`.
        clock: Function that returns the processor time of a clock; a seam for tests.
    """

    def __init__(self, proc: Path = Path("/proc"), clock: Callable[[int], int] = time.clock_gettime_ns) -> None:
        self._proc = proc
        self._clock = clock
        self._living: dict[int, _Process] = {}
        self._ended: deque[_Process] = deque(maxlen=1024)
        self._young: dict[int, int] = {}
        self._boot_ns = 0
        self.left_out = 0

    def discover(self, now_ns: int) -> list[int]:
        """Find new processes; return those that vanished since the last time."""
        present = {int(name) for name in os.listdir(self._proc) if name.isdecimal()}  # noqa: PTH208 - names are enough
        self.left_out = max(len(present) - MOST_PROCESSES, 0)
        vanished = [pid for pid in self._living if pid not in present]
        for pid in vanished:
            self.end(pid, now_ns)
        for pid in sorted(present - self._living.keys()):
            if len(self._living) == MOST_PROCESSES:
                break
            self.begin(pid)
        self._boot_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
        while self._ended and self._ended[0].ended_ns < now_ns - _KEPT_NS:
            self._ended.popleft()
        return vanished

    def begin(self, pid: int) -> None:
        """Add a process."""
        if pid not in self._living and len(self._living) < MOST_PROCESSES:
            self._living[pid] = _Process(pid, process_clock(pid))

    def started(self, pid: int, now_ns: int) -> None:
        """Take in the start of a process or of a program in it, and read its name while it lives."""
        self.begin(pid)
        self._look_at(pid, now_ns)
        self._young[pid] = now_ns

    def look_at_young(self, now_ns: int) -> None:
        """Look at the processes that started a short time ago once more, because they change their priority first."""
        for pid in [pid for pid, since_ns in self._young.items() if now_ns - since_ns >= YOUNG_NS]:
            del self._young[pid]
            self._look_at(pid, now_ns)

    @property
    def young_ns(self) -> int:
        """The time of the next look at young processes; 0 if there are none."""
        return min(self._young.values()) + YOUNG_NS if self._young else 0

    def end(self, pid: int, now_ns: int) -> str:
        """Take in the end of a process; return its name, empty if it is unknown."""
        self._look_at(pid, now_ns)  # possible until its parent has waited for it
        self._young.pop(pid, None)
        process = self._living.pop(pid, None)
        if process is None:
            return ""
        process.ended_ns = now_ns
        if process.looks:
            self._ended.append(process)
        return process.stat.name if process.stat else ""

    def _look_at(self, pid: int, now_ns: int) -> None:
        process = self._living.get(pid)
        if process is None:
            return
        with suppress(OSError):
            self._see(process, self._clock(process.clock), now_ns, whole=True)
            process.seen_ns = now_ns

    def look(self, now_ns: int, *, whole: bool) -> None:
        """Look at the processor time of all processes.

        Args:
            now_ns: Monotonic time.
            whole: Whether to read the other fields of those that ran.
        """
        read = self._clock
        for process in list(self._living.values()):
            try:
                run = read(process.clock)
            except OSError:
                continue  # `discover` or the kernel's report of its end follows
            if run != process.run or not process.is_known:
                self._see(process, run, now_ns, whole=whole)
            process.seen_ns = now_ns

    def look_for_suspects(self, now_ns: int) -> None:
        """Look at all processes, and at the threads of those that ran most: a real-time thread may end soon."""
        before = {pid: process.run for pid, process in self._living.items()}
        self.look(now_ns, whole=False)
        grown = sorted(
            (process for pid, process in self._living.items() if process.run - before.get(pid, 0) >= _GREW_NS),
            key=lambda process: before.get(process.pid, 0) - process.run,
        )
        for process in grown[:_MOST_SUSPECTS]:
            if process.stat is not None and (stat := self._stat(process.pid)) is not None:
                self._identify(process, stat)
                self._see_threads(process, now_ns)

    def refresh(self, since_ns: int) -> None:
        """Read control group, processors and highest priority of the processes that ran since that time."""
        for process in self._ran(since_ns):
            process.affinity = affinity(process.pid)
            process.cgroup = self._cgroup(process.pid)
            self._see_threads(process, time.monotonic_ns())

    def name(self, pid: int) -> str:
        """Return the command of a process; empty if it is unknown."""
        process = self._living.get(pid)
        if process is None:
            return ""
        stat = process.stat or self._stat(pid)
        return stat.name if stat else ""

    def tracks(self, since_ns: int, until_ns: int) -> tuple[ProcessTrack, ...]:
        """Return the processes that used a processor between the two times, those that used most first."""
        found = [
            (used, track)
            for process in (*self._ended, *list(self._living.values()))
            if (track := self._track(process, since_ns)) is not None
            and (used := _used(track, since_ns, until_ns) or bool(track.ended_ns or process.stat is None))
        ]
        found.sort(key=lambda pair: -pair[0])
        return tuple(track for _, track in found[:_MOST_TRACKS])

    def _ran(self, since_ns: int) -> list[_Process]:
        return [process for process in self._living.values() if process.ran_since(since_ns)]

    def _see(self, process: _Process, run: int, now_ns: int, *, whole: bool) -> None:
        """Add a look at a process that ran."""
        if process.looks and process.seen_ns > process.looks[-1].at_ns:
            process.looks.append(ProcessLook(process.seen_ns, process.run))
        stat = self._stat(process.pid) if whole or process.stat is None else None
        if stat is None:
            process.looks.append(ProcessLook(now_ns, run))
        else:
            self._identify(process, stat)
            moved = self._moved(process.pid) if whole else (-1, -1)
            process.looks.append(
                ProcessLook(
                    now_ns, run, stat.state, stat.cpu, stat.major_faults, stat.block_ticks, *moved, stat.children_ns
                )
            )
        process.run, process.is_known = run, True

    def _identify(self, process: _Process, stat: TaskStat) -> None:
        if process.stat is None or process.user < 0:
            process.user = self._user(process.pid)
        if process.stat is not None and process.stat.started_ns != stat.started_ns:  # another process has the number
            process.looks.clear()
            process.policies.clear()
            process.user = self._user(process.pid)
        process.stat = stat
        process.see_policy(stat, time.monotonic_ns())

    def _stat(self, pid: int) -> TaskStat | None:
        try:
            return parse_stat(read_bytes(f"{self._proc}/{pid}/stat"))
        except (OSError, ValueError, IndexError):
            return None

    def _user(self, pid: int) -> int:
        try:
            return os.stat(f"{self._proc}/{pid}").st_uid  # noqa: PTH116 - a path object costs more than the call
        except OSError:
            return -1

    def _cgroup(self, pid: int) -> str:
        """Return the path of a process's control group: of version 2, or of the processor's hierarchy in version 1."""
        try:
            lines = read_bytes(f"{self._proc}/{pid}/cgroup").decode(errors="replace").splitlines()
        except OSError:
            return ""
        fields = [line.split(":", 2) for line in lines]
        named = [path for _, controllers, path in fields if "cpu" in controllers.split(",")]
        unified = [path for number, _, path in fields if number == "0"]
        return (named or unified or [""])[0]

    def _moved(self, pid: int) -> tuple[int, int]:
        """Return the bytes read from and written to storage; -1 where they may not be read."""
        try:
            fields = dict(line.split(b": ") for line in read_bytes(f"{self._proc}/{pid}/io").splitlines())
            return int(fields[b"read_bytes"]), int(fields[b"write_bytes"])
        except (OSError, ValueError, KeyError):
            return -1, -1

    def _see_threads(self, process: _Process, now_ns: int) -> None:
        """Find the highest real-time priority of its threads."""
        if process.stat is None or process.stat.threads < 2:  # noqa: PLR2004 - its first thread is known
            return
        folder = f"{self._proc}/{process.pid}/task"
        try:
            tids = os.listdir(folder)[:_MOST_THREADS]  # noqa: PTH208 - names are enough
        except OSError:
            return
        for tid in tids:
            try:
                stat = parse_stat(read_bytes(f"{folder}/{tid}/stat"))
            except (OSError, ValueError, IndexError):
                continue
            process.see_policy(stat, now_ns)

    def _track(self, process: _Process, since_ns: int) -> ProcessTrack | None:
        looks = _since(process.looks.copy(), since_ns)
        if not looks:
            return None
        stat = process.stat
        policy, priority = process.policy(since_ns)
        return ProcessTrack(
            pid=process.pid,
            parent=stat.parent if stat else 0,
            name=stat.name if stat else "",
            user=process.user,
            policy=policy,
            priority=priority,
            nice=stat.nice if stat else 0,
            affinity=process.affinity,
            cgroup=process.cgroup,
            started_ns=stat.started_ns - self._boot_ns if stat else 0,
            ended_ns=process.ended_ns,
            looks=tuple(looks),
        )


def _since(looks: Iterable[ProcessLook], since_ns: int) -> list[ProcessLook]:
    """Return the looks since that time, and the last one before it as their start."""
    found = list(looks)
    first = next((at for at, look in enumerate(found) if look.at_ns >= since_ns), len(found))
    return found[max(first - 1, 0) :] if first < len(found) else []


def _used(track: ProcessTrack, since_ns: int, until_ns: int) -> int:
    """Return the processor time from the first look to the last one before `until_ns`.

    It counts from the start of a process that started after `since_ns`.
    """
    last = next((look for look in reversed(track.looks) if look.at_ns <= until_ns), track.looks[-1])
    return last.run_ns - (0 if track.started_ns > since_ns else track.looks[0].run_ns)
