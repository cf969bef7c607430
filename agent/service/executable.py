"""Access of other users to a program."""

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


def _steps(path: Path) -> list[Path]:
    steps = [*reversed(path.parents), path]
    linked = [step.parent / step.readlink() for step in steps if step.is_symlink()]
    return steps + [further for target in linked for further in _steps(target)]
