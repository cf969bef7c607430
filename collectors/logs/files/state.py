"""The state of a file source: counts, unreadable files, and pending calls to the file system."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from collectors.offloop import Workers

T = TypeVar("T")


@dataclass(slots=True)
class FileState:
    """State that the event loop changes and other threads read.

    Attributes:
        lines: Lines read so far.
        bytes: Bytes read so far, without the newlines.
        files: The number of log files.
        looked: True after the first look.
        unreadable: The read error by path.
        waiting: The paths of pending calls to the file system, with their start (monotonic seconds).
    """

    lines: int = 0
    bytes: int = 0
    files: int = 0
    looked: bool = False
    unreadable: dict[str, str] = field(default_factory=dict)
    waiting: list[tuple[str, float]] = field(default_factory=list)
    _workers: Workers = field(default_factory=lambda: Workers("log files"))

    async def answer(self, what: str, function: Callable[[], T]) -> T:
        """Run a function off the loop and record it as pending; a hung file system delays the result."""
        asked = (what, time.monotonic())
        self.waiting.append(asked)
        try:
            return await self._workers.call(function)
        finally:
            self.waiting.remove(asked)
