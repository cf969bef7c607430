"""Soft interrupts by kind and processor, from /proc/softirqs. They run before any thread, real-time or not."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, LabelValues, counter


def parse(text: str) -> dict[LabelValues, float]:
    """Return the counts by processor and kind."""
    header, *lines = text.splitlines()
    cpus = [name.removeprefix("CPU") for name in header.split()]
    rows = (line.split() for line in lines)
    return {
        (cpu, kind.removesuffix(":")): int(count)
        for kind, *counts in rows
        for cpu, count in zip(cpus, counts, strict=False)  # offline processors that could be added have columns too
    }


def families(root: Path) -> list[Family]:
    """Return the counter that node_exporter has since 1.6."""
    counts = parse(read_text(root / "proc/softirqs"))
    return [counter("node_softirqs_functions_total", "Softirq counts per CPU.", counts, ("cpu", "type"))]
