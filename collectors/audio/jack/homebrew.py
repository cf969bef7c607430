"""Homebrew's libraries for any Python of a Mac.

ctypes looks for libraries in `/usr/local/lib` and `/usr/lib`. On Apple's own processors Homebrew has its libraries in
`/opt/homebrew/lib`, which only Homebrew's Python knows.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

LIBRARIES = Path("/opt/homebrew/lib")
_VARIABLE = "DYLD_FALLBACK_LIBRARY_PATH"  # dyld(1); ctypes.macholib.dyld reads it at each search
_USUAL = (Path.home() / "lib", Path("/usr/local/lib"), Path("/lib"), Path("/usr/lib"))


def make_libraries_findable() -> None:
    """Let ctypes find Homebrew's libraries from now on. Other systems stay as they are."""
    if sys.platform != "darwin" or not LIBRARIES.is_dir():
        return
    given = os.environ.get(_VARIABLE)
    folders = given.split(":") if given else [str(folder) for folder in _USUAL]
    if str(LIBRARIES) not in folders:
        os.environ[_VARIABLE] = ":".join([*folders, str(LIBRARIES)])
