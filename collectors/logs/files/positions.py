"""The positions file, one for the whole agent: the place where each source resumes after a restart.

Owns the file format, atomic replacement, a bounded write rate and the handling of a corrupt file. The sources own the
meaning of a position.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec
import structlog

from collectors import atomic_file, regular_file
from collectors.logs.files.fingerprint import NOTHING, Fingerprint
from collectors.logs.files.names import from_key, to_key
from collectors.logs.history import NOTHING as NO_ENTRIES
from collectors.offloop import start
from collectors.plain_errors import plain_text

log = structlog.get_logger()

SAVE_AFTER = 1.0
"""Seconds from a change to its saving, without an earlier call of `save`."""

SPACING = 0.25
"""The shortest time between two savings, in seconds."""


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """The acknowledged part of one file.

    Attributes:
        inode: Its inode; 0 for a file that was found compressed.
        offset: The first byte that is not acknowledged, in the uncompressed content.
        head: The file's first bytes.
        tail: The bytes before `offset`.
        skipping: True if `offset` is inside an overlong line whose rest is not sent.
        clocks: `(offset, Unix ns)`, ascending. From that byte on, a line without a time of its own gets this time plus
            its distance in bytes. No batch crosses such an offset: bytes sent again give the same lines and times.
        modified_ns: The last observed modification time.
        finished: True if the file was replaced and read to its end.
        recent: The newest sent entries, packed by `logs.history`; at first those of the file before.
        begun: True once lines of the file may have been sent, so that `recent` is its own.
    """

    inode: int
    offset: int = 0
    head: Fingerprint = NOTHING
    tail: Fingerprint = NOTHING
    skipping: bool = False
    clocks: tuple[tuple[int, int], ...] = ()
    modified_ns: int = 0
    finished: bool = False
    recent: bytes = NO_ENTRIES
    begun: bool = False


Generations = tuple[Position, ...]
"""The files found under one path over time, oldest first; the last one is live."""


MOST_BYTES = 256 << 20
"""The limit of the positions file. 100,000 log files take a tenth of it."""


class _Content(msgspec.Struct):
    version: int = 1
    files: dict[str, dict[str, Generations]] = {}
    cursors: dict[str, str] = {}


class Positions:
    """The positions of all sources. Belongs to one event loop.

    Args:
        path: The positions file, which `load` reads.
        before_saving: Saves state that must not be older than the positions; runs in a thread, may raise OSError.

    Attributes:
        corrupt: The read error and the new place of the file; empty if there was none.
        unwritable: The error of the last saving; empty if there was none.
    """

    def __init__(self, path: Path, before_saving: Callable[[], None] = lambda: None) -> None:
        self.corrupt = ""
        self.unwritable = ""
        self._path = path
        self._before_saving = before_saving
        self._content = _Content()
        self._changes = 0
        self._saved = 0
        self._saved_at = 0.0
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def load(self) -> Self:
        """Read the positions file; a corrupt one is moved aside. Blocks on the disk."""
        self._content = self._read()
        return self

    def files(self, source: str) -> dict[str, Generations]:
        """Return the positions of a source's files, by path."""
        return {from_key(key): generations for key, generations in self._content.files.get(source, {}).items()}

    def put(self, source: str, path: str, generations: Generations) -> None:
        """Record the files under a path; saved soon. An empty tuple deletes the path."""
        paths = self._content.files.setdefault(source, {})
        key = to_key(path)
        if paths.get(key, ()) == generations:
            return
        if generations:
            paths[key] = generations
        else:
            del paths[key]
        self._changed()

    def cursor(self, source: str) -> str:
        """Return the cursor of a journal source; empty if there is none."""
        return self._content.cursors.get(source, "")

    def put_cursor(self, source: str, cursor: str) -> None:
        """Record the cursor of a journal source; saved soon."""
        self._content.cursors[source] = cursor
        self._changed()

    async def save(self) -> None:
        """Wait until all recorded positions are on the disk, or a write has failed (see `unwritable`)."""
        wanted = self._changes
        while self._saved < wanted:
            await asyncio.shield(self._start_writing())

    def _read(self) -> _Content:
        try:
            return msgspec.json.decode(regular_file.read(self._path, MOST_BYTES), type=_Content)
        except FileNotFoundError:
            return _Content()
        except (msgspec.DecodeError, RecursionError, OSError) as error:
            aside = self._path.with_name(f"{self._path.name}.corrupt-{time.time_ns()}")
            self.corrupt = f"{self._path}: {plain_text(error)}"
            try:
                self._path.rename(aside)
                self.corrupt += f"; moved to {aside}"
            except OSError as second:
                self.corrupt += f"; cannot be moved aside: {plain_text(second)}"
            log.warning("log positions are unreadable; reading every file from its beginning", problem=self.corrupt)
            return _Content()

    def _changed(self) -> None:
        self._changes += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SAVE_AFTER, self._start_writing)

    def _start_writing(self) -> asyncio.Task[None]:
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="save log positions")
        return self._writing

    async def _write(self) -> None:
        try:
            await asyncio.sleep(self._saved_at + SPACING - time.monotonic())
            self._saved_at = time.monotonic()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            changes = self._changes
            content = msgspec.json.encode(self._content)
            self._note(await start(lambda: _replaced(self._path, content, self._before_saving), "save log positions"))
            self._saved = changes
        finally:
            self._writing = None

    def _note(self, problem: str) -> None:
        if problem and not self.unwritable:
            log.error("log positions cannot be saved; a crash would send lines twice", problem=problem)
        self.unwritable = problem


def _replaced(path: Path, content: bytes, before: Callable[[], None]) -> str:
    """Replace the file durably; return the error, or an empty text."""
    try:
        before()
        atomic_file.replace(path, content)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return ""
