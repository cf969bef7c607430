"""A ring of fixed-size records in memory that two processes share: one writes, one reads, neither ever waits.

Owns the shared memory and the layout: a count of all records ever written (8 bytes, padded to a cache line), then the
slots. The count is the sequence number: from it the reader knows which records it has missed and which ones may be
under the writer's pen, so a record is delivered whole or counted as overrun. What a record means belongs to `protocol`.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
from pathlib import Path
from struct import Struct

_SLOTS_AT = 64


def ring_bytes(record: Struct, capacity: int) -> int:
    """The size in bytes of a ring of `capacity` records."""
    return _SLOTS_AT + capacity * record.size


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
        self._record = record
        self._capacity = capacity
        self._written = self._count[0]

    def write(self, *values: float) -> None:
        """Append one record, over the oldest one if the ring is full."""
        slot = _SLOTS_AT + self._written % self._capacity * self._record.size
        self._record.pack_into(self._map, slot, *values)
        self._written += 1
        self._count[0] = self._written

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
        self._record = record
        self._capacity = capacity
        self._read = 0
        self.overruns = 0

    def read(self) -> list[bytes]:
        """The records written since the last call, oldest first."""
        written = self._count[0]
        first = max(self._read, written - self._capacity)
        records = [self._slot(index) for index in range(first, written)]
        # While we copied, the writer may have overwritten all but its last `capacity` records, and one more is in work.
        intact = min(max(first, self._count[0] - self._capacity + 1), written)
        self.overruns += intact - self._read
        self._read = written
        return records[intact - first :]

    def close(self) -> None:
        """Give the mapping back."""
        self._count.release()
        self._map.close()

    def _slot(self, index: int) -> bytes:
        start = _SLOTS_AT + index % self._capacity * self._record.size
        return self._map[start : start + self._record.size]
