"""One file of the queue: records with their length and checksum, up to the first one that is incomplete.

A file reserves its space when it is created, so that a disk that fills up later still takes its records.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from collectors import regular_file

SUFFIX = ".segment"
MAGIC = b"wr-push1"

_FRAME = struct.Struct("<II")
_TIME_AND_COUNT = struct.Struct("<xxqI")  # after group and flags; see `codec`
_LONGEST = 64 << 20
_MOST_BYTES = 1 << 30
_CLEARED = 64 << 10


@dataclass(slots=True)
class Segment:
    """A file and the places of its records.

    Attributes:
        path: The file.
        first: The number of the first record.
        ends: The offset of the end of each record.
        times: The time of each record, Unix milliseconds.
        counts: The number of samples of each record.
        added: The time of the queue at which each record was added, milliseconds.
        start: The offset of the first record.
    """

    path: Path
    first: int
    ends: array[int] = field(default_factory=lambda: array("Q"))
    times: array[int] = field(default_factory=lambda: array("q"))
    counts: array[int] = field(default_factory=lambda: array("I"))
    added: array[int] = field(default_factory=lambda: array("q"))
    start: int = len(MAGIC)

    @property
    def stop(self) -> int:
        """The number after the last record."""
        return self.first + len(self.ends)

    @property
    def size(self) -> int:
        """The bytes up to the end of the last record."""
        return int(self.ends[-1]) if self.ends else self.start

    def bytes_of(self, records: range) -> int:
        """Return the bytes of some of its records."""
        if not records:
            return 0
        return int(self.ends[records.stop - 1 - self.first]) - self._begin(records.start)

    def samples_of(self, records: range) -> int:
        """Return the number of samples of some of its records."""
        return sum(self.counts[records.start - self.first : records.stop - self.first])

    def add(self, payload: bytes, framed: int) -> None:
        """Note a record whose frame and payload follow the last one."""
        time, count = _TIME_AND_COUNT.unpack_from(payload)
        self.ends.append(self.size + framed)
        self.times.append(time)
        self.counts.append(count)

    def payload(self, fd: int, number: int) -> bytes:
        """Return the payload of a record; empty if the file no longer has it. Blocks on the disk."""
        begin = self._begin(number)
        return unframed(os.pread(fd, int(self.ends[number - self.first]) - begin, begin))

    def _begin(self, number: int) -> int:
        return int(self.ends[number - self.first - 1]) if number > self.first else self.start


def measured(parts: Sequence[tuple[Segment, range]]) -> tuple[int, int]:
    """Return the bytes of some records of segments, and the time of the oldest one; 0 for none."""
    size = sum(segment.bytes_of(part) for segment, part in parts)
    return size, min((segment.times[part.start - segment.first] for segment, part in parts), default=0)


def path_of(directory: Path, first: int) -> Path:
    """Return the path of the segment that begins with this record."""
    return directory / f"{first:016d}{SUFFIX}"


def framed(payload: bytes) -> bytes:
    """Return a record as it stands in the file."""
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def create(path: Path, reserve: int) -> int:
    """Create a segment file, and return its descriptor. Blocks on the disk.

    Raises:
        OSError: The file cannot be created.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, 0, reserve)
        os.pwrite(fd, MAGIC, 0)
    except OSError:
        os.close(fd)
        path.unlink()
        raise
    return fd


def reopen(segment: Segment) -> int:
    """Return a descriptor to go on with a segment, after its incomplete end is cleared. Blocks on the disk.

    Raises:
        OSError: The file cannot be written.
    """
    fd = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        for at in range(segment.size, os.fstat(fd).st_size, _CLEARED):
            rest = os.pread(fd, _CLEARED, at).rstrip(b"\0")
            if rest:
                os.pwrite(fd, bytes(len(rest)), at)
    except OSError:
        os.close(fd)
        raise
    return fd


def scan(path: Path) -> Segment:
    """Return the segment of a file, up to the first record that is incomplete. Blocks on the disk.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no segment.
    """
    try:
        file = regular_file.opened(path, _MOST_BYTES)
    except OSError as error:
        if regular_file.is_refusal(error):
            raise ValueError(f"{path}: {error.strerror}") from error
        raise
    with file:
        magic = file.read(len(MAGIC))
        if magic != MAGIC:
            raise ValueError(f"expected {MAGIC!r} at the start of {path}, found {magic!r}")
        found = Segment(path, int(path.name.removesuffix(SUFFIX)))
        for payload in _payloads(file):
            found.add(payload, _FRAME.size + len(payload))
            time.sleep(0)  # the event loop gets the interpreter's lock
    return found


def _payloads(file: BufferedReader) -> Iterator[bytes]:
    rest = os.fstat(file.fileno()).st_size - len(MAGIC)
    while rest >= _FRAME.size:
        head = file.read(_FRAME.size)
        length, _ = _FRAME.unpack(head)
        rest -= _FRAME.size + length
        payload = unframed(head + file.read(length)) if 0 < length < _LONGEST and rest >= 0 else b""
        if len(payload) < _TIME_AND_COUNT.size:
            return
        yield payload


def unframed(frame: bytes) -> bytes:
    """Return the payload of a frame; empty if it is incomplete or damaged."""
    if len(frame) < _FRAME.size:
        return b""
    length, crc = _FRAME.unpack_from(frame)
    payload = frame[_FRAME.size : _FRAME.size + length]
    return payload if len(payload) == length and zlib.crc32(payload) == crc else b""
