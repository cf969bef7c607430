"""A lock-free ring of fixed-size records in memory that one writer and one reader share.

Owns the shared memory and the layout: three words of 8 bytes, padded to a cache line, then the slots. The words are the
count of all records written, the writer's count of pauses, and the reader's request to pause.
A slot is a record and a checksum of the record and its number. A slot that is partly written, partly visible or of
another lap does not match its checksum. So a record is delivered whole or counted as an overrun, even on ARM, where
another core may see the count before the record. `protocol` defines the records.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
from pathlib import Path
from struct import Struct
from zlib import crc32

_SLOTS_AT = 64
_WRITTEN, _PAUSES, _HELD = 0, 1, 2
_CHECKSUM_BYTES = 4


def ring_bytes(record: Struct, capacity: int) -> int:
    """Return the size in bytes of a ring of `capacity` records."""
    return _SLOTS_AT + capacity * _slot_bytes(record)


def shared_memory(name: str, size: int) -> int:
    """Return a file descriptor of `size` zeroed bytes without a path; the caller closes it.

    Args:
        name: The name in `/proc/PID/maps`.
        size: The number of bytes. A page uses memory from its first write.
    """
    if sys.platform == "linux":
        descriptor = os.memfd_create(name)
    else:
        descriptor, path = tempfile.mkstemp(prefix=name)
        Path(path).unlink()
    os.ftruncate(descriptor, size)
    return descriptor


def _slot_bytes(record: Struct) -> int:
    return record.size + _CHECKSUM_BYTES


def _checksum(record: bytes, number: int) -> bytes:
    """Return the checksum of the record followed by its number.

    With the number first, it could cancel out against the first bytes of the previous lap's record.
    """
    return crc32(number.to_bytes(8, sys.byteorder), crc32(record)).to_bytes(_CHECKSUM_BYTES, sys.byteorder)


def _words(memory: mmap.mmap) -> memoryview:
    """Return the words as machine words for atomic access (`Struct.pack_into` would clear them first)."""
    return memoryview(memory)[:24].cast("Q")


class RingWriter:
    """The writing end.

    Args:
        descriptor: From `shared_memory`; may be closed afterwards.
        record: The layout of one record.
        capacity: The number of records that the ring holds.
    """

    def __init__(self, descriptor: int, record: Struct, capacity: int) -> None:
        self._map = mmap.mmap(descriptor, ring_bytes(record, capacity))
        self._words = _words(self._map)
        self._pack = record.pack
        self._slot_bytes = _slot_bytes(record)
        self._capacity = capacity
        self._written = self._words[_WRITTEN]

    @property
    def held(self) -> bool:
        """True while the reader requests a pause."""
        return self._words[_HELD] > 0

    def toggle_pause(self) -> None:
        """Mark the start or the end of a pause, in which nothing is written."""
        self._words[_PAUSES] += 1

    def write(self, *values: float | bytes) -> None:
        """Append one record; a full ring loses its oldest."""
        number = self._written
        record = self._pack(*values)
        start = _SLOTS_AT + number % self._capacity * self._slot_bytes
        self._map[start : start + self._slot_bytes] = record + _checksum(record, number)
        self._written = self._words[_WRITTEN] = number + 1

    def close(self) -> None:
        """Release the mapping."""
        self._words.release()
        self._map.close()


class RingReader:
    """The reading end; the arguments are those of `RingWriter`.

    Attributes:
        overruns: Records that were overwritten before they were read.
    """

    def __init__(self, descriptor: int, record: Struct, capacity: int) -> None:
        self._map = mmap.mmap(descriptor, ring_bytes(record, capacity))
        self._words = _words(self._map)
        self._slot_bytes = _slot_bytes(record)
        self._capacity = capacity
        self._read = 0
        self.overruns = 0

    @property
    def pauses(self) -> int:
        """The writer's count of starts and ends of pauses, which is odd during a pause."""
        return self._words[_PAUSES]

    def hold(self, held: bool) -> None:  # noqa: FBT001 - the new state
        """Request the writer to pause, or to go on."""
        self._words[_HELD] = held

    def read(self) -> list[bytes]:
        """Return the records written since the last call, oldest first.

        The list ends before the first incomplete record. The next call returns it or counts it as overwritten.
        """
        records = []
        written = self._words[_WRITTEN]
        self._skip_to(written - self._capacity)
        while self._read < written and (record := self._record(self._read)) is not None:
            records.append(record)
            self._read += 1
        return records

    def close(self) -> None:
        """Release the mapping."""
        self._words.release()
        self._map.close()

    def _skip_to(self, oldest: int) -> None:
        skipped = max(oldest - self._read, 0)
        self.overruns += skipped
        self._read += skipped

    def _record(self, number: int) -> bytes | None:
        """Return the record of that number, or None if its slot does not hold it whole."""
        start = _SLOTS_AT + number % self._capacity * self._slot_bytes
        slot = self._map[start : start + self._slot_bytes]
        record = slot[:-_CHECKSUM_BYTES]
        return record if slot[-_CHECKSUM_BYTES:] == _checksum(record, number) else None
