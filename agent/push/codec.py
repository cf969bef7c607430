"""The encoding of records in a segment.

A series' labels are written once per segment, and a list of series once per change. Values are written as the exclusive
or with the value before, which is zero for most series, and compressed. So a record needs those before it in the
segment.

Payload: group, flags, time and number of samples; the list of series if it changed; the values. All is little-endian.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from collections.abc import Sequence

from agent.push.record import VALUE_BYTES, Layout, Record

_HEAD = struct.Struct("<BBqI")
_SIZE = struct.Struct("<I")
_HAS_LAYOUT = 1
_LEVEL = 6


class CorruptError(Exception):
    """Bytes that are no record."""


class Codec:
    """The state that the records of one segment share, in the order of its records."""

    def __init__(self) -> None:
        self._table: list[bytes] = []
        self._ids: dict[bytes, int] = {}
        self._last: dict[int, tuple[Layout, array[int], bytes]] = {}
        self.records = 0
        """The number of records so far."""

    @property
    def last(self) -> dict[int, Record]:
        """The newest record of each group; its time is 0."""
        return {group: Record(group, 0, layout, values) for group, (layout, _, values) in self._last.items()}

    def encode(self, record: Record) -> bytes:
        """Return the payload of the next record."""
        before = self._last.get(record.group)
        changed = before is None or before[0] is not record.layout
        ids = self._numbered(record.layout.series) if changed or before is None else before[1]
        base = self._base(record.group, ids, changed=changed)
        listed = b""
        if changed:
            block = zlib.compress(self._listed(ids), _LEVEL)
            listed = _SIZE.pack(len(block)) + block
        self._last[record.group] = (record.layout, ids, record.values)
        self.records += 1
        head = _HEAD.pack(record.group, _HAS_LAYOUT if changed else 0, record.time, len(ids))
        return head + listed + zlib.compress(_xor(record.values, base), _LEVEL)

    def decode(self, payload: bytes, number: int) -> Record:
        """Return the next record.

        Raises:
            CorruptError: The payload is no record, or not the next one.
        """
        try:
            return self._decoded(payload, number)
        except (struct.error, zlib.error, IndexError, KeyError, ValueError, OverflowError) as error:
            raise CorruptError(f"record {number}: {error}") from error

    def _decoded(self, payload: bytes, number: int) -> Record:
        group, flags, time, count = _HEAD.unpack_from(payload)
        at = _HEAD.size
        if flags & _HAS_LAYOUT:
            (size,) = _SIZE.unpack_from(payload, at)
            at += _SIZE.size
            layout, ids = self._read_layout(zlib.decompress(payload[at : at + size]))
            at += size
            base = self._base(group, ids, changed=True)
        else:
            layout, ids, base = self._last[group]
        values = _xor(zlib.decompress(payload[at:]), base)
        if len(values) != count * VALUE_BYTES or len(ids) != count:
            raise CorruptError(f"record {number}: expected {count} values of {len(ids)} series")
        self._last[group] = (layout, ids, values)
        self.records += 1
        return Record(group, time, layout, values, number)

    def _numbered(self, series: Sequence[bytes]) -> array[int]:
        """Return the number of each series; a series is not in the table if its number is beyond the table."""
        known = self._ids
        return array("I", [known.setdefault(labels, len(known)) for labels in series])

    def _base(self, group: int, ids: array[int], *, changed: bool) -> bytes:
        """Return the values before those of these series, 0 for a new one."""
        before = self._last.get(group)
        if before is None:
            return bytes(VALUE_BYTES * len(ids))
        if not changed:
            return before[2]
        values = dict(zip(before[1], array("Q", before[2]), strict=True))
        return array("Q", [values.get(one, 0) for one in ids]).tobytes()

    def _listed(self, ids: array[int]) -> bytes:
        """Return the series that are new in the table, and the numbers of all."""
        new = list(self._ids)[len(self._table) :]
        self._table += new
        parts = [_SIZE.pack(len(new)), *(_SIZE.pack(len(labels)) + labels for labels in new)]
        return b"".join([*parts, ids.tobytes()])

    def _read_layout(self, block: bytes) -> tuple[Layout, array[int]]:
        (new,) = _SIZE.unpack_from(block)
        at = _SIZE.size
        for _ in range(new):
            (size,) = _SIZE.unpack_from(block, at)
            at += _SIZE.size
            self._ids[block[at : at + size]] = len(self._table)
            self._table.append(block[at : at + size])
            at += size
        ids = array("I", block[at:])
        return Layout(tuple(self._table[one] for one in ids)), ids


def _xor(one: bytes, other: bytes) -> bytes:
    """Return the exclusive or of two byte strings of one length."""
    if len(one) != len(other):
        raise ValueError(f"expected {len(other)} bytes of values, found {len(one)}")
    return (int.from_bytes(one, "little") ^ int.from_bytes(other, "little")).to_bytes(len(one), "little")
