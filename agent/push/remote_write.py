"""The push of this agent's metrics, as a collector.

It is a collector so that the supervisor restarts it, and so that its families and findings appear like all others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

from agent.config.remote_write import RemoteWriteConfig
from agent.live.push import PushView
from agent.push import interval, sleep
from agent.push.future import FutureGuard
from agent.push.health import Health, QueueState
from agent.push.queue import Queue
from agent.push.recorder import Recorder
from agent.push.sender import Sender
from agent.push.series import Pages, family_filter, identity
from agent.push.session import Group, Page, Session
from agent.push.timeline import Timeline
from agent.push.wire import HEADERS, encode_labels
from collectors.base import Collector
from collectors.findings import Check
from collectors.http_push.poster import Poster
from collectors.http_push.receiver_clock import ReceiverClock
from collectors.metrics import Family
from collectors.offloop import Worker

DIRECTORY = "remote-write"
"""The directory of the queue, in the state directory."""

FAST_COLLECTORS = ("audio", "plugins")
"""The collectors whose families are sent every `FAST_INTERVAL` at least."""

FAST_INTERVAL = 10.0

PROBE = "wr_agent_remote_write_probe"
"""The series that shows, after an outage, if the receiver takes samples out of order."""


class RemoteWrite(Collector):
    """The push to one receiver.

    Args:
        config: The section `[remote_write]`.
        state_dir: The agent's state directory.
        machine: The name of this machine.
        page: Makes the pages to send.
    """

    name: ClassVar[str] = "remote_write"
    reads_memory_only = True

    def __init__(self, config: RemoteWriteConfig, state_dir: Path, machine: str, page: Page) -> None:
        self._config = config
        self._directory = state_dir / DIRECTORY
        self._page = page
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
        async with (
            self._opened_queue(worker) as queue,
            Poster(self._config, self._config.url, HEADERS, dated=self._clock.answered) as poster,
        ):
            probe = encode_labels({**self._every, "__name__": PROBE})
            guard = FutureGuard(poster, self._clock)
            sender = Sender(self._config, queue, worker, guard, self._health, probe)
            recorder = Recorder(queue, self._pages(), queue.live)
            session = Session(worker, recorder, Timeline(queue.newest), sender, self._health)
            try:
                await _all(
                    session.take(self._groups, self._page),
                    sender.run(),
                    sleep.watch(session.before_sleep, session.after_sleep),
                )
            finally:
                if self._ending:
                    await session.end()

    def collect(self) -> Iterable[Family]:
        """Return the families of the push."""
        return [*self._health.families()]

    def checks(self) -> Sequence[Check]:
        """Return the checks of the push."""
        title = "Metrics are sent often enough for the alerts"
        return (*self._health.checks(), Check("remote_write.interval", title, lambda: interval.check(self._config)))

    def view(self) -> PushView:
        """Return the push at this instant, for the status page."""
        return self._health.view()

    @asynccontextmanager
    async def _opened_queue(self, worker: Worker) -> AsyncIterator[Queue]:
        config, groups = self._config, len(self._groups)
        queue = Queue(self._directory, config.max_size, config.max_age, groups, self._health.dropped)
        await worker.call(queue.open)
        self._queue = queue
        try:
            yield queue
        finally:
            await worker.call(queue.close)

    @property
    def _groups(self) -> Sequence[Group]:
        """The groups of series; the first one has `up`."""
        seconds = float(self._config.interval)
        if seconds <= FAST_INTERVAL:
            return (Group(seconds),)
        return (Group(seconds, exclude=FAST_COLLECTORS), Group(FAST_INTERVAL, collect=FAST_COLLECTORS))

    def _pages(self) -> list[Pages]:
        wanted = family_filter(self._config.keep, self._config.drop)
        leading: list[Mapping[str, float]] = [{"up": 1.0}, {}]
        return [Pages(self._every, wanted, first) for first, _ in zip(leading, self._groups, strict=False)]

    def _queue_state(self) -> QueueState:
        queue = self._queue
        return QueueState(queue.size, queue.oldest_pending, queue.newest, queue.problem) if queue else QueueState()


async def _all(*parts: Awaitable[None]) -> None:
    """Run all parts until one fails, or all are cancelled together."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
