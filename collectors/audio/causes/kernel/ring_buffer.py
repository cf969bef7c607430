"""The events of a page of the kernel's ring buffer, in the form of `trace_pipe_raw`.

Each event begins with 32 bits: 5 bits of type and 27 bits of nanoseconds since the event before. The kernel's file
`events/header_event` states the types.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

_PADDING, _TIME_EXTEND, _TIME_STAMP = 29, 30, 31

_WORD = struct.Struct("=I")

_TIME = struct.Struct("=Q")

_MISSED, _MISSED_STORED = 1 << 31, 1 << 30
"""Flags next to a page's length: events before it were lost; their number follows the events."""

_LENGTH = 0xFFFFF
"""The bits of a page's length."""

_UPPER = 0x1F << 59
"""The bits of a time that a time stamp leaves out."""


class DamagedPageError(Exception):
    """A page that contradicts itself."""


class Found(NamedTuple):
    """One event on a page.

    Attributes:
        at_ns: Its time.
        offset: The start of its fields on the page.
        size: Their bytes.
    """

    at_ns: int
    offset: int
    size: int


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
    at_ns = starts_ns(page)
    offset, end = head_bytes, head_bytes + (_commit(page, head_bytes) & _LENGTH)
    if end > len(page):
        raise DamagedPageError(f"{end} bytes are used of a page of {len(page)}")
    while offset + _WORD.size <= end:
        head = int(_WORD.unpack_from(page, offset)[0])
        type_, delta = head & 0x1F, head >> 5
        offset += _WORD.size
        if type_ == _PADDING and not delta:
            return
        if 0 < type_ < _PADDING:
            size = 4 * type_
        elif offset + _WORD.size > end:
            raise DamagedPageError("a page ends within an event")
        else:
            word = int(_WORD.unpack_from(page, offset)[0])
            if type_ == _TIME_EXTEND:
                at_ns += (word << 27) + delta
                offset += _WORD.size
                continue
            if type_ == _TIME_STAMP:
                at_ns = (at_ns & _UPPER) | (word << 27) + delta
                offset += _WORD.size
                continue
            offset += _WORD.size
            size = word - _WORD.size
        if size < 0 or offset + size > end:
            raise DamagedPageError("an event is longer than its page")
        at_ns += delta
        if type_ != _PADDING:
            yield Found(at_ns, offset, size)
        offset += size


def _commit(page: bytes, head_bytes: int) -> int:
    return int.from_bytes(page[_TIME.size : head_bytes], sys.byteorder)
