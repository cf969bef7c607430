"""The events of a page of the kernel's ring buffer, in the form of `trace_pipe_raw`.

Each event begins with 32 bits: 5 bits of type and 27 bits of nanoseconds since the event before. The kernel's file
`events/header_event` states the types.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator

_PADDING, _TIME_EXTEND, _TIME_STAMP = 29, 30, 31

_WORD = 4
"""The bytes of a word, in which events are aligned."""

_TIME = struct.Struct("=Q")

_MISSED, _MISSED_STORED = 1 << 31, 1 << 30
"""Flags next to a page's length: events before it were lost; their number follows the events."""

_LENGTH = 0xFFFFF
"""The bits of a page's length."""

_UPPER = 0x1F << 59
"""The bits of a time that a time stamp leaves out."""


class DamagedPageError(Exception):
    """A page that contradicts itself."""


Found = tuple[int, int, int]
"""An event on a page: its time, the start of its fields on the page, and their bytes."""


def starts_ns(page: bytes) -> int:
    """Return the time from which a page has events."""
    return int(_TIME.unpack_from(page)[0])


def lost(page: bytes, head_bytes: int) -> int:
    """Return the number of events that were lost before a page; 1 if they were not counted."""
    commit = _commit(page, head_bytes)
    if not commit & _MISSED:
        return 0
    end = head_bytes + (commit & _LENGTH)
    if commit & _MISSED_STORED and end + _TIME.size <= len(page):
        return int(_TIME.unpack_from(page, end)[0])
    return 1


def events(page: bytes, head_bytes: int) -> Iterator[Found]:
    """Yield the events of a page, in order of time.

    Raises:
        DamagedPageError: The rest of the page makes no sense.
    """
    at_ns, used = starts_ns(page), _commit(page, head_bytes) & _LENGTH
    if head_bytes + used > len(page):
        raise DamagedPageError(f"{used} bytes are used of a page of {len(page)}")
    words = struct.unpack_from(f"={used // _WORD}I", page, head_bytes)
    index, end = 0, len(words)
    while index < end:
        head = words[index]
        type_, delta = head & 0x1F, head >> 5
        index += 1
        if 0 < type_ < _PADDING:
            number = type_
        elif type_ == _PADDING and not delta:
            return
        elif index == end:
            raise DamagedPageError("a page ends within an event")
        elif type_ == _TIME_EXTEND:
            at_ns += (words[index] << 27) + delta
            index += 1
            continue
        elif type_ == _TIME_STAMP:
            at_ns = (at_ns & _UPPER) | (words[index] << 27) + delta
            index += 1
            continue
        else:
            number = words[index] // _WORD - 1
            index += 1
        if number < 0 or index + number > end:
            raise DamagedPageError("an event is longer than its page")
        at_ns += delta
        if type_ != _PADDING:
            yield at_ns, head_bytes + _WORD * index, _WORD * number
        index += number


def _commit(page: bytes, head_bytes: int) -> int:
    return int.from_bytes(page[_TIME.size : head_bytes], sys.byteorder)
