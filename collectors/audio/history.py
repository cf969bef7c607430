"""The periods of the last 24 hours in which no device was measured, kept through restarts and kills.

The file has one period a line. Its modification time is the last time at which a device was measured, so that a killed
agent leaves no gap unmarked. `causes.store` keeps the dropouts.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from collectors import atomic_file, regular_file
from collectors.audio.causes.event import Event

log = structlog.get_logger()

FILE = "audio-unwatched.jsonl"

KEEP_SECONDS = 24 * 3600.0
"""The time for which periods are kept."""

_MOST = 10_000
"""The limit of kept periods."""

_MOST_BYTES = 1 << 20
_MARK_SECONDS = 15.0
"""The longest time between two marks of measuring, and the shortest gap that is recorded."""


class Unwatched(msgspec.Struct, frozen=True, array_like=True):
    """A period without measuring, in Unix seconds."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class HistoryView:
    """The last 24 hours.

    Attributes:
        dropouts: The final events of the newest dropouts, oldest first; earlier ones may be among them.
        unwatched: The ended periods without measuring, oldest first.
        watched: The last time of measuring in Unix seconds; 0 if there was none.
    """

    dropouts: tuple[Event, ...] = ()
    unwatched: tuple[Unwatched, ...] = ()
    watched: float = 0.0


class WatchHistory:
    """The history of one agent. `restore` and `keep` block on the disk and are never called at the same time.

    Args:
        directory: The state directory; `None` to keep the history in memory only. It is written after `restore` only.

    Attributes:
        unwatched: The ended periods without measuring, oldest first; replaced as a whole when they change.
        watched: The last time of measuring in Unix seconds; 0 if there was none.
    """

    def __init__(self, directory: Path | None) -> None:
        self._file = directory / FILE if directory else None
        self._path: Path | None = None
        self._periods: deque[Unwatched] = deque(maxlen=_MOST)
        self._marked = 0.0
        self._failed = False
        self.unwatched: tuple[Unwatched, ...] = ()
        self.watched = 0.0

    def restore(self, now: float) -> None:
        """Read the history of an earlier run. An unreadable line or file costs itself only.

        Args:
            now: Unix time in seconds.
        """
        self._path = self._file
        if self._path is None:
            return
        try:
            content = regular_file.read(self._path, _MOST_BYTES)
            self.watched = min(self._path.stat().st_mtime, now)
        except OSError:
            return
        for text in content.splitlines():
            try:
                self._periods.append(msgspec.json.decode(text, type=Unwatched))
            except (msgspec.DecodeError, RecursionError):  # the last line of a killed agent
                continue
        self._forget(now)
        self._rewrite()
        self.unwatched = tuple(self._periods)

    def keep(self, now: float, *, measuring: bool) -> None:
        """Mark whether a device is measured.

        Args:
            now: Unix time in seconds.
            measuring: True if a device is measured now.
        """
        if not measuring:
            return
        before, self.watched = self.watched or now - KEEP_SECONDS, now
        if now - before > _MARK_SECONDS:
            self._periods.append(Unwatched(before, now))
            self._forget(now)
            self._mark(now, b"%s\n" % msgspec.json.encode(self._periods[-1]))
            self.unwatched = tuple(self._periods)
        elif now - self._marked >= _MARK_SECONDS / 3:
            self._mark(now, b"")

    def _forget(self, now: float) -> None:
        """Drop what is older than `KEEP_SECONDS`; a time after now is of a clock that was wrong."""
        first, last = now - KEEP_SECONDS, now + KEEP_SECONDS
        self._periods = deque((it for it in self._periods if first <= it.end <= last), _MOST)

    def _mark(self, now: float, line: bytes) -> None:
        self._marked = now
        if self._path is None:
            return
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            with os.fdopen(os.open(self._path, flags, 0o600), "ab") as file:
                file.write(line)
                file.flush()
                os.utime(file.fileno(), (self.watched, self.watched))
            self._failed = False
        except OSError as error:
            self._report(error)

    def _rewrite(self) -> None:
        if self._path is None:
            return
        try:
            atomic_file.replace(self._path, b"".join(msgspec.json.encode(it) + b"\n" for it in self._periods))
            os.utime(self._path, (self.watched, self.watched))
        except OSError as error:
            self._report(error)

    def _report(self, error: OSError) -> None:
        if not self._failed:
            log.warning("the times of measuring cannot be saved", file=str(self._path), problem=error.strerror)
        self._failed = True
