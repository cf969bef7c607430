"""One run of the push: the recorder, the sender, and the times at which they work."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from agent.push.health import Health
from agent.push.recorder import Recorder
from agent.push.sender import Sender
from agent.push.timeline import Timeline
from collectors.offloop import Worker

_LAST_SEND = 1.2
"""Seconds in which the stale markers of an orderly end may still be sent."""

Page = Callable[[Sequence[str], Sequence[str]], Awaitable[bytes]]
"""Returns the page of a scrape with these values of `collect[]` and `exclude[]`."""


class Group(NamedTuple):
    """The series of some collectors, which have snapshots at an interval of their own.

    Attributes:
        interval: The interval in seconds.
        collect: The values of `collect[]`.
        exclude: The values of `exclude[]`.
    """

    interval: float
    collect: Sequence[str] = ()
    exclude: Sequence[str] = ()


class Session:
    """The parts of one run, connected.

    Args:
        worker: The thread of the queue.
        recorder: Adds snapshots to the queue.
        timeline: The times of snapshots.
        sender: Sends the queue.
        health: Counts the snapshots.
    """

    def __init__(self, worker: Worker, recorder: Recorder, timeline: Timeline, sender: Sender, health: Health) -> None:
        self._worker = worker
        self._recorder = recorder
        self._timeline = timeline
        self._sender = sender
        self._health = health
        self._taking = asyncio.Lock()

    async def take(self, groups: Sequence[Group], page: Page) -> None:
        """Take the snapshots of all groups at their intervals. Runs until cancelled."""
        loop = asyncio.get_running_loop()
        due = [loop.time()] * len(groups)
        while True:
            await asyncio.sleep(min(due) - loop.time())
            for number, group in enumerate(groups):
                late = loop.time() - due[number]
                if late >= 0:
                    due[number] += group.interval * (1 + late // group.interval)
                    await self._take(number, group, page)

    async def before_sleep(self) -> None:
        """End all series, and take no snapshot until `after_sleep`."""
        await self._taking.acquire()
        await self._end_series()
        self._sender.added()
        await self._sender.emptied(_LAST_SEND)

    async def after_sleep(self) -> None:
        """Take snapshots again."""
        self._taking.release()

    async def end(self) -> None:
        """End all series, and send what the queue holds, as far as the time allows. `run()` of the sender has ended."""
        await self._end_series()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SEND):
                while await self._sender.send_next():
                    pass

    async def _take(self, number: int, group: Group, page: Page) -> None:
        async with self._taking:
            at = self._timeline.next()
            text = (await page(group.collect, group.exclude)).decode()
            record = await self._worker.call(partial(self._recorder.record, number, at, text))
        self._health.taken(len(record.layout.series))
        self._sender.added()

    async def _end_series(self) -> None:
        await self._worker.call(lambda: self._recorder.end(self._timeline.next()))
