"""Open files of the whole machine, from /proc/sys/fs/file-nr."""

from __future__ import annotations

from pathlib import Path

from collectors.kernel_files import read_text
from collectors.metrics import Family, gauge


def parse(text: str) -> tuple[int, int]:
    """Return allocated and maximum file handles. The number between them is 0 since Linux 2.6.

    Raises:
        ValueError: The text is not three numbers.
    """
    allocated, _, maximum = text.split()
    return int(allocated), int(maximum)


def families(root: Path) -> list[Family]:
    """Return the two gauges."""
    allocated, maximum = parse(read_text(f"{root}/proc/sys/fs/file-nr"))
    return [
        gauge("node_filefd_allocated", "File descriptor statistics: allocated.", allocated),
        gauge("node_filefd_maximum", "File descriptor statistics: maximum.", maximum),
    ]
