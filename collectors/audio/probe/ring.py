"""A ring of fixed-size records in memory that two processes share: one writes, one reads, neither ever waits.

Owns the shared memory and the layout: a count of all records ever written (8 bytes, padded to a cache line), then the
slots. A slot is a record and a checksum of it and its number: what is half written, half visible or of another lap does
not match. So a record is delivered whole or counted as overrun on any machine, also one (ARM) where another core may
see the count before the record. What a record means belongs to `protocol`.
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
_CHECKSUM_BYTES = 4


def ring_bytes(record: Struct, capacity: int) -> int:
    """The size in bytes of a ring of `capacity` records."""
    return _SLOTS_AT + capacity * _slot_bytes(record)


def shared_memory(name: str, size: int) -> int:
    """A file descriptor of `size` zeroed bytes that no path leads to; the caller closes it.

    Args:
        name: What `/proc/PID/maps` shows, for a person who looks there.
        size: The number of bytes. Pages cost memory from their first use.
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
    """Over the record and its number, in this order.

    As the start of the sum, a number would cancel out against first bytes of the lap before that differ like it.
    """
    return crc32(number.to_bytes(8, sys.byteorder), crc32(record)).to_bytes(_CHECKSUM_BYTES, sys.byteorder)


def _count(memory: mmap.mmap) -> memoryview:
    """The count as one machine word, which is read and written at once (`Struct.pack_into` would clear it first)."""
    return memoryview(memory)[:8].cast("Q")


class RingWriter:
    """The writing end.

    Args:
        descriptor: From `shared_memory`; may be closed afterwards.
        record: The layout of one record.
        capacity: How many records the ring holds.
    """

    def __init__(self, descriptor: int, record: Struct, capacity: int) -> None:
        self._map = mmap.mmap(descriptor, ring_bytes(record, capacity))
        self._count = _count(self._map)
        self._pack = record.pack
        self._slot_bytes = _slot_bytes(record)
        self._capacity = capacity
        self._written = self._count[0]

    def write(self, *values: float) -> None:
        """Append one record, over the oldest one if the ring is full."""
        number = self._written
        record = self._pack(*values)
        start = _SLOTS_AT + number % self._capacity * self._slot_bytes
        self._map[start : start + self._slot_bytes] = record + _checksum(record, number)
        self._written = self._count[0] = number + 1

    def close(self) -> None:
        """Give the mapping back."""
        self._count.release()
        self._map.close()


class RingReader:
    """The reading end; the arguments are those of `RingWriter`.

    Attributes:
        overruns: Records that were overwritten before they were read.
    """

    def __init__(self, descriptor: int, record: Struct, capacity: int) -> None:
        self._map = mmap.mmap(descriptor, ring_bytes(record, capacity))
        self._count = _count(self._map)
        self._slot_bytes = _slot_bytes(record)
        self._capacity = capacity
        self._read = 0
        self.overruns = 0

    def read(self) -> list[bytes]:
        """The records written since the last call, oldest first.

        The first one that is not whole ends the list: by the next call it is visible, or known to be overwritten.
        """
        records = []
        written = self._count[0]
        self._skip_to(written - self._capacity)
        while self._read < written and (record := self._record(self._read)) is not None:
            records.append(record)
            self._read += 1
        return records

    def close(self) -> None:
        """Give the mapping back."""
        self._count.release()
        self._map.close()

    def _skip_to(self, oldest: int) -> None:
        skipped = max(oldest - self._read, 0)
        self.overruns += skipped
        self._read += skipped

    def _record(self, number: int) -> bytes | None:
        """The record of that number, if the whole of it and nothing else is in its slot."""
        start = _SLOTS_AT + number % self._capacity * self._slot_bytes
        slot = self._map[start : start + self._slot_bytes]
        record = slot[:-_CHECKSUM_BYTES]
        return record if slot[-_CHECKSUM_BYTES:] == _checksum(record, number) else None
