"""Kernel activity since boot and the time of boot, from /proc/stat. Processor time belongs to `cpu`."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, MetricType

_FIELDS: tuple[tuple[str, str, MetricType, str], ...] = (
    ("intr", "node_intr_total", "counter", "Total number of interrupts serviced."),
    ("ctxt", "node_context_switches_total", "counter", "Total number of context switches."),
    ("processes", "node_forks_total", "counter", "Total number of forks."),
    ("btime", "node_boot_time_seconds", "gauge", "Node boot time, in unixtime."),
    ("procs_running", "node_procs_running", "gauge", "Number of processes in runnable state."),
    ("procs_blocked", "node_procs_blocked", "gauge", "Number of processes blocked waiting for I/O to complete."),
)


def parse(text: str) -> dict[str, int]:
    """Return the first number of each line by its name: the sum, where a line continues with its parts."""
    fields = {}
    for line in text.splitlines():
        name, number, *_ = line.split(maxsplit=2)
        fields[name] = int(number)
    return fields


def families(root: Path) -> list[Family]:
    """Return the fields of this kernel."""
    fields = parse(read_text(f"{root}/proc/stat"))
    return [Family(name, type_, help, (), {(): fields[key]}) for key, name, type_, help in _FIELDS if key in fields]
