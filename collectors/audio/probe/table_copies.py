"""Copies of JACK's table of client timings, one in each callback. Loaded in the probe's process only.

The agent has found the table and checked its layout. Only the pages of the table are mapped.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable

from collectors.audio.probe.protocol import TableRequest, table_record
from collectors.audio.probe.ring import RingWriter


def table_copier(request: TableRequest) -> Callable[[int], None] | None:
    """Return a function that copies the table into the ring; None if there is no table.

    Args:
        request: The agent's request.
    """
    if not request.path:
        return None
    start = request.offset // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
    first, last = request.offset - start, request.offset - start + request.size
    try:
        file = os.open(request.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # the server has ended since
        return None
    try:
        if os.fstat(file).st_size < start + last:
            return None
        table = mmap.mmap(file, last, prot=mmap.PROT_READ, offset=start)
    finally:
        os.close(file)
    write = RingWriter(request.copies, table_record(request.size), request.capacity).write

    def copy(monotonic_ns: int) -> None:
        write(monotonic_ns, table[first:last])

    return copy
