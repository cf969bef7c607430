"""The time since the end of a file last changed. The module `generation` acts on it."""

from __future__ import annotations

import time
from typing import NamedTuple


class FileEnd(NamedTuple):
    """The end of a file at one look.

    Attributes:
        offset: The acknowledged offset.
        unfinished: Bytes after the offset without a whole line or entry; NULs at the end are unwritten space.
        names: The number of links; 0 after deletion.
    """

    offset: int = 0
    unfinished: int = 0
    names: int = 1


class FileEndTimer:
    """A timer that restarts when the end of one file changes.

    Attributes:
        seen: The end at the last look.
    """

    def __init__(self) -> None:
        self.seen = FileEnd()
        self._since = time.monotonic()

    @property
    def quiet(self) -> float:
        """Seconds since the last observed change."""
        return time.monotonic() - self._since

    def see(self, end: FileEnd) -> None:
        """Record the current end, and restart the timer on a change."""
        if end != self.seen:
            self.seen = end
            self.restart()

    def restart(self) -> None:
        """Restart the timer without a change."""
        self._since = time.monotonic()
