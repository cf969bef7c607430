"""Descriptors of this process, of one folder alone: other tests in the process have their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_LONGEST_PATH = 1024
"""Bytes that macOS returns a path in."""


def open_below(folder: Path) -> int:
    """Count the open files of this process that are below a folder, or were when they were deleted."""
    return sum(_path(int(number)).startswith(f"{folder}/") for number in os.listdir("/dev/fd"))  # noqa: PTH208 - no paths


def _path(number: int) -> str:
    """Return the path of an open file, "" of a descriptor that is closed or is no file."""
    try:
        if sys.platform == "linux":
            return os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115 - not to be resolved
        import fcntl

        path = fcntl.fcntl(number, fcntl.F_GETPATH, bytes(_LONGEST_PATH))
        return os.fsdecode(path.rstrip(b"\0"))
    except OSError:
        return ""
