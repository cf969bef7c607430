"""Pressure stall information (PSI): time that tasks waited for processors, memory and disks, from /proc/pressure."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, counter

_MICROSECOND = 1e-6
_RESOURCES = ("cpu", "io", "memory", "irq")

# By file and line. Kernels have the last since 6.1.
_FAMILIES = (
    ("cpu", "some", "cpu_waiting", "Total time in seconds that processes have waited for CPU time"),
    ("io", "some", "io_waiting", "Total time in seconds that processes have waited due to IO congestion"),
    ("io", "full", "io_stalled", "Total time in seconds no process could make progress due to IO congestion"),
    ("memory", "some", "memory_waiting", "Total time in seconds that processes have waited for memory"),
    (
        "memory",
        "full",
        "memory_stalled",
        "Total time in seconds no process could make progress due to memory congestion",
    ),
    ("irq", "full", "irq_stalled", "Total time in seconds no process could make progress due to IRQ congestion"),
)


def parse(text: str) -> dict[str, int]:
    """Return the total in microseconds of each line, from lines such as `some avg10=0.00 … total=1234`."""
    lines = (line.partition(" ") for line in text.splitlines())
    return {kind: int(fields.rpartition("total=")[2]) for kind, _, fields in lines}


def families(root: Path) -> list[Family]:
    """Return the counters of this kernel.

    Raises:
        FileNotFoundError: The kernel counts no pressure, or was started without `psi=1`.
    """
    totals = {resource: parse(text) for resource in _RESOURCES if (text := _read(root / "proc/pressure" / resource))}
    if not totals:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(root / "proc/pressure"))
    return [
        counter(f"node_pressure_{name}_seconds_total", help, totals[resource][kind] * _MICROSECOND)
        for resource, kind, name, help in _FAMILIES
        if resource in totals and kind in totals[resource]
    ]


def _read(path: Path) -> str:
    """Return the file's text; "" where the kernel has none, or refuses the read without `psi=1`."""
    try:
        return read_text(path)
    except OSError:
        return ""
