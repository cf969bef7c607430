"""The processes of control groups: which they are, since when they run."""

from __future__ import annotations

import os
from pathlib import Path

from collectors.host.files import read_text

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_START_AFTER_NAME = 19  # proc_pid_stat(5): field 22, where the first after the name is field 3


def own_pids(directory: str) -> list[str]:
    """The processes of a control group itself; none if it is gone."""
    try:
        return read_text(f"{directory}/cgroup.procs").split()
    except OSError:
        return []


def container_pids(directory: str) -> list[str]:
    """The processes of a container's control group; where it has none itself, those of the groups below it.

    Podman and CRI-O put a container's processes into a group below the container's own.
    """
    below = (pid for name in children(directory) for pid in container_pids(f"{directory}/{name}"))
    return own_pids(directory) or list(below)


def children(directory: str) -> list[str]:
    """The names of the groups right below a group; none if it is gone."""
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


class Clock:
    """When processes of the machine whose files are under `root` started."""

    def __init__(self, root: Path) -> None:
        self._proc = root / "proc"
        self.boot = self._boot_time()

    def started(self, pid: str) -> float | None:
        """When a process started, in seconds since the epoch; None if it is gone."""
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
