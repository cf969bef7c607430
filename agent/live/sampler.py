"""Takes moments: one each second while somebody looks, one each ten seconds else, and keeps an hour of points.

One sampler feeds every open page and `wr-agent status`. Belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence

from agent.live.observer import COLLECTORS, Observer, readings
from agent.live.sample import LiveSample, Point
from collectors.metrics import Family

TICK = 1.0
"""Seconds between two moments while somebody looks."""

SLOW_TICK = 5.0
"""Seconds between two readings, then, of what costs milliseconds to read: all but the audio device."""

REST = 10.0
"""Seconds between two moments while nobody looks, and between two points of the history."""

HISTORY = 360
"""Points that are kept: an hour."""

_FAST = frozenset({"audio"})
_SLACK = 0.5
"""Seconds by which a tick may come early for what is due."""

Snapshot = Callable[[frozenset[str]], Awaitable[list[tuple[str, Sequence[Family]]]]]


class Sampler:
    """The moments of one agent.

    Args:
        snapshot: Collects from the named collectors; leaves out those that fail.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._now = Observer()
        self._hour = Observer()
        self._points: deque[Point] = deque(maxlen=HISTORY)
        self._watchers = 0
        self._woken = asyncio.Event()
        self._next: asyncio.Future[LiveSample | None] | None = None
        self._all_at = self._point_at = -REST

    @property
    def watchers(self) -> int:
        """How many look now."""
        return self._watchers

    @property
    def points(self) -> Sequence[Point]:
        """The history, the oldest first."""
        return tuple(self._points)

    async def run(self) -> None:
        """Sample until cancelled; whoever looks then is sent away."""
        try:
            while True:
                await self._tick()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK if self._watchers else REST):
                        await self._woken.wait()
                self._woken.clear()
        finally:
            self.dismiss()

    async def now(self) -> LiveSample:
        """The moment now, whether somebody looks or not."""
        await self._look(COLLECTORS)
        return self._now.moment

    async def next(self) -> LiveSample | None:
        """The next moment; None if there will be none for whoever looks now."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._next)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Sample each second for as long as the block lasts, and at once."""
        self._watchers += 1
        self._woken.set()
        try:
            yield
        finally:
            self._watchers -= 1

    def dismiss(self) -> None:
        """Send everybody away who looks now."""
        self._publish(None)

    async def _tick(self) -> None:
        began = time.monotonic()
        everything = began - self._all_at >= SLOW_TICK - _SLACK
        if everything:
            self._all_at = began
        await self._look(COLLECTORS if everything else _FAST)
        self._publish(self._now.moment)

    async def _look(self, asked: frozenset[str]) -> None:
        found = readings(await self._snapshot(asked), time.monotonic())
        self._now.look(asked, found)
        if asked == COLLECTORS and time.monotonic() - self._point_at >= REST - _SLACK:
            self._point_at = time.monotonic()
            self._points.append(Point.of(self._hour.look(asked, found)))

    def _publish(self, moment: LiveSample | None) -> None:
        waited_for, self._next = self._next, None
        if waited_for is not None and not waited_for.done():
            waited_for.set_result(moment)
