"""The cost of processes, from the kernel's own accounts."""

from __future__ import annotations

import time
from collections.abc import Iterable

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all of its living descendants."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process in nanoseconds, with all of its threads, also those that have ended."""
    # The kernel's clock of another process, as clock_getcpuclockid(3) makes its number.
    return time.clock_gettime((~pid << 3) | 2)


def uss_mib(processes: Iterable[psutil.Process]) -> float:
    """Return the memory that their end would free, without shared libraries and JACK's shared memory."""
    return sum(float(process.memory_full_info().uss) for process in processes) / 2**20


def rss_mib(pid: int) -> float:
    """Return the resident memory of one process."""
    return float(psutil.Process(pid).memory_info().rss) / 2**20
