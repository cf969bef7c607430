"""The kernel's entropy pool, from /proc/sys/kernel/random."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, gauge


def families(root: Path) -> list[Family]:
    """Return the two gauges."""
    directory = f"{root}/proc/sys/kernel/random"
    return [
        gauge(
            "node_entropy_available_bits", "Bits of available entropy.", int(read_text(f"{directory}/entropy_avail"))
        ),
        gauge("node_entropy_pool_size_bits", "Bits of entropy pool.", int(read_text(f"{directory}/poolsize"))),
    ]
