"""The sender of batches of files: it saves what a resend needs, hands the batch on, and records what is done."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

from collectors.logs.files.file_batch import FileBatch
from collectors.logs.files.lineage import Lineage
from collectors.logs.files.positions import Positions
from collectors.logs.files.state import FileState
from collectors.logs.records import Batch

Handle = Callable[[Batch], Awaitable[int]]
"""Sends a batch and returns, after its acknowledgement, the number of lines that are done."""


class BatchSender:
    """The sender of one source.

    Args:
        source: The source's name.
        positions: The store of acknowledged positions.
        state: The counts of the source.
        lock: Returns the lock of a file.
        put: Records the positions of a file.
    """

    def __init__(
        self,
        source: str,
        positions: Positions,
        state: FileState,
        lock: Callable[[str], asyncio.Lock],
        put: Callable[[str], None],
    ) -> None:
        self._source = source
        self._positions = positions
        self._state = state
        self._lock = lock
        self._put = put

    async def send(
        self, path: str, lineage: Lineage, work: FileBatch, labels: dict[str, str], now_ns: int, handle: Handle
    ) -> None:
        """Send a batch, and move the positions behind what is done.

        Args:
            path: The path of the log.
            lineage: Its files; closed if `handle` fails.
            work: The batch.
            labels: The labels of its lines.
            now_ns: The time that lines without a time get, Unix nanoseconds.
            handle: Sends it.

        Raises:
            BaseException: That of `handle`.
        """
        lines = work.lines
        async with self._lock(path):
            unsaved = work.stamp(now_ns)
            self._put(path)
        if unsaved:
            await self._positions.save()
            work.mark_recorded()
        batch = Batch(
            self._source,
            lines,
            work.read_ns,
            labels,
            work.final,
            untidy=work.untidy,
            true_bytes=work.true_bytes,
            recent=work.generation.position.recent,
            written_ns=work.generation.position.modified_ns,
            maybe_sent=work.generation.maybe_sent,
            record=functools.partial(self._record, path, work),
            record_end=functools.partial(self._record_end, path, work),
        )
        try:
            consumed = await handle(batch)
        except BaseException:
            lineage.close()
            raise
        async with self._lock(path):
            work.acknowledge(consumed, batch.recent)
        self._state.lines += consumed
        self._state.bytes += sum(map(len, lines[:consumed]))
        self._put(path)
        if work.corrected:
            await self._positions.save()

    async def _record(self, path: str, work: FileBatch, recent: bytes) -> None:
        """Save a changed history of the sent entries before anything is sent by it."""
        work.generation.remember(recent)
        work.corrected = True
        self._put(path)
        await self._positions.save()

    async def _record_end(self, path: str, work: FileBatch, consumed: int) -> None:
        """Save the end of a batch before anything of it is sent."""
        if work.end_after(consumed):
            self._put(path)
            await self._positions.save()
