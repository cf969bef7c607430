"""A source of log files: it finds them, follows their changes, and delivers their lines in batches.

Owns the order of work: searches, the number of files read at once, and the saving of positions. The file is the queue.
The next batch of a file is read after the acknowledgement of the one before, and only positions are kept.
"""

from __future__ import annotations

import asyncio
import functools
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import msgspec
import structlog

from collectors.logs.files.aliases import Aliases
from collectors.logs.files.batch_sender import BatchSender, Handle
from collectors.logs.files.byte_budget import ByteBudget
from collectors.logs.files.descriptors import Descriptors, OpenFiles
from collectors.logs.files.discovery import FileStatus, FoundFiles, find_files
from collectors.logs.files.file_batch import FileBatch
from collectors.logs.files.folder_watch import FolderWatch
from collectors.logs.files.generation import ReadLimits
from collectors.logs.files.labels import file_labels
from collectors.logs.files.lineage import Lineage
from collectors.logs.files.names import shown
from collectors.logs.files.ownership import Ownership
from collectors.logs.files.positions import Generations, Positions
from collectors.logs.files.read_queue import ReadQueue
from collectors.logs.files.rotated import is_rotation
from collectors.logs.files.state import FileState
from collectors.logs.files.unread_files import UnreadFiles
from collectors.plain_errors import plain_text

log = structlog.get_logger()

_GATHER = 0.05
"""Seconds to gather events, so that a busy writer causes one read and not thousands."""

_FORGET_NS = 7 * 86400 * 10**9
"""The age, in nanoseconds, at which a vanished file is forgotten: Loki refuses older lines."""

_AWAY_SECONDS = 3600.0
"""The time that it must be away, as a file system may return."""

