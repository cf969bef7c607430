import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import ClassVar

import pytest

from agent.core import supervisor
from agent.core.supervisor import Supervisor
from collectors.base import Collector
from collectors.metrics import Family, gauge
from tests.support.threads import no_threads_left
from tests.support.waiting import soon

PATIENCE = 30.0


class Fake(Collector):
    name: ClassVar[str] = "fake"

    def __init__(self, collect: Callable[[], Iterable[Family]] = lambda: [gauge("g", "G.", 1.0)]) -> None:
        self._collect = collect
        self.runs = 0

    def collect(self) -> Iterable[Family]:
        return self._collect()


class Failing(Fake):
    async def run(self) -> None:
        self.runs += 1
        if self.runs < 3:
            raise OSError("no such device")
        await asyncio.Event().wait()


class Ending(Fake):
    async def run(self) -> None:
        self.runs += 1


class Stubborn(Fake):
    async def run(self) -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.runs += 1
                if self.runs > 1:
                    raise


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(supervisor, "STOP_TIMEOUT", 0.1)


@pytest.mark.usefixtures("quick")
async def test_a_run_that_raises_is_restarted_and_counted() -> None:
    supervised = Supervisor(lambda: PATIENCE)
    supervised.add(collector := Failing())

    await soon(lambda: collector.runs == 3)

    health = supervised.supervised["fake"]
    assert (health.errors, health.restarts, health.error) == (2, 2, "")
    await supervised.stop()


@pytest.mark.usefixtures("quick")
async def test_a_run_that_ends_is_restarted_and_says_why_it_is_down() -> None:
    supervised = Supervisor(lambda: PATIENCE)
    supervised.add(collector := Ending())
    seen = set()

    async with asyncio.timeout(PATIENCE):
        while collector.runs < 3:
            seen.add(supervised.supervised["fake"].error)
            await asyncio.sleep(0)

    assert "its run() ended, which only cancellation should do" in seen
    await supervised.stop()


@pytest.mark.usefixtures("quick")
async def test_delays_double_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []
    pause = asyncio.sleep

    async def sleep(delay: float) -> None:
        delays.append(delay)
        await pause(0)

    monkeypatch.setattr(supervisor, "LONGEST_DELAY", 0.05)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    supervised = Supervisor(lambda: PATIENCE)
    supervised.add(collector := Ending())
    async with asyncio.timeout(PATIENCE):
        while collector.runs < 6:
            await pause(0)
    await supervised.stop()

    assert delays[:5] == [0.01, 0.02, 0.04, 0.05, 0.05]


@pytest.mark.usefixtures("quick")
async def test_a_run_that_ignores_its_cancellation_does_not_hold_up_the_stop() -> None:
    supervised = Supervisor(lambda: PATIENCE)
    supervised.add(collector := Stubborn())
    await asyncio.sleep(0)

    async with asyncio.timeout(PATIENCE):
        await supervised.stop()

    assert collector.runs == 1


async def test_a_snapshot_that_raises_is_missing_and_counted() -> None:
    def broken() -> Iterable[Family]:
        yield gauge("g", "G.", 1.0)
        raise OSError("no such device")

    supervised = Supervisor(lambda: PATIENCE)
    supervised.add(Fake(broken))

    assert await supervised.snapshot({"fake"}) == []
    health = supervised.supervised["fake"]
    assert (health.errors, health.error) == (1, "no such device")
    await supervised.stop()


async def test_a_snapshot_that_hangs_is_missing_at_its_deadline_and_at_once_from_then_on() -> None:
    go = threading.Event()

    def hang() -> Iterable[Family]:
        go.wait(60)
        return [gauge("g", "G.", 1.0)]

    deadline = 0.05
    supervised = Supervisor(lambda: deadline)
    supervised.add(Fake(hang))

    assert await supervised.snapshot({"fake"}) == []
    assert supervised.supervised["fake"].error == "no snapshot within 0.05 s"
    deadline = 3600.0
    assert await supervised.snapshot({"fake"}) == []
    go.set()

    async with asyncio.timeout(PATIENCE):
        while not await supervised.snapshot({"fake"}):
            await asyncio.sleep(0.01)
    assert supervised.supervised["fake"].error == ""
    await supervised.stop()


async def test_what_cannot_be_exposed_counts_until_it_can() -> None:
    supervised = Supervisor(lambda: PATIENCE)
    supervised.add(Fake())
    health = supervised.supervised["fake"]

    supervised.judge_rendering(["fake"], {"fake": "a bad name"}, {})
    assert (health.errors, health.error) == (1, "a bad name")
    supervised.judge_rendering(["fake"], {}, {})
    assert (health.errors, health.error) == (1, "")
    await supervised.stop()


async def test_a_machine_without_threads_gives_what_is_in_memory() -> None:
    class InMemory(Collector):
        name = "memory"
        reads_memory_only = True

        def collect(self) -> Iterable[Family]:
            return [gauge("x", "X.", 1)]

    class OnDisk(InMemory):
        name = "disk"
        reads_memory_only = False

    supervised = Supervisor(lambda: 1.0)
    for collector in (InMemory(), OnDisk()):
        supervised.add(collector)
    try:
        with no_threads_left():
            answers = await supervised.snapshot({"memory", "disk"})
        assert [name for name, _ in answers] == ["memory"]
        assert "cannot start the thread" in supervised.supervised["disk"].snapshot_error
    finally:
        await supervised.stop()
