"""The records that a receiver has acknowledged, and those of a request without an answer yet.

The file has two slots that are written in turn. A torn write costs one slot, and the older one is then used: records
are sent again, which changes nothing at the receiver. A slot is overwritten in place, so a full disk does not matter.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

FILE = "progress"

_SLOT = 2048
_MOST_RANGES = 64
"""The maximum number of separate ranges: one per outage that newer records overtook."""


class _Saved(msgspec.Struct):
    """One slot: a counter, the acknowledged ranges, the range in doubt, and the newest time that may have been sent."""

    turn: int
    done: list[tuple[int, int]]
    doubt: tuple[int, int] = (0, 0)
    newest: int = 0


class Progress:
    """The numbers of acknowledged records, as ranges without their ends.

    Args:
        directory: The directory of the queue.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._fd = -1
        self._saved = _Saved(0, [])

    def open(self) -> None:
        """Read the file, or create it. Blocks on the disk.

        Raises:
            OSError: The file cannot be read or created.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(self._path, flags, 0o600)
        if os.fstat(self._fd).st_size < 2 * _SLOT:
            os.pwrite(self._fd, bytes(2 * _SLOT), 0)  # a disk that fills up later still takes a slot
        self._load(self._fd)

    def look(self) -> None:
        """Read the file of another process, without a change. Blocks on the disk.

        Raises:
            OSError: The file cannot be read.
        """
        fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            self._load(fd)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def doubt(self) -> range:
        """The records of a request whose answer never came; the receiver may have stored them."""
        return range(*self._saved.doubt)

    @property
    def end(self) -> int:
        """The number after the newest acknowledged record."""
        return self._saved.done[-1][1] if self._saved.done else 0

    @property
    def newest(self) -> int:
        """The time of the newest record that may have been sent, Unix milliseconds."""
        return self._saved.newest

    @property
    def may_skip(self) -> bool:
        """True if there is room for one more range, so that newer records may be sent before older ones."""
        return len(self._saved.done) < _MOST_RANGES

    def pending(self, first: int, end: int) -> Iterator[range]:
        """Yield the ranges of records that are not acknowledged, between these numbers."""
        for start, stop in self._saved.done:
            if first < start:
                yield range(first, min(start, end))
            first = max(first, stop)
            if first >= end:
                return
        if first < end:
            yield range(first, end)

    def send(self, records: range, newest: int) -> None:
        """Note, before a request, that its records will be in doubt until its answer. None is newer than `newest`."""
        doubt = self.doubt
        overlap = doubt.start <= records.stop and records.start <= doubt.stop
        self._saved.newest = max(self._saved.newest, newest)
        self._save(self._saved.done, (records.start, max(records.stop, doubt.stop) if overlap else records.stop))

    def finish(self, records: range) -> None:
        """Note that these records need not be sent any more."""
        merged: list[tuple[int, int]] = []
        for start, stop in sorted([*self._saved.done, (records.start, records.stop)]):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
            else:
                merged.append((start, stop))
        doubt = range(max(self.doubt.start, records.stop), self.doubt.stop)
        self._save(merged, (doubt.start, doubt.stop) if doubt else (0, 0))

    def _load(self, fd: int) -> None:
        slots = [_read(os.pread(fd, _SLOT, at)) for at in (0, _SLOT)]
        self._saved = max((slot for slot in slots if slot), key=lambda slot: slot.turn, default=self._saved)

    def _save(self, done: list[tuple[int, int]], doubt: tuple[int, int]) -> None:
        self._saved = saved = _Saved(self._saved.turn + 1, done, doubt, self._saved.newest)
        text = msgspec.json.encode(saved)
        slot = b"%08x %s\n" % (zlib.crc32(text), text)
        if self._fd >= 0:
            with contextlib.suppress(OSError):  # the records are sent again after a restart
                os.pwrite(self._fd, slot.ljust(_SLOT, b"\0"), _SLOT * (saved.turn % 2))


def _read(slot: bytes) -> _Saved | None:
    crc, _, text = slot.rstrip(b"\0\n").partition(b" ")
    try:
        return msgspec.json.decode(text, type=_Saved) if int(crc, 16) == zlib.crc32(text) else None
    except (ValueError, msgspec.DecodeError):
        return None
