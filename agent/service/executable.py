"""Whether a program can be run by a user who owns nothing on the way to it."""

from __future__ import annotations

import stat
from pathlib import Path


def closed_step(program: Path) -> Path | None:
    """The first folder or file on the way to `program`, links followed, that is closed to others; `None` if none is.

    Raises:
        OSError: There is no such program.
    """
    for step in _steps(program):
        if not step.stat().st_mode & stat.S_IXOTH:
            return step
    return None


def _steps(path: Path) -> list[Path]:
    steps = [*reversed(path.parents), path]
    linked = [step.parent / step.readlink() for step in steps if step.is_symlink()]
    return steps + [further for target in linked for further in _steps(target)]
