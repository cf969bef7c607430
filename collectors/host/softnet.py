"""Packets that each processor took from the network cards, from /proc/net/softnet_stat."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, counter

_COLUMNS = (
    ("processed", "Number of processed packets"),
    ("dropped", "Number of dropped packets"),
    ("times_squeezed", "Number of times processing packets ran out of quota"),
)


def parse(text: str) -> list[tuple[int, ...]]:
    """Return the first columns of each processor's line, in the order of `_COLUMNS`; the numbers are hexadecimal."""
    return [tuple(int(field, 16) for field in line.split()[: len(_COLUMNS)]) for line in text.splitlines()]


def families(root: Path) -> list[Family]:
    """Return the three counters."""
    processors = parse(read_text(f"{root}/proc/net/softnet_stat"))
    return [
        counter(
            f"node_softnet_{name}_total",
            help,
            {(str(cpu),): counts[column] for cpu, counts in enumerate(processors)},
            ("cpu",),
        )
        for column, (name, help) in enumerate(_COLUMNS)
    ]
