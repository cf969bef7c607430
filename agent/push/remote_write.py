"""The push of this agent's metrics, as a collector: snapshots at their intervals, the queue and the sender.

It is a collector so that the supervisor restarts it, and so that its families and findings appear like all others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import structlog

from agent.config.remote_write import RemoteWriteConfig
from agent.live.push import PushView
from agent.push import sleep
from agent.push.health import Health, QueueState
from agent.push.queue import Queue
from agent.push.recorder import Recorder
from agent.push.sender import Sender
from agent.push.series import Pages, family_filter, identity
from agent.push.timeline import Timeline
from agent.push.wire import HEADERS, encode_labels
from collectors.base import Collector
from collectors.findings import Check
from collectors.http_push.poster import Poster
from collectors.http_push.receiver_clock import ReceiverClock
from collectors.metrics import Family
from collectors.offloop import Worker

log = structlog.get_logger()

DIRECTORY = "remote-write"
"""The directory of the queue, in the state directory."""

FAST_COLLECTORS = ("audio", "plugins")
"""The collectors whose families are sent every `FAST_INTERVAL` at least."""

FAST_INTERVAL = 10.0

PROBE = "wr_agent_remote_write_probe"
"""The series that shows, after an outage, if the receiver takes samples out of order."""

_LAST_SEND = 1.2
"""Seconds of an orderly stop in which stale markers may still be sent."""

Page = Callable[[Sequence[str], Sequence[str]], Awaitable[bytes]]
"""Returns the page of a scrape with these values of `collect[]` and `exclude[]`."""


class RemoteWrite(Collector):
    """The push to one receiver.

    Args:
        config: The section `[remote_write]`.
        state_dir: The agent's state directory.
        machine: The name of this machine.
        page: Makes the pages to send.
        timeline: Makes the timeline, from the time of the newest snapshot of an earlier run.
    """

    name: ClassVar[str] = "remote_write"
    reads_memory_only = True

    def __init__(
        self,
        config: RemoteWriteConfig,
        state_dir: Path,
        machine: str,
        page: Page,
        timeline: Callable[[int], Timeline] = Timeline,
    ) -> None:
        self._config = config
        self._directory = state_dir / DIRECTORY
        self._page = page
        self._make_timeline = timeline
        self._every = identity(machine, config.labels)
        self._queue: Queue | None = None
        self._clock = ReceiverClock()
        self._health = Health(config, self._queue_state, clock_difference=lambda: self._clock.difference_ns)
        self._ending = False

    def end(self) -> None:
        """End all series when `run()` is cancelled, as the agent itself stops."""
        self._ending = True

    async def run(self) -> None:
        """Take snapshots and send them."""
        worker = Worker(f"{self.name} queue")
        queue = Queue(
            self._directory, self._config.max_size, self._config.max_age, len(self._groups), self._health.dropped
        )
        await worker.call(queue.open)
        self._queue = queue
        recorder = Recorder(queue, self._pages(), queue.live)
        timeline = self._make_timeline(queue.newest)
        poster = Poster(self._config, self._config.url, HEADERS, dated=self._clock.answered)
        probe = encode_labels({**self._every, "__name__": PROBE})
        try:
            async with poster:
                sender = Sender(self._config, queue, worker, poster, self._health, probe)
                taking = asyncio.Lock()

                async def before_sleep() -> None:
                    await taking.acquire()
                    await worker.call(lambda: recorder.end(timeline.next()))
                    sender.added()
                    await sender.emptied(_LAST_SEND)

                async def after_sleep() -> None:
                    taking.release()

                try:
                    await _all(
                        self._take(worker, recorder, timeline, sender, taking),
                        sender.run(),
                        sleep.watch(before_sleep, after_sleep),
                    )
                finally:
                    if self._ending:
                        await worker.call(lambda: recorder.end(timeline.next()))
                        await _send_rest(sender)
        finally:
            await worker.call(queue.close)

    def collect(self) -> Iterable[Family]:
        """Return the families of the push."""
        return [*self._health.families()]

    def checks(self) -> Sequence[Check]:
        """Return the checks of the push."""
        return self._health.checks()

    def view(self) -> PushView:
        """Return the push at this instant, for the status page."""
        return self._health.view()

    @property
    def _groups(self) -> Sequence[tuple[float, Sequence[str], Sequence[str]]]:
        """The interval of each group of series, and its selection of collectors."""
        interval = float(self._config.interval)
        if interval <= FAST_INTERVAL:
            return ((interval, (), ()),)
        return ((interval, (), FAST_COLLECTORS), (FAST_INTERVAL, FAST_COLLECTORS, ()))

    def _pages(self) -> list[Pages]:
        wanted = family_filter(self._config.keep, self._config.drop)
        leading: list[Mapping[str, float]] = [{"up": 1.0}, {}]
        return [Pages(self._every, wanted, first) for first, _ in zip(leading, self._groups, strict=False)]

    def _queue_state(self) -> QueueState:
        queue = self._queue
        return QueueState(queue.size, queue.oldest_pending, queue.newest, queue.problem) if queue else QueueState()

    async def _take(
        self, worker: Worker, recorder: Recorder, timeline: Timeline, sender: Sender, taking: asyncio.Lock
    ) -> None:
        """Take the snapshots of all groups at their intervals while `taking` is free. Runs until cancelled."""
        loop = asyncio.get_running_loop()
        due = [loop.time()] * len(self._groups)
        while True:
            await asyncio.sleep(min(due) - loop.time())
            for number, (interval, collect, exclude) in enumerate(self._groups):
                late = loop.time() - due[number]
                if late < 0:
                    continue
                due[number] += interval * (1 + late // interval)
                async with taking:
                    at = timeline.next()
                    text = (await self._page(collect, exclude)).decode()
                    record = await worker.call(partial(recorder.record, number, at, text))
                self._health.taken(len(record.layout.series))
                sender.added()


async def _all(*parts: Awaitable[None]) -> None:
    """Run all parts until one fails, or all are cancelled together."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _send_rest(sender: Sender) -> None:
    """Send what the queue holds, as far as the time allows; the rest is sent after the next start."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LAST_SEND):
            while await sender.send_next():
                pass
