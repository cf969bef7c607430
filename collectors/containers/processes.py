"""The processes of control groups and their start times."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from collectors.kernel_files import read_text

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STATES = {"S": "sleeping", "R": "running", "T": "stopped", "t": "stopped", "D": "uninterruptible"}
"""cAdvisor's names of the states in proc_pid_stat(5). An idle thread of the kernel or a zombie has none."""

_START_AFTER_NAME = 19  # proc_pid_stat(5): field 22, where the first after the name is field 3


def own_pids(directory: str) -> list[str]:
    """Return the processes of a control group itself; none if it is gone."""
    try:
        return read_text(f"{directory}/cgroup.procs").split()
    except OSError:
        return []


def container_pids(directory: str) -> list[str]:
    """Return the processes of a container's control group; if it has none itself, those of the groups below it.

    Podman and CRI-O put a container's processes into a group below the container's own.
    """
    below = (pid for name in children(directory) for pid in container_pids(f"{directory}/{name}"))
    return own_pids(directory) or list(below)


def children(directory: str) -> list[str]:
    """Return the names of the groups directly below a group; none if it is gone."""
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def oldest(pids: Iterable[str], clock: Clock) -> tuple[str, float | None]:
    """Return the process that started first, and its start; an empty one if all are gone.

    The kernel lists the processes of a group in no order.
    """
    starts = ((clock.started(pid), pid) for pid in pids)
    start, pid = min(((start, pid) for start, pid in starts if start is not None), default=(None, ""))
    return pid, start


class Clock:
    """The start times of processes on the machine whose files are under `root`."""

    def __init__(self, root: Path) -> None:
        self._proc = root / "proc"
        self.boot = self._boot_time()

    def started(self, pid: str) -> float | None:
        """Return the start of a process in seconds since the epoch; None if it is gone."""
        try:
            stat = read_text(self._proc / pid / "stat")
        except OSError:
            return None
        return self.boot + int(stat.rpartition(")")[2].split()[_START_AFTER_NAME]) / _TICKS_PER_SECOND

    def _boot_time(self) -> int:
        try:
            lines = read_text(self._proc / "stat").splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith("btime ")), 0)


def states(pids: Iterable[str], proc: Path) -> dict[str, int]:
    """Return the number of processes in each of cAdvisor's states; without those that are gone."""
    counts = dict.fromkeys(STATES.values(), 0)
    for pid in pids:
        try:
            stat = read_text(proc / pid / "stat")
        except OSError:
            continue
        if state := STATES.get(stat.rpartition(")")[2].lstrip()[:1]):
            counts[state] += 1
    return counts
