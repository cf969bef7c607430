"""The agent's own process, under the names that every Prometheus client library uses for its process."""

from __future__ import annotations

import os
import re
import resource
import time
from pathlib import Path

from collectors.host import stat
from collectors.kernel_files import read_text
from collectors.metrics import Family, LabelValues, counter, gauge

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_UNLIMITED = 2**64 - 1
_KEEP_SECONDS = 10.0
_MACHINE = Path("/")

# proc_pid_stat(5): its fields 14, 15, 22, 23 and 24, where the first after the name in brackets is field 3.
_USER, _SYSTEM, _START, _VIRTUAL, _RESIDENT = 11, 12, 19, 20, 21


class OwnProcess:
    """The agent's own process. Its proportional memory is measured less often: the kernel walks all pages for it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._boot: int | None = None
        self._measured = -_KEEP_SECONDS
        self._memory: dict[LabelValues, float] = {}

    def families(self) -> list[Family]:
        """Return processor time, memory and open files of this process, and the memory of its children."""
        if time.monotonic() - self._measured >= _KEEP_SECONDS:
            self._memory = _proportional_memory(self._root)
            self._measured = time.monotonic()
        return [
            *_own(self._root, self._boot_time()),
            gauge(
                "wr_agent_memory_pss_bytes",
                "Proportional set size of the agent and of its children, such as the audio probe. "
                "Memory that processes share counts by its share.",
                self._memory,
                ("process",),
            ),
        ]

    def _boot_time(self) -> int:
        """Return the time of boot as Unix time, read once as by client libraries."""
        if self._boot is None:
            self._boot = stat.parse(read_text(f"{self._root}/proc/stat"))["btime"]
        return self._boot


def _own(root: Path, boot: int) -> list[Family]:
    fields = read_text(f"{root}/proc/self/stat").rpartition(")")[2].split()
    started = boot + int(fields[_START]) / _TICKS_PER_SECOND
    return [
        counter(
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS_PER_SECOND,
        ),
        gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", started),
        gauge("process_resident_memory_bytes", "Resident memory size in bytes.", int(fields[_RESIDENT]) * _PAGE),
        gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", int(fields[_VIRTUAL])),
        gauge(
            "process_virtual_memory_max_bytes",
            "Maximum amount of virtual memory available in bytes.",
            _limit(resource.RLIMIT_AS),
        ),
        gauge(
            "process_open_fds",
            "Number of open file descriptors.",
            _open_files(root),
        ),
        gauge("process_max_fds", "Maximum number of open file descriptors.", _limit(resource.RLIMIT_NOFILE)),
    ]


def _open_files(root: Path) -> int:
    """Return the number of this process's descriptors, which is the size of their directory since Linux 6.2."""
    directory = root / "proc/self/fd"
    size = directory.stat().st_size if root == _MACHINE else 0
    return size or len(os.listdir(directory))  # noqa: PTH208 - names cost less than paths


def _proportional_memory(root: Path) -> dict[LabelValues, float]:
    """Return the PSS of this process and of its children in bytes; without those that have ended."""
    own = _pss(root, "self")
    children = [_pss(root, pid) for pid in _children(root)]
    found = {"agent": own, "children": sum(size for size in children if size is not None)}
    return {(name,): float(size) for name, size in found.items() if size is not None}


def _children(root: Path) -> list[str]:
    """Return the ids of the children of all threads; none if the kernel does not list them."""
    pids: list[str] = []
    for thread in (root / "proc/self/task").glob("*"):
        try:
            pids += read_text(thread / "children").split()
        except OSError:
            continue
    return pids


def _pss(root: Path, pid: str) -> int | None:
    """Return the PSS of a process in bytes; None if it has ended or the kernel is older than 4.14."""
    try:
        found = re.search(r"^Pss:\s+(\d+) kB$", read_text(root / "proc" / pid / "smaps_rollup"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _limit(kind: int) -> int:
    soft, _ = resource.getrlimit(kind)
    return _UNLIMITED if soft == resource.RLIM_INFINITY else soft
