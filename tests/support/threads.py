"""A machine that has no thread left."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_TOO_LARGE = 1 << 46
"""Bytes of stack that no machine maps: pthread_create(3) fails with EAGAIN, as at the limit of processes."""


@contextmanager
def no_threads_left() -> Iterator[None]:
    """Let this process start no new thread."""
    before = threading.stack_size(_TOO_LARGE)
    try:
        yield
    finally:
        threading.stack_size(before)
