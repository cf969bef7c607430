"""The queue of snapshots on disk: each is written before it is sent, and leaves after its acknowledgement.

Records have consecutive numbers and stand in segment files. A new run starts a new segment. The files are synchronized
after each record, so neither a kill nor a power failure loses a snapshot that was added. If the disk takes no record,
records wait in memory, and the oldest segment makes room for them once there are too many.

All methods block on the disk and belong to one thread. The attributes may be read from any thread.
"""

from __future__ import annotations

import contextlib
import os
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import structlog

from agent.push import segment as files
from agent.push.codec import Codec, CorruptError
from agent.push.progress import Progress
from agent.push.record import Record
from agent.push.segment import Segment

log = structlog.get_logger()

_SEGMENT_BYTES = 1 << 20
_FEWEST_SEGMENTS = 8  # in the bounds of the queue, so that the oldest one is a small part of it
_ACKNOWLEDGED_BYTES = 128 << 10  # a segment of which nothing is needed is replaced from this size on
_MEMORY_BYTES = 4 << 20
_RECENT = 8
_LONGEST_GAP_MS = 600_000  # between two records; more is a time without an agent, or a step of its clock
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

Drops = Callable[[str, int], None]


class Queue:
    """The queue of one agent.

    Args:
        directory: Its directory.
        max_size: The most bytes on disk.
        max_age: The age in seconds from which a record is dropped. Only the time in which an agent runs counts.
        groups: The number of groups of series.
        dropped: Called with the reason and the number of samples that the bounds cost: `size`, `age`, `disk` or
            `corrupt`.
    """

    def __init__(self, directory: Path, max_size: int, max_age: float, groups: int, dropped: Drops) -> None:
        self._directory = directory
        self._max_size = max_size
        self._max_age_ms = int(max_age * 1000)
        self._groups = groups
        self._dropped = dropped
        self._limit = min(_SEGMENT_BYTES, max_size // _FEWEST_SEGMENTS)
        self._segments: deque[Segment] = deque()
        self._codec = Codec()
        self._fd = -1
        self._unwritten: deque[tuple[int, bytes]] = deque()
        self._recent: deque[Record] = deque(maxlen=_RECENT)
        self._reader: _Reader | None = None
        self._progress = Progress(directory)
        self._opened_at = self._age = 0
        self.end = 0
        """The number of the next record."""
        self.newest = 0
        """The time of the newest record, Unix milliseconds; 0 for none."""
        self.problem = ""
        """The reason why the disk takes no record; empty if it does."""
        self.live: dict[int, dict[bytes, None]] = {}
        """The series of each group that an earlier run has left."""
        self.size = 0
        """The bytes of records that are not acknowledged."""
        self.oldest_pending = 0
        """The time of the oldest record that is not acknowledged; 0 for none."""

    def open(self) -> None:
        """Read what an earlier run has left. Without a usable directory, records stay in memory."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._progress.open()
            self._scan()
        except OSError as error:
            self._failed(error)
        self.end = max(self._segments[-1].stop if self._segments else 0, self._progress.end)
        self.newest = max((max(one.times) for one in self._segments if one.times), default=0)
        self.newest = max(self.newest, self._progress.newest)
        self._resume()
        self._opened_at = _boot_ms()
        if self._segments and self._segments[0].first:
            self._progress.finish(range(self._segments[0].first))
        self._forget()
        self._measure()

    def close(self) -> None:
        """Close the files."""
        self._write_waiting()
        self._progress.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._close_reader()

    def append(self, record: Record) -> Record:
        """Write a record to the disk, and return it with its number."""
        if self._fd < 0 or self._segments[-1].size >= self._limit or self._is_spent():
            self._start_segment()
        numbered = replace(record, number=self.end)
        payload = self._codec.encode(numbered)
        frame = files.framed(payload)
        self._segments[-1].add(payload, len(frame))
        self._segments[-1].added.append(self._age_now())
        self._unwritten.append((self.end, frame))
        self.end += 1
        self.newest = record.time
        self._recent.append(numbered)
        self._write_waiting()
        self._bound()
        self._measure()
        return numbered

    def pending(self) -> list[range]:
        """Return the numbers of the records to send, oldest first."""
        return [*self._progress.pending(self._segments[0].first if self._segments else self.end, self.end)]

    @property
    def doubt(self) -> range:
        """The records of a request whose answer never came."""
        return self._progress.doubt

    @property
    def may_skip(self) -> bool:
        """True if newer records may be sent before older ones."""
        return self._progress.may_skip

    def read(self, records: range, most_samples: int) -> list[Record]:
        """Return the first of these records, at least one, up to so many samples; none if they cannot be read."""
        if self._recent and self._recent[0].number <= records.start:
            return [*_up_to((one for one in self._recent if one.number in records), most_samples)]
        segment = next(one for one in self._segments if one.stop > records.start)
        if self._reader is None or self._reader.segment is not segment or self._reader.next > records.start:
            self._close_reader()
            self._reader = _Reader(segment, self._unwritten)
        found: list[Record] = []
        try:
            found.extend(_up_to(self._reader.read(range(records.start, min(records.stop, segment.stop))), most_samples))
        except (CorruptError, OSError) as error:
            self._unreadable(segment, self._reader.next, error)
        return found

    def send(self, records: range) -> None:
        """Note, before a request, that its records will be in doubt until its answer."""
        self._progress.send(records, self.newest)

    def finish(self, records: range) -> None:
        """Remove records that the receiver has acknowledged or refused."""
        self._progress.finish(records)
        self._forget()
        self._measure()

    def _scan(self) -> None:
        for path in sorted(self._directory.glob(f"*{files.SUFFIX}")):
            try:
                found = files.scan(path)
            except ValueError as error:
                log.warning("a file of the queue is damaged and is removed", problem=str(error))
                path.unlink()
                continue
            if found.ends:
                self._segments.append(found)
            else:
                path.unlink()
        before = self._segments[0].times[0] if self._segments else 0
        for one in self._segments:
            for at in one.times:
                self._age += min(max(at - before, 0), _LONGEST_GAP_MS)
                before = at
                one.added.append(self._age)
        for one in [*self._segments][-2:]:
            codec = _decoded(one)
            self.live |= {group: record.live() for group, record in codec.last.items()}
            if one is self._segments[-1] and codec.records == len(one.ends):
                self._codec = codec

    def _resume(self) -> None:
        """Go on with the newest segment, and so with the space that it has reserved."""
        if self._segments and self._segments[-1].stop == self.end and self._codec.records:
            try:
                self._fd = files.reopen(self._segments[-1])
            except OSError as error:
                self._failed(error)

    def _start_segment(self) -> None:
        """Begin a new segment. Without room for it, the old one goes on."""
        path = files.path_of(self._directory, self.end)
        self._write_waiting()
        if self._unwritten:
            return
        try:
            fd = files.create(path, self._limit)
            _sync_directory(self._directory)
        except OSError as error:
            self._failed(error)
            if self._segments and self._fd >= 0:
                return
            fd = -1
        self._close_active()
        self._fd = fd
        self._codec = Codec()
        self._segments.append(Segment(path, self.end))

    def _close_active(self) -> None:
        """Close the active segment for good, and release the rest of its space."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._segments[-1].size)
            os.close(self._fd)
            self._fd = -1

    def _is_spent(self) -> bool:
        """Return True if nothing of the active segment is needed, and it is large enough to be replaced."""
        return self._segments[-1].size >= _ACKNOWLEDGED_BYTES and not self.pending()

    def _write_waiting(self) -> None:
        """Write the records that wait in memory, in order, and synchronize the file."""
        if not self._unwritten:
            return
        segment = self._segments[-1]
        try:
            if self._fd < 0:
                self._fd = files.create(segment.path, self._limit)
                _sync_directory(self._directory)
            while self._unwritten:
                number, frame = self._unwritten[0]
                at = int(segment.ends[number - segment.first]) - len(frame)
                _write(self._fd, frame, at)
                self._unwritten.popleft()
        except OSError as error:
            self._failed(error)
        else:
            if self.problem:
                log.info("the disk takes metrics again", was=self.problem)
            self.problem = ""

    def _failed(self, error: OSError) -> None:
        problem = f"{error.strerror or error} ({self._directory})"
        if not self.problem:
            log.error("metrics cannot be written to the disk, and wait in memory", problem=problem)
        self.problem = problem

    def _bound(self) -> None:
        """Drop the oldest segments, as far as the bounds demand."""
        self._drop("age", self._first_after(self._age_now() - self._max_age_ms))
        while len(self._segments) > 1 and self._disk_bytes() > self._max_size:
            self._drop("size", self._segments[0].stop)
        if sum(len(frame) for _, frame in self._unwritten) > _MEMORY_BYTES:
            if len(self._segments) > 1:
                self._drop("disk", self._segments[0].stop)
                self._write_waiting()
            else:
                self._drop_memory()

    def _age_now(self) -> int:
        """Return the time by which records age, in milliseconds: it goes on while an agent runs.

        The times of records are no measure, because a step of the clock would make them all too old.
        """
        return self._age + _boot_ms() - self._opened_at

    def _first_after(self, oldest: int) -> int:
        """Return the number of the first record that was added after that time of `_age_now`."""
        for segment in self._segments:
            if segment.added and segment.added[-1] >= oldest:
                return segment.first + bisect_left(segment.added, oldest)
        return self.end

    def _disk_bytes(self) -> int:
        return sum(one.size for one in self._segments) - self._segments[-1].size + self._limit

    def _drop(self, reason: str, stop: int) -> None:
        """Drop all records before this number."""
        parts = [(segment, range(part.start, min(part.stop, stop))) for segment, part in self._parts()]
        samples = sum(segment.samples_of(part) for segment, part in parts if part)
        if samples:
            self._dropped(reason, samples)
        self._progress.finish(range(stop))
        self._forget()
        while len(self._segments) > 1 and self._segments[0].stop <= stop:
            self._remove(self._segments[0])

    def _drop_memory(self) -> None:
        """Drop all records of a segment that the disk does not take, and begin another one."""
        segment = self._segments[-1]
        samples = sum(segment.samples_of(part) for part in self._progress.pending(segment.first, segment.stop))
        self._dropped("disk", samples)
        self._unwritten.clear()
        self._recent.clear()
        self._progress.finish(range(segment.first, segment.stop))
        self._close_active()
        self._remove(segment)
        self._codec = Codec()

    def _forget(self) -> None:
        """Remove the segments of which nothing is needed. The active one keeps the newest series of each group."""
        while len(self._segments) > 1:
            oldest = self._segments[0]
            if any(self._progress.pending(oldest.first, oldest.stop)):
                return
            if len(self._segments) == 2 and len(self._codec.last) < self._groups:  # noqa: PLR2004 - the one before
                return
            self._remove(oldest)

    def _remove(self, segment: Segment) -> None:
        if self._reader is not None and self._reader.segment is segment:
            self._close_reader()
        self._segments.remove(segment)
        with contextlib.suppress(OSError):
            segment.path.unlink()

    def _unreadable(self, segment: Segment, number: int, error: Exception) -> None:
        """Drop the rest of a damaged segment: its records need those before them."""
        rest = range(number, segment.stop)
        log.error("a part of the queue is damaged and cannot be sent", file=str(segment.path), problem=str(error))
        self._dropped("corrupt", sum(segment.samples_of(it) for it in self._progress.pending(rest.start, rest.stop)))
        self._close_reader()
        self.finish(rest)

    def _measure(self) -> None:
        self.size, self.oldest_pending = files.measured([*self._parts()])

    def _parts(self) -> Iterator[tuple[Segment, range]]:
        """Yield the pending records of each segment."""
        for segment in self._segments:
            for part in self._progress.pending(segment.first, segment.stop):
                yield segment, part

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class _Reader:
    """The decoder of one segment, which reads forward."""

    def __init__(self, segment: Segment, unwritten: deque[tuple[int, bytes]]) -> None:
        self.segment = segment
        self.next = segment.first
        self._unwritten = unwritten
        self.codec = Codec()
        self._fd = -1

    def read(self, records: range) -> Iterator[Record]:
        """Yield these records.

        Raises:
            CorruptError: A record is damaged.
            OSError: The file cannot be read.
        """
        while self.next < records.stop:
            record = self.codec.decode(self._payload(self.next), self.next)
            self.next += 1
            time.sleep(0)  # the event loop gets the interpreter's lock
            if record.number >= records.start:
                yield record

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)

    def _payload(self, number: int) -> bytes:
        waiting = dict(self._unwritten) if self._unwritten else {}
        if number in waiting:
            return files.unframed(waiting[number])
        if self._fd < 0:
            self._fd = os.open(self.segment.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        return self.segment.payload(self._fd, number)


def _decoded(segment: Segment) -> Codec:
    """Return the state of a segment after its last record that can be decoded."""
    reader = _Reader(segment, deque())
    try:
        deque(reader.read(range(segment.first, segment.stop)), maxlen=0)
    except (CorruptError, OSError) as error:
        log.warning("a file of the queue is damaged", file=str(segment.path), problem=str(error))
    finally:
        reader.close()
    return reader.codec


def _up_to(records: Iterator[Record], most_samples: int) -> Iterator[Record]:
    """Yield records, at least one, up to so many samples."""
    samples = 0
    for record in records:
        yield record
        samples += len(record.layout.series)
        if samples >= most_samples:
            return


def _boot_ms() -> int:
    return time.clock_gettime_ns(_CLOCK) // 1_000_000


def _write(fd: int, frame: bytes, at: int) -> None:
    """Write a frame, and synchronize the file."""
    written = 0
    while written < len(frame):  # a disk that is nearly full takes a part
        written += os.pwrite(fd, frame[written:], at + written)
    getattr(os, "fdatasync", os.fsync)(fd)


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
