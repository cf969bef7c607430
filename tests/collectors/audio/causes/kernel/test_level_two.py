"""A dropout of a real JACK server, explained with the trace of a real kernel recorder."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path

import msgspec

from collectors.audio.causes.event import Cause, Event
from collectors.audio.causes.kernel import namespaces
from collectors.audio.causes.reading import Query
from collectors.audio.collector import AudioCollector
from collectors.audio.config import AudioConfig
from tests.support.audio import number, watching
from tests.support.jackd import Jackd
from tests.support.kernel_recorder import recorder_process
from tests.support.waiting import soon


def events(collector: AudioCollector) -> list[Event]:
    """Return the explained dropouts."""
    return [msgspec.json.decode(event, type=Event) for event in collector.dropouts(Query()).events]


async def explained(collector: AudioCollector, jackd: Jackd) -> Event:
    """Return the event of a server that was stopped, from as many dropouts as that takes on a busy machine."""
    for attempt in range(5):
        jackd.freeze()
        await asyncio.sleep(0.25)
        jackd.thaw()
        await soon(partial(lambda least: len(events(collector)) > least, attempt), "the dropout is explained")
        for event in events(collector):
            if event.cause is Cause.SERVER_STOPPED:
                return event
    raise AssertionError([event.text for event in events(collector)])


async def test_stop_of_the_server_is_traced_to_its_sender(jackd: Jackd, tmp_path: Path) -> None:
    with recorder_process(tmp_path / "socket") as recorder:
        settings = {"jack_server": jackd.name, "kernel_recorder": str(recorder.socket)}
        async with watching(msgspec.convert(settings, AudioConfig)) as collector:
            await soon(lambda: number(collector, "audio_device_up", device="system") == 1, "the device is up")
            if namespaces.sees_the_kernels_numbers():
                await soon(lambda: len(recorder.instances) == 2, "the kernel is traced")
            await asyncio.sleep(3)
            event = await explained(collector, jackd)
            found = [finding.detail for check in collector.checks() for finding in check.run()]

    if namespaces.sees_the_kernels_numbers():
        assert event.level == 2
        assert f"(pid {os.getpid()})" in event.text
        assert [detail for detail in found if "kernel recorder" in detail] == []
    else:
        assert event.level == 1
        assert f"No kernel trace: {namespaces.ELSEWHERE}." in event.missing
        assert [detail for detail in found if namespaces.ELSEWHERE in detail]
