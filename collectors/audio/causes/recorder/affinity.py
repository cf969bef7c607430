"""The processors that a thread may use."""

from __future__ import annotations

import os

_ALL = frozenset(range(os.cpu_count() or 1))


def affinity(tid: int) -> tuple[int, ...]:
    """Return the processors that a thread may use; empty for all, and for a thread that has ended."""
    try:
        allowed = os.sched_getaffinity(tid)
    except OSError:
        return ()
    return () if allowed >= _ALL else tuple(sorted(allowed))
