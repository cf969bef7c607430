"""NVMe disks: description and state, from /sys/class/nvme."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_attribute
from collectors.metrics import Family, gauge

_FILES = ("firmware_rev", "model", "serial", "state")


def families(root: Path) -> list[Family]:
    """Return the one gauge.

    Raises:
        FileNotFoundError: The machine has no such disks.
    """
    disks = sorted((root / "sys/class/nvme").iterdir())
    return [
        gauge(
            "node_nvme_info",
            "Non-numeric data from /sys/class/nvme/<device>, value is always 1.",
            {(disk.name, *((read_attribute(disk / file) or "").strip() for file in _FILES)): 1 for disk in disks},
            ("device", "firmware_revision", "model", "serial", "state"),
        )
    ]
