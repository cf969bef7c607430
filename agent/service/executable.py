"""Access of other users to a program, for reading and for writing."""

from __future__ import annotations

import stat
from pathlib import Path


def closed_step(program: Path) -> Path | None:
    """Return the first path component of `program` that other users cannot use; `None` if all are usable.

    Links are followed.

    Raises:
        OSError: The program does not exist.
    """
    for step in _steps(program):
        if not step.stat().st_mode & stat.S_IXOTH:
            return step
    return None


def foreign_step(program: Path) -> Path | None:
    """Return the first path component of `program` that others than root can change; `None` if there is none.

    Links are followed.

    Raises:
        OSError: The program does not exist.
    """
    for step in _steps(program):
        status = step.stat()
        if status.st_uid != 0 or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return step
    return None


def _steps(path: Path) -> list[Path]:
    steps = [*reversed(path.parents), path]
    linked = [step.parent / step.readlink() for step in steps if step.is_symlink()]
    return steps + [further for target in linked for further in _steps(target)]
