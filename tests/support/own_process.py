"""A process of its own for a step that changes or counts what belongs to a whole process, such as its descriptors."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SCRIPT = """
import importlib, pathlib, sys
getattr(importlib.import_module(sys.argv[1]), sys.argv[2])(*map(pathlib.Path, sys.argv[3:]))
"""


def run_in_own_process(step: Callable[..., None], *paths: Path, seconds: float = 60) -> None:
    """Call a function of a module with paths in a new Python, and fail if it fails."""
    command = [sys.executable, "-c", _SCRIPT, step.__module__, step.__name__, *map(str, paths)]
    with subprocess.Popen(command, cwd=_ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            _, errors = process.communicate(timeout=seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # it and the servers that it started
    assert process.returncode == 0, errors


def limit_files(size: int) -> None:
    """Let this process write no file beyond a size in bytes: a write is cut short there, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
