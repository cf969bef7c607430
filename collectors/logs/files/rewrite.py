"""The wait for a program that writes a log over: soon its file may begin with the old content again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing

from collectors.logs.files.content import open_content
from collectors.logs.files.positions import Position

_SECONDS = 1.0
"""The time that a program may take to write a file over: until then, other content may be a part of the old one."""


class Rewrite:
    """The rewriting of the file at one path. Blocking: runs off the loop.

    Args:
        path: The path.
        clock: A monotonic clock, seconds.
    """

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._since: float | None = None

    @property
    def look_again_after(self) -> float | None:
        """The seconds until the next look; `None` if no program is writing the file over."""
        return None if self._since is None else _SECONDS / 4

    def end(self) -> None:
        """Record that the file has its content again, or another one."""
        self._since = None

    def is_under_way(self, position: Position) -> bool:
        """Check whether a program may be writing the file over, so that it begins with its old content soon.

        Args:
            position: The position in the old content.
        """
        head = position.head
        try:
            status = os.stat(self._path)
            with closing(open_content(self._path)) as content:
                begin = content.read(0, head.length)
        except OSError:
            return False
        if status.st_ino != position.inode:
            return False
        if len(begin) == head.length and not head.matches(begin):
            self.end()
            return False
        now = self._clock()
        self._since = now if self._since is None else self._since
        if now - self._since < _SECONDS:
            return True
        self.end()
        return False
