"""What processes cost, from the kernel's own accounts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """A process and all that it started, as far as they live."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """CPU time of a process to the nanosecond: what the scheduler gave each of its threads."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended just now
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def uss_mib(processes: Iterable[psutil.Process]) -> float:
    """Memory that would come free if these ended: shared libraries and JACK's shared memory are not in it."""
    return sum(float(process.memory_full_info().uss) for process in processes) / 2**20
