"""A file of /proc or /sys that stays open, because opening it costs more than reading it."""

from __future__ import annotations

import os
from pathlib import Path

_CHUNK = 262_144


class KeptFile:
    """One open file.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self._descriptor = -1
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self) -> bytes:
        """Return its present content, of a file that the kernel gives at once.

        Raises:
            OSError: The kernel has no answer, such as for a process that has ended.
        """
        return os.pread(self._descriptor, _CHUNK, 0)

    def read_all(self) -> bytes:
        """Return its present content, of a file that the kernel gives page by page.

        Raises:
            OSError: The kernel has no answer.
        """
        content = chunk = os.pread(self._descriptor, _CHUNK, 0)
        while chunk:
            chunk = os.pread(self._descriptor, _CHUNK, len(content))
            content += chunk
        return content

    def close(self) -> None:
        """Close it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        """Close it when the last user is gone."""
        self.close()


def kept(path: str | Path) -> KeptFile | None:
    """Return the open file; None if it cannot be opened."""
    try:
        return KeptFile(path)
    except OSError:
        return None
