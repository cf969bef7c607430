"""The dropouts of the last 24 hours, kept in the state directory through restarts and kills.

The file has one JSON object a line: a dropout, or a period in which no device was measured. Its modification time is
the last time at which a device was measured, so that a killed agent leaves no gap unmarked.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from collectors import atomic_file
from collectors.audio.dropouts import HOLD_NS, MERGE_NS, Dropout

log = structlog.get_logger()

FILE = "audio-dropouts.jsonl"

KEEP_SECONDS = 24 * 3600.0
"""The time for which dropouts are kept."""

FINAL_NS = 2 * HOLD_NS + MERGE_NS
"""The time after its end from which no observation extends a dropout."""

_MOST = 10_000
"""The limit of kept dropouts."""

_MOST_BYTES = 16 << 20
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_MARK_SECONDS = 15.0
"""The longest time between two marks of measuring, and the shortest gap that is recorded."""


class PastDropout(msgspec.Struct, frozen=True):
    """One dropout of the past.

    Attributes:
        at: Its start in Unix seconds.
        seconds: Its duration.
        silent: The seconds in it without any buffer.
        count: Its count: 1, or the seconds of a storm.
        device: The device.
        observers: The observers that saw it, sorted.
    """

    at: float
    seconds: float
    silent: float
    count: int
    device: str
    observers: tuple[str, ...]


class Unwatched(msgspec.Struct, frozen=True, array_like=True):
    """A period without measuring, in Unix seconds."""

    start: float
    end: float


class _Line(msgspec.Struct, omit_defaults=True):
    dropout: PastDropout | None = None
    unwatched: Unwatched | None = None


@dataclass(frozen=True, slots=True)
class HistoryView:
    """The last 24 hours.

    Attributes:
        dropouts: The dropouts, oldest first.
        unwatched: The ended periods without measuring, oldest first.
        watched: The last time of measuring in Unix seconds; 0 if there was none.
    """

    dropouts: tuple[PastDropout, ...] = ()
    unwatched: tuple[Unwatched, ...] = ()
    watched: float = 0.0


class DropoutHistory:
    """The history of one agent. `restore` and `keep` block on the disk and are never called at the same time.

    Args:
        directory: The state directory; `None` to keep the history in memory only. It is written after `restore` only.
    """

    def __init__(self, directory: Path | None) -> None:
        self._file = directory / FILE if directory else None
        self._path: Path | None = None
        self._dropouts: deque[PastDropout] = deque(maxlen=_MOST)
        self._unwatched: deque[Unwatched] = deque(maxlen=_MOST)
        self._watched = 0.0
        self._marked = 0.0
        self._lines = 0
        self._failed = False
        self.view = HistoryView()

    def restore(self, now: float) -> None:
        """Read the history of an earlier run. An unreadable line or file costs itself only.

        Args:
            now: Unix time in seconds.
        """
        self._path = self._file
        if self._path is None:
            return
        try:
            with self._path.open("rb") as file:
                self._watched = min(os.fstat(file.fileno()).st_mtime, now)
                content = file.read(_MOST_BYTES)
        except OSError:
            return
        for text in content.splitlines():
            try:
                self._take(msgspec.json.decode(text, type=_Line))
            except msgspec.DecodeError:  # the last line of a killed agent
                continue
        self._forget(now)
        self._rewrite()
        self._renew()

    def keep(self, found: Iterable[PastDropout], now: float, *, measuring: bool) -> None:
        """Add dropouts, and mark whether a device is measured.

        Args:
            found: New dropouts, oldest first.
            now: Unix time in seconds.
            measuring: True if a device is measured now.
        """
        lines = [_Line(dropout=dropout) for dropout in found]
        if measuring:
            before = self._watched or now - KEEP_SECONDS
            if now - before > _MARK_SECONDS:
                lines.append(_Line(unwatched=Unwatched(before, now)))
            self._watched = now
        for line in lines:
            self._take(line)
        if lines or (measuring and now - self._marked >= _MARK_SECONDS / 3):
            self._marked = now
            self._append(lines)
        if lines:
            self._forget(now)
        self._renew()

    def _take(self, line: _Line) -> None:
        if line.dropout:
            self._dropouts.append(line.dropout)
        if line.unwatched:
            self._unwatched.append(line.unwatched)

    def _forget(self, now: float) -> None:
        """Drop what is older than `KEEP_SECONDS`; a time after now is of a clock that was wrong."""
        first, last = now - KEEP_SECONDS, now + KEEP_SECONDS
        self._dropouts = deque((it for it in self._dropouts if first <= it.at + it.seconds <= last), _MOST)
        self._unwatched = deque((it for it in self._unwatched if first <= it.end <= last), _MOST)
        if self._lines > 2 * _MOST:
            self._rewrite()

    def _append(self, lines: list[_Line]) -> None:
        if self._path is None:
            return
        try:
            descriptor = os.open(
                self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
            with os.fdopen(descriptor, "ab") as file:
                file.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
                file.flush()
                os.utime(file.fileno(), (self._watched, self._watched))
            self._lines += len(lines)
            self._failed = False
        except OSError as error:
            self._report(error)

    def _rewrite(self) -> None:
        if self._path is None:
            return
        lines = [_Line(dropout=it) for it in self._dropouts] + [_Line(unwatched=it) for it in self._unwatched]
        try:
            atomic_file.replace(self._path, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
            os.utime(self._path, (self._watched, self._watched))
            self._lines = len(lines)
        except OSError as error:
            self._report(error)

    def _report(self, error: OSError) -> None:
        if not self._failed:
            log.warning("the history of dropouts cannot be saved", file=str(self._path), problem=error.strerror)
        self._failed = True

    def _renew(self) -> None:
        """Renew the view; an unchanged part stays the same object."""
        dropouts, unwatched = tuple(self._dropouts), tuple(self._unwatched)
        before = self.view
        self.view = HistoryView(
            before.dropouts if before.dropouts == dropouts else dropouts,
            before.unwatched if before.unwatched == unwatched else unwatched,
            self._watched,
        )


class Recorder:
    """The selection of dropouts that are final and not recorded yet."""

    def __init__(self) -> None:
        self._recorded_ns: dict[str, int] = {}

    def final(self, device: str, recent: Iterable[Dropout], clock: Clock) -> list[PastDropout]:
        """Return the device's new final dropouts, oldest first."""
        since, until = self._recorded_ns.get(device, 0), clock.monotonic_ns - FINAL_NS
        found = sorted((it for it in recent if since < it.end_ns <= until), key=lambda it: it.end_ns)
        if found:
            self._recorded_ns[device] = found[-1].end_ns
        return [_past(device, dropout, clock) for dropout in found]


class Clock(NamedTuple):
    """Two clocks at one instant.

    Attributes:
        unix: Unix time in seconds.
        monotonic_ns: Monotonic time in nanoseconds.
    """

    unix: float
    monotonic_ns: int

    @classmethod
    def now(cls) -> Clock:
        """Return both clocks now."""
        return cls(time.time(), time.monotonic_ns())


def _past(device: str, dropout: Dropout, clock: Clock) -> PastDropout:
    return PastDropout(
        at=round(clock.unix - (clock.monotonic_ns - dropout.start_ns) / 1e9, 3),
        seconds=round((dropout.end_ns - dropout.start_ns) / 1e9, 4),
        silent=round(dropout.silent_ns / 1e9, 4),
        count=dropout.count,
        device=device,
        observers=tuple(sorted(dropout.observers)),
    )
