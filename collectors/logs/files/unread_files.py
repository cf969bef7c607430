"""The unread files of a source, which are kept open so that a rename or a deletion loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Iterable, Mapping

from collectors.logs.files.descriptors import OpenFiles
from collectors.logs.files.lineage import Lineage
from collectors.logs.files.read_queue import ReadQueue
from collectors.logs.files.state import FileState

_HELD_AT_ONCE = 32
"""The files to open in one call off the loop."""


class UnreadFiles:
    """The files of one source that wait to be read.

    Args:
        lineages: The files by their log's path.
        queue: The logs that wait.
        opened: The open files.
        state: The pending calls to the file system.
        lock: Returns the lock of a log.
        put: Records the positions of a log.
        close: Closes logs that are no longer to be kept open.
        gather: Seconds to gather logs before they are opened.
    """

    def __init__(  # noqa: PLR0913 - the parts of a source that one log passes
        self,
        lineages: Mapping[str, Lineage],
        queue: ReadQueue,
        opened: OpenFiles,
        state: FileState,
        *,
        lock: Callable[[str], asyncio.Lock],
        put: Callable[[str], None],
        close: Callable[[Iterable[str]], None],
        gather: float,
    ) -> None:
        self._lineages = lineages
        self._queue = queue
        self._open = opened
        self._state = state
        self._lock = lock
        self._put = put
        self._close = close
        self._gather = gather
        self._unheld: set[str] = set()
        self._hold_now = asyncio.Event()

    def add(self, path: str) -> None:
        """Have a log opened if its turn to be read does not come at once."""
        self._unheld.add(path)
        self._hold_now.set()

    async def run(self) -> None:
        """Open the added logs until cancelled."""
        while True:
            await self._hold_now.wait()
            await asyncio.sleep(self._gather)
            self._hold_now.clear()
            paths, self._unheld = [*self._unheld], set()
            for first in range(0, len(paths), _HELD_AT_ONCE):
                await self._hold(paths[first : first + _HELD_AT_ONCE])

    async def _hold(self, paths: Iterable[str]) -> None:
        """Open files that wait to be read, so that a rename or a deletion loses nothing."""
        waiting = [path for path in paths if path in self._lineages and self._queue.is_waiting(path)]
        busy = {path for path in waiting if self._lock(path).locked()}
        if busy:
            self._unheld |= busy
            self._hold_now.set()
        chosen = {path: self._lineages[path] for path in waiting if path not in busy and self._open.reserve(path)}
        if not chosen:
            return
        async with contextlib.AsyncExitStack() as locks:
            for path in chosen:
                await locks.enter_async_context(self._lock(path))
            counts = await self._state.answer(", ".join(chosen), functools.partial(_hold, chosen))
            for path in chosen:
                self._put(path)
        for path, count in counts.items():
            if self._queue.is_waiting(path):
                self._open.hold(path, count)
            else:
                self._close(self._open.read(path))


def _hold(lineages: Mapping[str, Lineage]) -> dict[str, int]:
    """Open unread files; return the number of open ones by path."""
    counts = {}
    for path, lineage in lineages.items():
        try:
            counts[path] = lineage.hold()
        except Exception:  # noqa: BLE001 - the next read reports it; one file must not stop the others
            counts[path] = 0
    return counts
