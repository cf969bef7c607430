"""The queue of files to read. Each file has one reader at a time."""

from __future__ import annotations

import asyncio


class ReadQueue:
    """The files to read, in the order of their marks. Belongs to one event loop."""

    def __init__(self) -> None:
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def mark(self, path: str) -> None:
        """Queue a file; one that is being read is queued again afterwards."""
        if path in self._busy:
            self._again.add(path)
        elif path not in self._queued:
            self._queued.add(path)
            self._ready.put_nowait(path)

    def mark_later(self, path: str, seconds: float) -> None:
        """Queue a file after some seconds, in place of an earlier such request."""
        if path in self._timers:
            self._timers[path].cancel()
        self._timers[path] = asyncio.get_running_loop().call_later(seconds, self.mark, path)

    async def next(self) -> str:
        """Return the next file, which is busy until `done`."""
        path = await self._ready.get()
        self._queued.discard(path)
        self._busy.add(path)
        return path

    def done(self, path: str) -> None:
        """Release a file, and queue it again if it was marked."""
        self._busy.discard(path)
        if path in self._again:
            self._again.discard(path)
            self.mark(path)

    def is_waiting(self, path: str) -> bool:
        """Check whether a file is queued or being read."""
        return path in self._busy or path in self._queued

    def is_busy(self, path: str) -> bool:
        """Check whether a file is being read."""
        return path in self._busy

    def forget(self, path: str) -> bool:
        """Drop a file that is neither queued nor busy; return whether it was dropped."""
        if path in self._busy or path in self._queued:
            return False
        if path in self._timers:
            self._timers.pop(path).cancel()
        return True

    def stop(self) -> None:
        """Cancel all timers."""
        for timer in self._timers.values():
            timer.cancel()
