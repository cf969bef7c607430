"""Which file is read when: each by one reader at a time, and once more if it was marked meanwhile."""

from __future__ import annotations

import asyncio


class Turns:
    """The files that are to be read, in the order in which they were marked. Belongs to one event loop."""

    def __init__(self) -> None:
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def mark(self, path: str) -> None:
        """Have a file read soon."""
        if path in self._busy:
            self._again.add(path)
        elif path not in self._queued:
            self._queued.add(path)
            self._ready.put_nowait(path)

    def mark_later(self, path: str, seconds: float) -> None:
        """Have a file read in so many seconds, instead of what was asked for earlier."""
        if path in self._timers:
            self._timers[path].cancel()
        self._timers[path] = asyncio.get_running_loop().call_later(seconds, self.mark, path)

    async def next(self) -> str:
        """The file whose turn it is; it is busy until it is done."""
        path = await self._ready.get()
        self._queued.discard(path)
        self._busy.add(path)
        return path

    def done(self, path: str) -> None:
        """Take note that a file was read."""
        self._busy.discard(path)
        if path in self._again:
            self._again.discard(path)
            self.mark(path)

    def is_busy(self, path: str) -> bool:
        """Whether a file is being read."""
        return path in self._busy

    def forget(self, path: str) -> bool:
        """Drop a file that is not waiting to be read, nor being read; whether that was so."""
        if path in self._busy or path in self._queued:
            return False
        if path in self._timers:
            self._timers.pop(path).cancel()
        return True

    def stop(self) -> None:
        """Mark no file any more."""
        for timer in self._timers.values():
            timer.cancel()
