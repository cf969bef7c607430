"""What is known of a source of files: what was read of it, and what its file system keeps from it. Decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from collectors.offloop import start

T = TypeVar("T")


@dataclass(slots=True)
class FileState:
    """Changed on the event loop, read by other threads.

    Attributes:
        lines: Lines read so far.
        bytes: Bytes read so far, without the newlines.
        files: How many log files there are.
        looked: Whether there was a look at all.
        unreadable: Why files cannot be read, by their path.
        waiting: What the file system was asked for and has not answered yet, and since when (monotonic seconds).
    """

    lines: int = 0
    bytes: int = 0
    files: int = 0
    looked: bool = False
    unreadable: dict[str, str] = field(default_factory=dict)
    waiting: list[tuple[str, float]] = field(default_factory=list)

    async def answer(self, what: str, function: Callable[[], T]) -> T:
        """What the function returns or raises off the loop, which a file system that hangs may keep it from."""
        asked = (what, time.monotonic())
        self.waiting.append(asked)
        try:
            return await start(function, "log files")
        finally:
            self.waiting.remove(asked)
