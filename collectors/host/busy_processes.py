"""The programs that use the processors most. Off by default: a program's name becomes a label."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from collectors.findings import Finding, Severity
from collectors.kernel_files import read_text
from collectors.metrics import Family, gauge

_MOST = 10
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM, _START = 11, 12, 19  # proc_pid_stat(5): fields 14, 15, 22, where the first after the name is field 3
_BUSY = 0.9


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its name, its start in ticks since boot, and its processor time in ticks."""

    name: str
    started: int
    used: int


@dataclass(frozen=True, slots=True)
class Reading:
    """All processes by their numbers, and the time of the reading in seconds."""

    at: float
    processes: dict[str, Process]


def parse(stat: str) -> Process:
    """Parse a process's `stat` (proc_pid_stat(5)); a name may hold spaces and brackets."""
    name, fields = stat[stat.index("(") + 1 : stat.rindex(")")], stat[stat.rindex(")") + 1 :].split()
    return Process(name, int(fields[_START]), int(fields[_USER]) + int(fields[_SYSTEM]))


def read(root: Path) -> Reading:
    """Read all processes."""
    processes = {}
    for directory in (root / "proc").glob("[0-9]*"):
        try:
            processes[directory.name] = parse(read_text(directory / "stat"))
        except OSError:  # the process has ended
            continue
    return Reading(time.monotonic(), processes)


def busiest(before: Reading, after: Reading) -> list[tuple[str, float]]:
    """Return the ten busiest programs between two readings, with the processors that all their processes used.

    A ratio of 1 is one processor. A process that ended between the readings is not counted.
    """
    used: Counter[str] = Counter()
    for pid, process in after.processes.items():
        known = before.processes.get(pid)
        already = known.used if known and known.started == process.started else 0
        used[process.name] += process.used - already
    seconds = (after.at - before.at) * _TICKS_PER_SECOND
    return [(name, ticks / seconds) for name, ticks in used.most_common(_MOST) if ticks]


class BusyProcesses:
    """The busiest programs since the last reading, on the machine whose files are under `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._last: Reading | None = None

    def families(self) -> list[Family]:
        """Return the ten busiest; none the first time."""
        before, self._last = self._last, read(self._root)
        found = busiest(before, self._last) if before else []
        help = "Processors used by the processes of this name since the last scrape; the ten busiest."
        return [gauge("host_busy_process_cpu_ratio", help, {(name,): ratio for name, ratio in found}, ("process",))]


class Watch:
    """A check of the processors' use from one look to the next.

    Args:
        root: Where the machine's files are.
        processors: The number of processors.
    """

    def __init__(self, root: Path, processors: int) -> None:
        self._root = root
        self._processors = processors
        self._last = read(root)

    def check(self) -> list[Finding]:
        """Return a finding with the busiest programs, if they used nearly all processors since the last look."""
        before, self._last = self._last, read(self._root)
        found = busiest(before, self._last)
        total = sum(ratio for _, ratio in found)
        return [] if total < self._processors * _BUSY else [self._finding(found, total)]

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
