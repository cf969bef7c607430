"""The intervals of the sampler, and the points that it keeps."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from agent.live import sampler as sampling
from agent.live.observer import COLLECTORS
from agent.live.sampler import Sampler
from collectors.audio.device import Device as AudioDevice
from collectors.audio.view import AudioView
from tests.support.waiting import PATIENCE, soon


class Device:
    """A collector of audio that has one dropout between any two looks."""

    def __init__(self) -> None:
        self.looks: Counter[frozenset[str]] = Counter()

    async def views(self, names: frozenset[str]) -> dict[str, object]:
        self.looks[names] += 1
        view = replace(AudioDevice("usb").view(), dropouts=self.looks.total())
        return {"audio": AudioView((view,), (), 0)}


@pytest.fixture
def device() -> Device:
    return Device()


@contextlib.asynccontextmanager
async def running(sampler: Sampler) -> AsyncIterator[None]:
    task = asyncio.create_task(sampler.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def sampler(device: Device) -> AsyncIterator[Sampler]:
    made = Sampler(device.views)
    async with running(made):
        yield made


async def until_looked(device: Device, times: int) -> None:
    await soon(lambda: device.looks.total() >= times, f"{times} looks")


async def test_it_rests_while_nobody_looks(sampler: Sampler, device: Device) -> None:
    await until_looked(device, 1)
    await asyncio.sleep(2.5 * sampling.TICK)

    assert device.looks == {COLLECTORS: 1}
    assert len(sampler.points) == 1


async def test_it_looks_at_the_device_each_second_and_seldom_at_the_rest_while_somebody_looks(
    sampler: Sampler, device: Device
) -> None:
    with sampler.watched():
        async with asyncio.timeout(PATIENCE):
            samples = [await sampler.next() for _ in range(4)]

    assert None not in samples
    totals = [sample.devices[0].dropouts for sample in samples if sample]
    assert totals == sorted(set(totals)), "each look is a new one"
    assert device.looks[frozenset({"audio"})] > device.looks[COLLECTORS]


async def test_all_who_look_are_given_the_same_sample(sampler: Sampler) -> None:
    with sampler.watched(), sampler.watched():
        assert sampler.watchers == 2
        first, second = await asyncio.gather(sampler.next(), sampler.next())

    assert first is second
    assert sampler.watchers == 0


async def test_one_who_stops_to_wait_leaves_the_others_waiting(sampler: Sampler) -> None:
    impatient, patient = (asyncio.create_task(sampler.next()) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    with sampler.watched():
        assert await asyncio.wait_for(patient, PATIENCE) is not None


async def test_it_tells_now_though_nobody_looks(sampler: Sampler, device: Device) -> None:
    await until_looked(device, 1)

    first, second = await sampler.now(), await sampler.now()

    assert second.devices[0].dropouts == first.devices[0].dropouts + 1


async def test_history_is_an_hour_at_most_and_counts_each_dropout_once(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in {"REST": 0.02, "TICK": 0.01, "SLOW_TICK": 0.0, "_SLACK": 0.0}.items():
        monkeypatch.setattr(sampling, name, seconds)
    monkeypatch.setattr("agent.live.observer._LEAST_SECONDS", 0.0)
    monkeypatch.setattr(sampling, "HISTORY", 20)
    made = Sampler(device.views)
    async with running(made):
        await soon(lambda: len(made.points) >= 20 and device.looks.total() >= 60, "60 looks")
        points = made.points

    assert len(points) == 20
    assert [point.time for point in points] == sorted(point.time for point in points)
    assert sum(point.devices["usb"].dropouts for point in points) <= device.looks.total()


async def test_when_it_ends_nobody_waits_for_more(device: Device) -> None:
    made = Sampler(device.views)
    async with running(made):
        waiting = asyncio.create_task(made.next())
        await until_looked(device, 1)
        made.dismiss()
        assert await asyncio.wait_for(waiting, PATIENCE) in (None, made._now.sample)  # noqa: SLF001 - which was first
        waiting = asyncio.create_task(made.next())
        await asyncio.sleep(0)

    assert await asyncio.wait_for(waiting, PATIENCE) is None
