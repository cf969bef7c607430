"""A process of its own for a step that changes its whole process, such as a limit that others would fail under."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_SCRIPT = """
import importlib, pathlib, sys
getattr(importlib.import_module(sys.argv[1]), sys.argv[2])(pathlib.Path(sys.argv[3]))
"""


def run_in_own_process(step: Callable[[Path], None], folder: Path, seconds: float = 60) -> None:
    """Call a function of a module with a folder in a new Python, and fail if it fails."""
    command = [sys.executable, "-c", _SCRIPT, step.__module__, step.__name__, str(folder)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=seconds)
    assert done.returncode == 0, done.stderr


def limit_files(size: int) -> None:
    """Let this process write no file beyond a size in bytes: a write is cut short there, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
