"""The programs that use processors, memory and disks most. Off by default: a program's name becomes a label."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from collectors.findings import Finding, Severity
from collectors.host import cpu
from collectors.kernel_files import entries, read_text
from collectors.metrics import Family, gauge

_MOST = 10
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# proc_pid_stat(5): fields 14, 15, 22 and 24, where the first after the name is field 3.
_USER, _SYSTEM, _START, _RESIDENT = 11, 12, 19, 21
_PAGE = os.sysconf("SC_PAGE_SIZE")
_BUSY = 0.9
_IDLE = (cpu.MODES.index("idle"), cpu.MODES.index("iowait"))
_OPERATIONS = ("read", "write")


@dataclass(frozen=True, slots=True)
class Process:
    """One process.

    Attributes:
        name: Its name.
        started: Its start in ticks since boot.
        used: Its processor time in ticks.
        resident: Its memory in bytes, with the pages that it shares.
        disk: The bytes that it read from disks and wrote to them; None if this user may not know.
    """

    name: str
    started: int
    used: int
    resident: int = 0
    disk: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ProcessTable:
    """All processes by their numbers, and the time of the reading in seconds."""

    at: float
    processes: dict[str, Process]


def parse(stat: str, io: str = "") -> Process:
    """Parse a process's `stat` (proc_pid_stat(5)) and `io` (proc_pid_io(5)); a name may hold spaces and brackets."""
    name, fields = stat[stat.index("(") + 1 : stat.rindex(")")], stat[stat.rindex(")") + 1 :].split()
    return Process(
        name,
        started=int(fields[_START]),
        used=int(fields[_USER]) + int(fields[_SYSTEM]),
        resident=int(fields[_RESIDENT]) * _PAGE,
        disk=_disk(io),
    )


def _disk(io: str) -> tuple[int, int] | None:
    """Return the bytes read and written. Bytes that were deleted before they reached the disk do not count."""
    numbers = dict(line.split(": ") for line in io.splitlines() if ": " in line)
    if not {"read_bytes", "write_bytes"} <= numbers.keys():
        return None
    written = int(numbers["write_bytes"]) - int(numbers.get("cancelled_write_bytes", 0))
    return int(numbers["read_bytes"]), max(written, 0)


def read(root: Path, *, with_disk: bool = False) -> ProcessTable:
    """Read all processes."""
    processes = {}
    for pid in filter(str.isdecimal, entries(root / "proc")):
        directory = f"{root}/proc/{pid}"
        try:
            processes[pid] = parse(read_text(f"{directory}/stat"), _text_of(f"{directory}/io") if with_disk else "")
        except OSError:  # the process has ended
            continue
    return ProcessTable(time.monotonic(), processes)


def _text_of(path: str) -> str:
    """Return the text of a file; "" if this user may not read it, as that of another user's process."""
    try:
        return read_text(path)
    except OSError:
        return ""


def busiest(before: ProcessTable, after: ProcessTable) -> list[tuple[str, float]]:
    """Return the ten busiest programs between two readings, with the processors that all their processes used.

    A ratio of 1 is one processor. A process that ended between the readings is not counted.
    """
    used: Counter[str] = Counter()
    for pid, process in after.processes.items():
        known = _same(before, pid, process)
        used[process.name] += process.used - (known.used if known else 0)
    seconds = (after.at - before.at) * _TICKS_PER_SECOND
    return [(name, ticks / seconds) for name, ticks in used.most_common(_MOST) if ticks]


def largest(reading: ProcessTable) -> list[tuple[str, int]]:
    """Return the ten programs with the most memory. Pages that their processes share count once for each."""
    resident: Counter[str] = Counter()
    for process in reading.processes.values():
        resident[process.name] += process.resident
    return [(name, size) for name, size in resident.most_common(_MOST) if size]


