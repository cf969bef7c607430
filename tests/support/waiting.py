"""Waiting for what should happen at once, on machines that are slow and shared."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds to wait for what should happen at once: machines are slow and shared."""


def eventually(look: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """The first true thing that `look` returns; fails the test if that takes longer than `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience:g} s: {what}; saw {seen!r}")
        time.sleep(0.05)
