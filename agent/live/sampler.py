"""The sampler: one sample each second while a page is open, else one each ten seconds, and an hour of points.

One sampler feeds every open page and `wr-agent status`. It belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from agent.live.observer import COLLECTORS, Observer
from agent.live.sample import LiveSample, Point
from collectors.audio.history import HistoryView

TICK = 1.0
"""Seconds between two samples while a page is open."""

SLOW_TICK = 5.0
"""Seconds between two readings of slow collectors (all but audio) while a page is open."""

REST = 10.0
"""Seconds between two samples while no page is open, and between two points of the history."""

HISTORY = 360
"""The number of points kept, one hour."""

_FAST = frozenset({"audio"})
_SLACK = 0.5
"""Seconds by which a tick may be early."""

Views = Callable[[frozenset[str]], Awaitable[Mapping[str, object]]]


class Sampler:
    """The sampler of one agent.

    Args:
        views: Returns the live values of the named collectors, without failed ones.
    """

    def __init__(self, views: Views) -> None:
        self._views = views
        self._now = Observer()
        self._hour = Observer()
        self._points: deque[Point] = deque(maxlen=HISTORY)
        self._watchers = 0
        self._woken = asyncio.Event()
        self._next: asyncio.Future[LiveSample | None] | None = None
        self._all_at = self._point_at = -REST

    @property
    def watchers(self) -> int:
        """The number of open pages."""
        return self._watchers

    @property
    def points(self) -> Sequence[Point]:
        """The history, oldest first."""
        return tuple(self._points)

    @property
    def dropouts(self) -> HistoryView:
        """The dropouts of the last 24 hours."""
        return self._now.history

    async def run(self) -> None:
        """Sample until cancelled, then end all streams."""
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
        """Return a new sample."""
        await self._look(COLLECTORS)
        return self._now.sample

    async def next(self) -> LiveSample | None:
        """Wait for the next sample; None if the stream must end."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._next)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Sample at once, and each second while the block runs."""
        self._watchers += 1
        self._woken.set()
        try:
            yield
        finally:
            self._watchers -= 1

    def dismiss(self) -> None:
        """End all open streams."""
        self._publish(None)

    async def _tick(self) -> None:
        began = time.monotonic()
        everything = began - self._all_at >= SLOW_TICK - _SLACK
        if everything:
            self._all_at = began
        await self._look(COLLECTORS if everything else _FAST)
        self._publish(self._now.sample)

    async def _look(self, asked: frozenset[str]) -> None:
        found = await self._views(asked)
        at = time.monotonic()
        self._now.look(asked, found, at)
        if asked == COLLECTORS and time.monotonic() - self._point_at >= REST - _SLACK:
            self._point_at = time.monotonic()
            self._points.append(Point.of(self._hour.look(asked, found, at)))

    def _publish(self, sample: LiveSample | None) -> None:
        waited_for, self._next = self._next, None
        if waited_for is not None and not waited_for.done():
            waited_for.set_result(sample)
