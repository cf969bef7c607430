"""Run time and wait time of tasks on each processor, from /proc/schedstat (sched-stats.rst, version 15 and later)."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, counter

_NANOSECOND = 1e-9

# The seventh, eighth and ninth number of a processor's line.
_FIELDS = (
    (7, "running_seconds", _NANOSECOND, "Number of seconds CPU spent running a process."),
    (8, "waiting_seconds", _NANOSECOND, "Number of seconds spent by processing waiting for this CPU."),
    (9, "timeslices", 1, "Number of timeslices executed by CPU."),
)


def parse(text: str) -> dict[str, list[str]]:
    """Return the words of each processor's line by its number."""
    lines = (line.split() for line in text.splitlines() if line.startswith("cpu"))
    return {words[0].removeprefix("cpu"): words for words in lines}


def families(root: Path) -> list[Family]:
    """Return the three counters."""
    processors = parse(read_text(f"{root}/proc/schedstat"))
    return [
        counter(
            f"node_schedstat_{name}_total",
            help,
            {(cpu,): int(words[column]) * unit for cpu, words in processors.items()},
            ("cpu",),
        )
        for column, name, unit, help in _FIELDS
    ]
