"""The memory of the daemon."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress

_M_ARENA_MAX = -8
"""The option of mallopt(3) for the number of heaps."""


def share_one_heap() -> None:
    """Let all threads allocate from one heap of the C library, before they start.

    glibc gives each thread a heap of its own, up to eight a processor, and keeps what is free in each. The agent's
    threads run one at a time, so one heap costs no time and saves 1.4 MiB. Other C libraries have one heap.
    """
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def keep_what_is_loaded() -> None:
    """Exempt all present objects from later garbage collections, after a full one.

    Modules and their functions stay until the end. A full collection that visits them holds the interpreter's lock for
    20 ms, in any thread, and the event loop waits for it. Call it again once the parts of the agent are replaced.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