def busiest_on_disk(before: ProcessTable, after: ProcessTable) -> list[tuple[str, tuple[float, float]]]:
    """Return the ten programs that read and wrote most between two readings, in bytes a second.

    A process that began or ended between the readings is not counted.
    """
    moved: dict[str, tuple[int, int]] = {}
    for pid, process in after.processes.items():
        known = _same(before, pid, process)
        if known and known.disk and process.disk:
            reads, writes = moved.get(process.name, (0, 0))
            moved[process.name] = (
                reads + process.disk[0] - known.disk[0],
                writes + max(process.disk[1] - known.disk[1], 0),
            )
    ranked = sorted(moved.items(), key=lambda item: sum(item[1]), reverse=True)[:_MOST]
    seconds = after.at - before.at
    return [(name, (reads / seconds, writes / seconds)) for name, (reads, writes) in ranked if reads + writes]


def _ticks(root: Path) -> tuple[int, int]:
    """Return the ticks of all processors since boot, and those in which they were idle; zero if unknown."""
    processors = cpu.parse(_text_of(f"{root}/proc/stat")).values()
    idle = sum(ticks[mode] for ticks in processors for mode in _IDLE if mode < len(ticks))
    return sum(sum(ticks[: len(cpu.MODES)]) for ticks in processors), idle


def _same(before: ProcessTable, pid: str, process: Process) -> Process | None:
    """Return the process in an earlier reading; None if its number belonged to another one."""
    known = before.processes.get(pid)
    return known if known and known.started == process.started else None


class BusyProcesses:
    """The busiest programs since the last reading, on the machine whose files are under `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._last: ProcessTable | None = None

    def families(self) -> list[Family]:
        """Return the ten programs first in processor time, in memory and on disks; rates not the first time."""
        before, now = self._last, read(self._root, with_disk=True)
        self._last = now
        return [
            gauge(
                "host_busy_process_cpu_ratio",
                "Processors used by the processes of this name since the last scrape; the ten busiest.",
                {(name,): ratio for name, ratio in (busiest(before, now) if before else ())},
                ("process",),
            ),
            gauge(
                "host_busy_process_resident_memory_bytes",
                "Resident memory of the processes of this name, with shared pages; the ten largest.",
                {(name,): size for name, size in largest(now)},
                ("process",),
            ),
            gauge(
                "host_busy_process_disk_bytes_per_second",
                "Disk traffic of the processes of this name since the last scrape; the ten busiest.",
                {
                    (name, operation): rate
                    for name, rates in (busiest_on_disk(before, now) if before else ())
                    for operation, rate in zip(_OPERATIONS, rates, strict=True)
                },
                ("process", "operation"),
            ),
        ]


class Watch:
    """A check of the processors' use from one look to the next. It reads all processes only while they are in use.

    Args:
        root: Where the machine's files are.
        processors: The number of processors.
    """

    def __init__(self, root: Path, processors: int) -> None:
        self._root = root
        self._processors = processors
        self._ticks = _ticks(root)
        self._last: ProcessTable | None = read(root)

    def check(self) -> list[Finding]:
        """Return a finding with the busiest programs, if they used nearly all processors since the last look."""
        before, self._last = self._last, read(self._root) if self._is_busy() else None
        if before is None or self._last is None:
            return []
        found = busiest(before, self._last)
        total = sum(ratio for _, ratio in found)
        return [] if total < self._processors * _BUSY else [self._finding(found, total)]

    def _is_busy(self) -> bool:
        """Return True if nearly all processor time since the last look was used, or if that is unknown."""
        before, self._ticks = self._ticks, _ticks(self._root)
        elapsed, idle = (now - then for now, then in zip(self._ticks, before, strict=True))
        return elapsed <= 0 or idle <= elapsed * (1 - _BUSY)

    def _finding(self, found: list[tuple[str, float]], total: float) -> Finding:
        named = ", ".join(f"{name} {ratio:.0%}" for name, ratio in found[:5])
        return Finding(
            code="host-processors-busy",
            title="The processors are fully used",
            severity=Severity.INFO,
            detail=f"Programs used {total:.1f} of {self._processors} processors since the last check: {named}.",
            affects="Threads without real-time priority wait: sessions load slowly, plugins render late.",
            remedy=("top -o %CPU",),
        )
