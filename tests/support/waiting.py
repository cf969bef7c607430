"""Waiting for a condition that should hold at once, on machines that are slow and shared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds to wait for what should happen at once."""


def eventually(look: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """Return the first true thing that `look` returns.

    Raises:
        AssertionError: There was none within `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not (seen := look()):
        _check(deadline, what, patience, seen)
        time.sleep(0.05)
    return seen


async def soon(look: Callable[[], T | None], what: str = "the condition holds", patience: float = PATIENCE) -> T:
    """Return the first true thing that `look` returns, while the event loop runs.

    Raises:
        AssertionError: There was none within `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not (seen := look()):
        _check(deadline, what, patience, seen)
        await asyncio.sleep(0.02)
    return seen


def _check(deadline: float, what: str, patience: float, seen: object) -> None:
    if time.monotonic() > deadline:
        raise AssertionError(f"not within {patience:g} s: {what}; saw {seen!r}")
