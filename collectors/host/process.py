"""The agent's own process, under the names that every Prometheus client library uses for its process."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from collectors.host import stat
from collectors.kernel_files import read_text
from collectors.metrics import Family, counter, gauge

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_UNLIMITED = 2**64 - 1

# proc_pid_stat(5): its fields 14, 15, 22, 23 and 24, where the first after the name in brackets is field 3.
_USER, _SYSTEM, _START, _VIRTUAL, _RESIDENT = 11, 12, 19, 20, 21


def families(root: Path) -> list[Family]:
    """Return processor time, memory and open files of this process."""
    fields = read_text(f"{root}/proc/self/stat").rpartition(")")[2].split()
    started = stat.parse(read_text(f"{root}/proc/stat"))["btime"] + int(fields[_START]) / _TICKS_PER_SECOND
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
            len(os.listdir(root / "proc/self/fd")),  # noqa: PTH208 - names cost less than paths
        ),
        gauge("process_max_fds", "Maximum number of open file descriptors.", _limit(resource.RLIMIT_NOFILE)),
    ]


def _limit(kind: int) -> int:
    soft, _ = resource.getrlimit(kind)
    return _UNLIMITED if soft == resource.RLIM_INFINITY else soft
