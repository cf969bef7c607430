"""Telling equal entries apart: Loki keeps one of those that are equal in labels, time and text.

Each that follows an equal one is a nanosecond later. Which ones were sent is carried from batch to batch, and with the
position from run to run, so that the batches in which lines are read make no difference. It is carried for the newest
few instants: lines of one file come in the order of their time, nearly.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from heapq import nlargest
from zlib import crc32

NOTHING = b""

MAX_INSTANTS = 8
"""How many of the newest instants are carried on."""

MAX_ENTRIES = 2000
"""How many different entries are carried on, which is 43 KiB in the positions file."""

_ENTRY = struct.Struct("<qII")  # Unix nanoseconds, CRC-32 of the text, how many

Entry = tuple[int, int]
"""Time and CRC-32 of the text. Two texts of one checksum are taken for equal, which costs one of them a nanosecond."""


def parted(timestamps: Sequence[int], lines: Sequence[bytes], recent: bytes) -> tuple[list[int], bytes]:
    """The timestamps, with as many nanoseconds added as equal entries (in time and text) came before.

    Args:
        timestamps: Unix nanoseconds.
        lines: The text at each of them.
        recent: What the batches before carried on.

    Returns:
        The timestamps, and what is to be carried on.
    """
    before = _unpack(recent)
    instants = set(timestamps)
    known = {at for at, _ in before}
    newest = set(nlargest(MAX_INSTANTS, instants | known))
    if len(instants) == len(timestamps) and known.isdisjoint(instants):
        before.update((at, crc32(line)) for at, line in zip(timestamps, lines, strict=True) if at in newest)
        return list(timestamps), _pack(before, newest)
    moved = []
    for entry in zip(timestamps, map(crc32, lines), strict=True):
        earlier = before.get(entry, 0)
        before[entry] = earlier + 1
        moved.append(entry[0] + earlier)
    return moved, _pack(before, newest)


def _unpack(recent: bytes) -> Counter[Entry]:
    return Counter({(at, checksum): times for at, checksum, times in _ENTRY.iter_unpack(recent)})


def _pack(entries: Counter[Entry], newest: set[int]) -> bytes:
    kept = [_ENTRY.pack(*entry, times) for entry, times in entries.items() if entry[0] in newest]
    return b"".join(kept[-MAX_ENTRIES:])
