"""Where reading goes on after a restart: the positions file, one for the whole agent.

Owns its format and its safety: it is replaced atomically, bounded in how often, and never trusted blindly. What a
position means belongs to the sources.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from collectors.logs.files.identity import NOTHING, Fingerprint
from collectors.logs.recent import NOTHING as NO_ENTRIES
from collectors.offloop import start

log = structlog.get_logger()

SAVE_AFTER = 1.0
"""Seconds from a change to its saving, if nobody asks for it earlier."""

SPACING = 0.25
"""Seconds at least between two savings."""


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far one file is acknowledged.

    Attributes:
        inode: Its inode; 0 for a file that was found compressed.
        offset: The byte after the last acknowledged one, of the uncompressed content.
        head: The file's first bytes.
        tail: The bytes before `offset`.
        skipping: Whether `offset` is inside an overlong line, whose rest is not sent.
        clocks: `(offset, Unix ns)`, ascending: from that byte on, a line without a time of its own has this time plus
            its distance in bytes. No batch reaches across the offset of one, so that bytes which are sent again make
            the same lines with the same times.
        modified_ns: When the file was last seen to be written.
        finished: Whether the file was replaced and read to its end.
        recent: The newest entries that were sent, as `logs.recent` packs them; of the file before, until there are any.
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


Generations = tuple[Position, ...]
"""The files that were once found under one path, oldest first; the last is the one that is written."""


class _Content(msgspec.Struct):
    version: int = 1
    files: dict[str, dict[str, Generations]] = {}
    cursors: dict[str, str] = {}


class Positions:
    """The positions of all sources. Belongs to one event loop.

    Args:
        path: The positions file. What is in it is read now; a corrupt one is moved aside.
        before_saving: Saves what must not be older than the positions; called in a thread, may raise OSError.

    Attributes:
        corrupt: Why the file could not be read, and where it was moved; empty if it could.
        unwritable: Why the last saving failed; empty if it did not.
    """

    def __init__(self, path: Path, before_saving: Callable[[], None] = lambda: None) -> None:
        self.corrupt = ""
        self.unwritable = ""
        self._path = path
        self._before_saving = before_saving
        self._content = self._load()
        self._changes = 0
        self._saved = 0
        self._saved_at = 0.0
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def files(self, source: str) -> dict[str, Generations]:
        """What is known of a source's files, by their path."""
        return dict(self._content.files.get(source, {}))

    def put(self, source: str, path: str, generations: Generations) -> None:
        """Take note of the files under a path; saved soon. Without any, the path is forgotten."""
        paths = self._content.files.setdefault(source, {})
        if paths.get(path, ()) == generations:
            return
        if generations:
            paths[path] = generations
        else:
            del paths[path]
        self._changed()

    def cursor(self, source: str) -> str:
        """The cursor of a journal source; empty if there is none."""
        return self._content.cursors.get(source, "")

    def put_cursor(self, source: str, cursor: str) -> None:
        """Take note of a journal source's cursor; saved soon."""
        self._content.cursors[source] = cursor
        self._changed()

    async def save(self) -> None:
        """Return when everything that was put is on the disk, or cannot be written there (see `unwritable`)."""
        wanted = self._changes
        while self._saved < wanted:
            await asyncio.shield(self._start_writing())

    def _load(self) -> _Content:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Content)
        except FileNotFoundError:
            return _Content()
        except (msgspec.DecodeError, OSError) as error:
            aside = self._path.with_name(f"{self._path.name}.corrupt-{time.time_ns()}")
            self.corrupt = f"{self._path}: {error}"
            try:
                self._path.rename(aside)
                self.corrupt += f"; moved to {aside}"
            except OSError as second:
                self.corrupt += f"; cannot be moved aside: {second}"
            log.warning("the log positions cannot be read; every file is read from its beginning", problem=self.corrupt)
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
            log.error("the log positions cannot be saved; a crash would send lines again", problem=problem)
        self.unwritable = problem


def _replaced(path: Path, content: bytes, before: Callable[[], None]) -> str:
    """Replace the file for good; returns why that failed, if it did."""
    try:
        before()
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return ""


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
