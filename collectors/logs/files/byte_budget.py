"""A limit on the bytes of all batches that are read and not yet acknowledged."""

from __future__ import annotations

import asyncio


class ByteBudget:
    """A number of bytes that may be in memory. Belongs to one event loop.

    Args:
        limit: The number of bytes. A batch that is larger than all of them may be alone.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._freed = asyncio.Event()

    async def take(self, size: int) -> None:
        """Wait until there is room for so many bytes, and take them."""
        while self._used and self._used + size > self._limit:
            self._freed.clear()
            await self._freed.wait()
        self._used += size

    def give_back(self, size: int) -> None:
        """Return bytes that were taken."""
        self._used -= size
        self._freed.set()