_PAUSE_PER_LOOK = 10
"""The pause after a look, in durations of that look: 10,000 files cost at most a tenth of a core."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """The settings of a file source.

    Attributes:
        paths: Patterns of absolute paths.
        from_end: True to skip the content that files have at the very first start.
        limits: The limits of reading one file.
        at_once: The number of files that are read at the same time, and of full batches in memory.
        in_flight: The most batches that wait for their acknowledgement.
        open_files: The most logs that stay open after they are read to their end.
        poll: Seconds between two looks, with and without notifications of changes.
    """

    paths: tuple[str, ...]
    from_end: bool = False
    limits: ReadLimits = field(default_factory=ReadLimits)
    at_once: int = 4
    in_flight: int = 1024
    open_files: int = 64
    poll: tuple[float, float] = (10.0, 1.0)


class FileSource:
    """The log files of one source.

    Args:
        name: The source's name.
        settings: Its settings.
        positions: The store of acknowledged positions.
        now_ns: Returns the time that lines without a time get, Unix nanoseconds.
        descriptors: The open files of all sources.
    """

    def __init__(
        self,
        name: str,
        settings: FileSettings,
        positions: Positions,
        now_ns: Callable[[], int] = time.time_ns,
        descriptors: Descriptors | None = None,
    ) -> None:
        self.name = name
        self._now_ns = now_ns
        self.settings = settings
        self.state = FileState()
        self._positions = positions
        self._lineages: dict[str, Lineage] = {}
        self._seen: dict[str, FileStatus] = {}
        self._by_real: dict[str, str] = {}
        self._behind_since: dict[str, float] = {}
        self._gone_since: dict[str, float] = {}
        self._labels: dict[str, dict[str, str]] = {}
        self._open = OpenFiles(settings.open_files, descriptors or Descriptors())
        self._sender = BatchSender(name, positions, self.state, self._lock, self._put)

    async def run(self, handle: Handle) -> None:
        """Read until cancelled, then save the positions; an error of `handle` ends it too."""
        self._reset()
        watch = FolderWatch(self._written, self._look_now.set)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._look_forever(watch))
                if watch.available:
                    tasks.create_task(self._take_events(watch))
                tasks.create_task(self._unread.run())
                await self._dispatch(tasks, handle)
        finally:
            watch.close()
            await self._end()

    @property
    def lag_bytes(self) -> int:
        """Bytes that are written but not acknowledged."""
        return sum(lineage.behind for lineage in list(self._lineages.values()))

    @property
    def lag_seconds(self) -> float:
        """Seconds since the file that is furthest behind was last fully acknowledged."""
        now = time.monotonic()
        return now - min(list(self._behind_since.values()), default=now)

    @property
    def lost(self) -> int:
        """The number of files in this run that vanished before their end was sent."""
        return sum(lineage.lost for lineage in list(self._lineages.values()))

    @property
    def closed_unread(self) -> int:
        """The number of unread files that are closed because the limit of descriptors is reached."""
        return len(self._open.refused)

    @property
    def held(self) -> int:
        """The number of unread files that are held open."""
        return self._open.held

    def _reset(self) -> None:
        self._look_now = asyncio.Event()
        self._queue = ReadQueue()
        self._open.clear()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._reading = asyncio.Semaphore(self.settings.at_once)
        self._budget = ByteBudget(self.settings.at_once * self.settings.limits.batch_bytes)
        self._unread = UnreadFiles(
            self._lineages,
            self._queue,
            self._open,
            self.state,
            lock=self._lock,
            put=self._put,
            close=self._close,
            gather=_GATHER,
        )
        self._known = self._positions.files(self.name)
        self._ownership = Ownership(self._lineages, self._known)
        self._aliases = Aliases(self._lineages, self._known, self._ownership)
        self._from_end = self.settings.from_end and not self._known and not self._positions.corrupt
        self._lineages.clear()
        self._seen.clear()
        self._behind_since.clear()
        self._gone_since.clear()

    async def _end(self) -> None:
        self._queue.stop()
        for path, lineage in self._lineages.items():
            if self._queue.is_busy(path):
                continue  # its batch may be sent already: the next start must repeat its times
            lineage.close()
            for generation in lineage.generations:
                generation.forget_clocks()
            self._positions.put(self.name, path, lineage.known)
        await self._positions.save()

    # Finding files.

    async def _look_forever(self, watch: FolderWatch) -> None:
        while True:
            self._look_now.clear()
            started = time.monotonic()
            paths, known = self.settings.paths, [*self._lineages, *self._known]
            found = await self.state.answer(", ".join(paths), functools.partial(find_files, paths, known))
            await self._take(found)
            await self.state.answer(", ".join(paths), functools.partial(watch.watch, found.folders))
            await asyncio.sleep(_GATHER + _PAUSE_PER_LOOK * (time.monotonic() - started))
            pause = self.settings.poll[0 if watch.complete else 1]
            await _set_or_late(self._look_now, pause)

    async def _take(self, found: FoundFiles) -> None:
        """Start with new files, and queue those that changed."""
        for path in self.state.unreadable.keys() - found.files.keys() - self._lineages.keys():
            del self.state.unreadable[path]
        changed = [path for path, seen in found.files.items() if self._seen.get(path) != seen]
        self._by_real = {real: path for path, real in found.real.items()}
        self._drop_duplicates(found)
        await self._find_owners(changed, found)
        paths = [path for path in changed if path not in self._lineages and path not in self._aliases]
        new = await self._begin(paths, found)
        for path in self._known:
            self._resume(path)
        self._known.clear()
        gone = [path for path in self._lineages if path not in found.files]
        self._gone_since = {path: since for path, since in self._gone_since.items() if path not in found.files}
        self._seen = found.files
        self.state.files, self.state.looked = len(found.files), True
        self._from_end = False
        await self._positions.save()
        for path in new:
            self._lineages[path].mark_recorded()
        for path in gone:
            self._forget_if_old(path)
        for path in {
            *changed,
            *gone,
            *self.state.unreadable,
            *map(self._aliases.owner_of, changed),
        } & self._lineages.keys():
            self._mark(path, renamed=True)

    def _drop_duplicates(self, found: FoundFiles) -> None:
        """Forget saved positions of a second name of a file, which an earlier version read too."""
        for path, first in found.duplicates.items():
            if path in self._known and first in self._known:
                del self._known[path]
                self._positions.put(self.name, path, ())

    async def _find_owners(self, changed: Iterable[str], found: FoundFiles) -> None:
        """Find the files that belong to a log at another path."""
        unknown = self._aliases.unknown(changed, found)
        if unknown:
            owners = await self.state.answer(unknown[0], functools.partial(self._aliases.owners, unknown, found))
            self._aliases.replace(unknown, owners, found)
        for path, owner, position in self._aliases.written_on(found):
            self._lineages[path] = self._lineage(path, (msgspec.structs.replace(position, finished=False),))
            self._put(owner)
            self._put(path)
        self._aliases.keep_inodes()

    async def _begin(self, paths: list[str], found: FoundFiles) -> list[str]:
        """Start with paths that are new in this run; return those without saved positions."""
        for path in [path for path in paths if path in self._known]:
            self._resume(path)
        new = [self._lineage(path, ()) for path in paths if path not in self._lineages]
        if not new:
            return []
        refused = await self.state.answer(new[0].path, functools.partial(_begin, new, found, at_end=self._from_end))
        for lineage in new:
            if lineage.path in refused:
                self._unreadable(lineage.path, refused[lineage.path])
                del found.files[lineage.path]  # the next look finds it as new again
            else:
                self._lineages[lineage.path] = lineage
                self._put(lineage.path)
        return [lineage.path for lineage in new if lineage.path in self._lineages]

    def _resume(self, path: str) -> None:
        if path not in self._lineages:
            self._lineages[path] = self._lineage(path, self._known[path])

    def _lineage(self, path: str, known: Generations) -> Lineage:
        return Lineage(path, known, self.settings.limits, self._now_ns(), self._ownership.owner)

    def _forget_if_old(self, path: str) -> None:
        """Forget a file that has been away for a long time."""
        newest = max((position.modified_ns for position in self._lineages[path].known), default=0)
        away = time.monotonic() - self._gone_since.setdefault(path, time.monotonic())
        if away < _AWAY_SECONDS or time.time_ns() - newest < _FORGET_NS or not self._queue.forget(path):
            return
        del self._gone_since[path]
        self._lineages.pop(path).close()
        self._labels.pop(path, None)
        self._open.drop(path)
        self._positions.put(self.name, path, ())

    # Queueing files.

    async def _take_events(self, watch: FolderWatch) -> None:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        while True:
            loop.add_reader(watch.fileno(), readable.set)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(watch.fileno())
            watch.read()
            readable.clear()
            await asyncio.sleep(_GATHER)

    def _written(self, real: str) -> None:
        path = self._by_real.get(real, real)
        owner = self._aliases.owner_of(path)
        for written in {path, owner} & self._lineages.keys():
            self._mark(written)
        if path not in self._lineages and owner not in self._lineages:
            self._mark_rotated(real)

    def _mark_rotated(self, real: str) -> None:
        """Queue the log of a rotated file whose writer still holds it open."""
        name = os.path.basename(real)
        for path, lineage in self._lineages.items():
            if len(lineage.generations) > 1 and is_rotation(name, os.path.basename(path)):
                self._mark(path)

    def _mark(self, path: str, *, renamed: bool = False) -> None:
        """Queue a file, and have it opened if its turn does not come at once."""
        self._queue.mark(path)
        if renamed or not self._lineages[path].is_open:
            self._unread.add(path)

    def _lock(self, path: str) -> asyncio.Lock:
        """Return the lock of one file: its lineage is used by one at a time."""
        return self._locks.setdefault(path, asyncio.Lock())

    # Reading.

    async def _dispatch(self, tasks: asyncio.TaskGroup, handle: Handle) -> None:
        slots = asyncio.Semaphore(self.settings.in_flight)
        while True:
            path = await self._queue.next()
            await slots.acquire()
            task = tasks.create_task(self._serve(path, handle))
            task.add_done_callback(lambda _: slots.release())

    async def _serve(self, path: str, handle: Handle) -> None:
        """Read a queued file, and queue it again if there may be more."""
        lineage = self._lineages.get(path)
        more = lineage is not None and await self._advance(path, lineage, handle)
        if more:
            self._queue.mark(path)
        self._queue.done(path)
        if lineage is not None and not more:
            self._close(self._open.read(path))

    async def _advance(self, path: str, lineage: Lineage, handle: Handle) -> bool:
        """Read and send one batch of a file; return whether there may be more."""
        try:
            async with self._reading:
                async with self._lock(path):
                    work = await self.state.answer(path, functools.partial(self._read, path, lineage))
                size = sum(map(len, work.lines)) if work else 0
                await self._budget.take(size)
        except Exception as error:  # noqa: BLE001 - one file must not stop the others
            self._unreadable(path, error)
            return False
        self._readable(path, lineage)
        if work is None:
            self._rest(path, lineage)
            return False
        self._behind_since.setdefault(path, time.monotonic())
        try:
            await self._sender.send(path, lineage, work, self._labels[path], self._now_ns(), handle)
        finally:
            self._budget.give_back(size)
        return True

    def _read(self, path: str, lineage: Lineage) -> FileBatch | None:
        """Return the lines of a file to send now. Blocking: runs off the loop."""
        if path not in self._labels:
            self._labels[path] = file_labels(path)
        return lineage.read(self._now_ns())

    def _rest(self, path: str, lineage: Lineage) -> None:
        """Record that a file has nothing to read now."""
        self._behind_since.pop(path, None)
        self._put(path)
        after = lineage.look_again_after()
        if after is not None:
            self._queue.mark_later(path, after)

    def _close(self, paths: Iterable[str]) -> None:
        """Close files that were read to their end, except those that were queued again."""
        for path in paths:
            if path in self._lineages and not self._queue.is_waiting(path):
                self._lineages[path].close_named()

    def _put(self, path: str) -> None:
        known = self._lineages[path].known
        self._ownership.record(path, known)
        self._positions.put(self.name, path, known)

    # Reporting problems.

    def _readable(self, path: str, lineage: Lineage) -> None:
        self.state.unreadable.pop(path, None)
        if lineage.problem:
            self.state.unreadable[path] = lineage.problem

    def _unreadable(self, path: str, error: Exception) -> None:
        problem = plain_text(error)
        if path not in self.state.unreadable:
            log.warning("log file is unreadable", source=self.name, path=shown(path), problem=problem)
        self.state.unreadable[path] = problem
        self._queue.mark_later(path, self.settings.poll[0])


def _begin(lineages: Iterable[Lineage], found: FoundFiles, *, at_end: bool) -> dict[str, Exception]:
    """Start with new files; return the errors by path."""
    refused: dict[str, Exception] = {}
    for lineage in lineages:
        try:
            lineage.begin(found.files[lineage.path], found.rotated.get(lineage.path, ()), at_end=at_end)
        except Exception as error:  # noqa: BLE001 - one file must not stop the others
            refused[lineage.path] = error
    return refused


async def _set_or_late(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
