"""The events of dropouts in the state directory, kept through restarts and kills.

`dropouts.jsonl` has one final event a line. A full file becomes `dropouts.jsonl.1`, which replaces the one before it.
`dropouts-pending.jsonl` has the windows of counted dropouts whose events are not final yet. `dropout-evidence/` has the
raw evidence of the newest events. `reading` reads the events.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import msgspec
import structlog

from collectors import atomic_file
from collectors.audio.causes.event import Event
from collectors.audio.causes.evidence import Window
from collectors.audio.causes.reading import (
    EVENTS,
    MOST_EVENTS,
    OLDER_EVENTS,
    UNREADABLE,
    Answer,
    Key,
    Query,
    find,
    read_lines,
    seconds_of,
    select,
)
from collectors.audio.causes.unexplained import INTERRUPTED, unexplained

log = structlog.get_logger()

PENDING = "dropouts-pending.jsonl"
EVIDENCE = "dropout-evidence"

KEEP_SECONDS = 30 * 24 * 3600.0
"""The age at which events go."""

MOST_EVIDENCE, MOST_EVIDENCE_BYTES = 50, 20 << 20
"""The limits of the raw evidence: number of dropouts, and bytes of all together."""

_MOST_RECENT = 1000
_MOST_WHOLE = 50
"""The number of events in memory that have their evidence; older ones lose it."""

_MOST_UNSAVED = 1000
_MOST_FINISHED = 1000
"""The number of finished dropouts that the file of pending ones may hold."""
_TAIL_BYTES = 64 << 10


class EventStore:
    """The events of one agent. All methods but `remember` block on the disk and are called one after another.

    Args:
        directory: The state directory; None to keep events in memory only. It is written after `restore` only.

    Attributes:
        recent: The newest events, oldest first; replaced as a whole.
        directory: The state directory once it is in use; None before.
        problem: The reason why events cannot be saved; empty if they can.
    """

    def __init__(self, directory: Path | None) -> None:
        self._configured = directory
        self.directory: Path | None = None
        self._recent: deque[Event] = deque(maxlen=_MOST_RECENT)
        self._unsaved: deque[bytes] = deque(maxlen=_MOST_UNSAVED)
        self._pending: dict[str, Window] = {}
        self._pending_lines = 0
        self._stored = 0
        self._oldest = 0.0
        self.recent: tuple[Event, ...] = ()
        self.problem = ""

    def restore(self) -> None:
        """Read the events of an earlier run, and finish those that it left pending. A bad line costs itself only."""
        self.directory = self._configured
        if self.directory is None:
            return
        older = read_lines(self.directory / OLDER_EVENTS)
        current = self._counted(read_lines(self.directory / EVENTS))
        for line in deque(chain(older, current), maxlen=_MOST_RECENT):
            with suppress(*UNREADABLE):
                event = msgspec.json.decode(line, type=Event)
                seconds_of(event.at)
                self._append_recent(event)
        self._try_to_append(self.directory / EVENTS, ())  # the file exists from now on, for those who follow it
        self._finish_interrupted()
        self.recent = tuple(self._recent)

    def expect(self, windows: Iterable[Window]) -> None:
        """Record counted dropouts whose events follow."""
        new = {window.id: window for window in windows}
        self._pending |= new
        if self.directory is None:
            return
        lines = [msgspec.json.encode(window) for window in new.values()]
        if self._try_to_append(self.directory / PENDING, lines):
            self._pending_lines += len(lines)

    def remember(self, event: Event) -> None:
        """Add a final event to `recent`. Called on the event loop."""
        self._append_recent(event)
        self.recent = tuple(self._recent)

    def save(self, event: Event, evidence: bytes = b"") -> None:
        """Save a final event, and the packed evidence that led to it."""
        self._pending.pop(event.id, None)
        if self.directory is None:
            return
        self._save(self.directory, event)
        if evidence:
            self._save_evidence(self.directory / EVIDENCE, event.id, evidence)
        if not self._unsaved:
            self._forget_finished(self.directory / PENDING)

    def find(self, query: Query) -> Answer:
        """Return the events that match. Without a directory, or with one that cannot be written, those in memory."""
        if self.directory is None or self.problem:
            return select((msgspec.json.encode(event) for event in self.recent), query)
        return find(self.directory, query)

    def _counted(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            if not self._stored:
                self._oldest = _time(line)
            self._stored += 1
            yield line

    def _append_recent(self, event: Event) -> None:
        self._recent.append(event)
        if len(self._recent) > _MOST_WHOLE:
            older = self._recent[-1 - _MOST_WHOLE]
            self._recent[-1 - _MOST_WHOLE] = msgspec.structs.replace(older, others=(), evidence=(), missing=())

    def _finish_interrupted(self) -> None:
        """Add an unknown event for each dropout whose analysis an earlier run did not end."""
        if self.directory is None:
            return
        known = {event.id for event in self._recent}
        for line in read_lines(self.directory / PENDING):
            with suppress(*UNREADABLE):
                window = msgspec.json.decode(line, type=Window)
                seconds_of(window.at)
                if window.id not in known:
                    self._pending[window.id] = window
        if self._pending:
            log.warning("dropouts of an earlier run have no cause: it ended before", dropouts=len(self._pending))
        for window in list(self._pending.values()):
            event = unexplained(window, INTERRUPTED)
            self.remember(event)
            self.save(event)
        self._forget_finished(self.directory / PENDING)

    def _save(self, directory: Path, event: Event) -> None:
        """Append the event, after those that could not be saved before."""
        self._rotate(directory)
        self._unsaved.append(msgspec.json.encode(event))
        if self._try_to_append(directory / EVENTS, self._unsaved):
            self._stored += len(self._unsaved)
            self._unsaved.clear()

    def _rotate(self, directory: Path) -> None:
        current, older, now = directory / EVENTS, directory / OLDER_EVENTS, time.time()
        try:
            if self._stored >= MOST_EVENTS or (self._stored and now - self._oldest > KEEP_SECONDS):
                current.replace(older)
                self._stored = 0
            elif older.exists() and now - older.stat().st_mtime > KEEP_SECONDS:
                older.unlink()
        except OSError as error:
            self._report(error)
        if not self._stored:
            self._oldest = now

    def _try_to_append(self, path: Path, lines: Iterable[bytes]) -> bool:
        """Append lines; return whether they are in the file."""
        try:
            _append(path, b"".join(line + b"\n" for line in lines))
        except OSError as error:
            self._report(error)
            return False
        self.problem = ""
        return True

    def _forget_finished(self, path: Path) -> None:
        """Shorten the file of pending dropouts when none is left, or when most lines are of finished ones."""
        try:
            if not self._pending:
                path.unlink(missing_ok=True)
            elif self._pending_lines > len(self._pending) + _MOST_FINISHED:
                lines = [msgspec.json.encode(window) + b"\n" for window in self._pending.values()]
                atomic_file.replace(path, b"".join(lines), durable=False)
            else:
                return
            self._pending_lines = len(self._pending)
        except OSError as error:
            self._report(error)

    def _save_evidence(self, folder: Path, name: str, evidence: bytes) -> None:
        """Save the raw evidence of an event, and delete the oldest beyond the limits."""
        if len(evidence) > MOST_EVIDENCE_BYTES:
            return
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            atomic_file.replace(folder / f"{name}.json.gz", evidence, durable=False)
            _delete_oldest(folder)
        except OSError as error:
            self._report(error)

    def _report(self, error: OSError) -> None:
        reason = error.strerror or str(error)
        if not self.problem:
            log.warning("events of dropouts cannot be saved", directory=str(self.directory), problem=reason)
        self.problem = reason


def _time(line: bytes) -> float:
    """Return the Unix time of an event; now if the line is none."""
    with suppress(*UNREADABLE):
        return seconds_of(msgspec.json.decode(line, type=Key).at)
    return time.time()


def _append(path: Path, content: bytes) -> None:
    """Append whole lines to a private file; a torn line at its end, such as one of a full disk, is cut off.

    Raises:
        OSError: The lines are not in the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        end = _whole_bytes(descriptor)
        written = 0
        try:
            while written < len(content):
                written += os.write(descriptor, content[written:])
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)


def _whole_bytes(descriptor: int) -> int:
    """Return the size of the file, after cutting off a line without its newline."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL_BYTES, max(size - _TAIL_BYTES, 0))
    end = size - len(tail) + tail.rfind(b"\n") + 1
    if end < size:
        os.ftruncate(descriptor, end)
    return end


def _delete_oldest(folder: Path) -> None:
    """Delete the oldest raw evidence beyond the limits; the names sort by time."""
    left = 0
    for number, path in enumerate(sorted(folder.glob("*.json.gz"), reverse=True), 1):
        left += path.stat().st_size
        if number > MOST_EVIDENCE or left > MOST_EVIDENCE_BYTES:
            path.unlink(missing_ok=True)
