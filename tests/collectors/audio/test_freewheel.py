"""An export through a real JACK server: the agent neither disturbs nor measures it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from collectors.audio.collector import AudioCollector
from collectors.audio.config import AudioConfig
from collectors.audio.jack.freewheel import GRACE_NS
from collectors.audio.probe.plan import ProbePlan
from collectors.audio.probe.protocol import StreamInfo
from collectors.audio.probe.runner import ProbeRunner
from tests.support.agent import AgentProcess, agent
from tests.support.audio import codes, exported, number, observed, probe_pids, watching
from tests.support.jack_client import JackClient
from tests.support.jackd import Jackd, running_jackd
from tests.support.waiting import PATIENCE, eventually, soon

INTERVALS = "audio_device_buffer_interval_seconds"
_STALL_SECONDS = 5
"""The least time that a stalled export stands still, as measured."""
COUNTED = (
    "audio_engine_xruns_total",
    "audio_device_lost_buffers_total",
    "audio_device_late_buffers_total",
    "wr_agent_audio_probe_missed_buffers_total",
    "wr_agent_audio_probe_restarts_total",
)


@pytest.fixture(params=[True, False], ids=["real-time server", "jackd -r"])
def jackd(request: pytest.FixtureRequest) -> Iterator[Jackd]:
    with running_jackd(realtime=request.param) as server:
        yield server


@pytest.fixture
def exporter(jackd: Jackd) -> Iterator[JackClient]:
    client = JackClient(jackd.name)
    yield client
    client.close()


@pytest.fixture
async def watcher(jackd: Jackd, exporter: JackClient) -> AsyncIterator[AudioCollector]:  # noqa: ARG001 - comes first
    async with watching(AudioConfig(jack_server=jackd.name)) as collector:
        await soon(lambda: observed(collector, INTERVALS) > 50, "buffers")
        yield collector


def exports(exporter: JackClient) -> None:
    """Check that the export goes on, which a client that starts or vanishes would stop for seconds."""
    before = exporter.cycles()
    eventually(lambda: exporter.cycles() > before + 500, "the export to go on", _STALL_SECONDS)


async def freewheeling(collector: AudioCollector, value: float) -> None:
    await soon(lambda: number(collector, "audio_device_freewheeling") == value, f"audio_device_freewheeling {value}")


def counted(watcher: AudioCollector) -> dict[str, float]:
    return {name: number(watcher, name) for name in COUNTED}


async def settled(watcher: AudioCollector) -> dict[str, float]:
    """Return the counts once a busy machine's dropouts before the export are settled."""
    deadline = time.monotonic() + PATIENCE
    while True:
        before = counted(watcher)
        await asyncio.sleep(1.5)
        if counted(watcher) == before:
            return before
        assert time.monotonic() < deadline, "dropouts go on"


async def test_an_export_is_neither_measured_nor_disturbed(watcher: AudioCollector, exporter: JackClient) -> None:
    probes = probe_pids(os.getpid())
    await asyncio.to_thread(exporter.tell, "freewheel 1")
    await freewheeling(watcher, 1)
    intervals = observed(watcher, INTERVALS)
    await asyncio.to_thread(exports, exporter)
    before = await settled(watcher)
    await asyncio.to_thread(exports, exporter)

    assert codes(watcher) == {"audio-server-freewheeling"}
    assert number(watcher, "audio_device_up") == 1
    assert exported(watcher, "audio_device_dsp_load_ratio") is None
    assert exported(watcher, "audio_channel_peak_ratio") is None
    assert observed(watcher, INTERVALS) == intervals

    await asyncio.to_thread(exporter.tell, "freewheel 0")
    await freewheeling(watcher, 0)

    assert counted(watcher) == before

    await soon(lambda: observed(watcher, INTERVALS) > intervals + 50, "measuring to resume")

    assert probe_pids(os.getpid()) == probes
    assert codes(watcher) == set()


async def test_an_agent_that_starts_during_an_export_waits_for_its_end(jackd: Jackd, exporter: JackClient) -> None:
    await asyncio.to_thread(exporter.tell, "freewheel 1")
    async with watching(AudioConfig(jack_server=jackd.name)) as collector:
        await soon(lambda: codes(collector) == {"audio-server-freewheeling"}, "the export to be reported")
        await asyncio.sleep(1)
        await asyncio.to_thread(exports, exporter)

        assert probe_pids(os.getpid()) == []

        await asyncio.to_thread(exporter.tell, "freewheel 0")
        await soon(lambda: observed(collector, INTERVALS) > 50, "buffers after the export")


async def test_an_agent_that_stops_during_an_export_does_not_stall_it(jackd: Jackd, exporter: JackClient) -> None:
    async with watching(AudioConfig(jack_server=jackd.name)) as collector:
        await soon(lambda: observed(collector, INTERVALS) > 50, "buffers")
        await asyncio.to_thread(exporter.tell, "freewheel 1")
        await freewheeling(collector, 1)
    await asyncio.to_thread(exports, exporter)
    began = time.monotonic()
    await asyncio.to_thread(exporter.tell, "freewheel 0")

    assert time.monotonic() - began < _STALL_SECONDS


@pytest.mark.parametrize("jackd", [True], indirect=True)
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_an_agent_that_is_killed_or_reloaded_during_an_export_does_not_stall_it(
    jackd: Jackd, exporter: JackClient, tmp_path: Path, by: signal.Signals
) -> None:
    config = f'audio.observers = "auto"\naudio.jack_server = "{jackd.name}"'
    with agent(tmp_path, config) as watcher:
        eventually(lambda: "\naudio_channel_rms_ratio" in watcher.get("/metrics?collect[]=audio")[2], "levels")
        exporter.tell("freewheel 1")
        eventually(
            lambda: 'audio_device_freewheeling{device="system"} 1' in watcher.get("/metrics?collect[]=audio")[2],
            "the export",
        )
        watcher.write_config(config + "\naudio.channels = 1")
        watcher.signal(by)
        time.sleep(1)
        exports(exporter)
    began = time.monotonic()
    exporter.tell("freewheel 0")

    assert time.monotonic() - began < _STALL_SECONDS


def shown(watcher: AgentProcess, text: str) -> None:
    eventually(lambda: text in watcher.get("/metrics?collect[]=audio")[2], text)


@pytest.mark.parametrize("jackd", [True], indirect=True)
async def test_the_probe_alone_detects_an_export(jackd: Jackd, exporter: JackClient) -> None:
    async with watching(AudioConfig(observers="probe", jack_server=jackd.name)) as collector:
        await soon(lambda: observed(collector, INTERVALS) > 50, "buffers")
        await asyncio.to_thread(exporter.tell, "freewheel 1")
        await freewheeling(collector, 1)
        await asyncio.to_thread(exports, exporter)

        assert codes(collector) == {"audio-server-freewheeling"}

        await asyncio.to_thread(exporter.tell, "freewheel 0")
        await freewheeling(collector, 0)


@pytest.mark.parametrize("jackd", [True], indirect=True)
async def test_the_probe_alone_does_not_start_during_an_export(jackd: Jackd, exporter: JackClient) -> None:
    await asyncio.to_thread(exporter.tell, "freewheel 1")
    async with watching(AudioConfig(observers="probe", jack_server=jackd.name)) as collector:
        await soon(lambda: codes(collector) == {"audio-server-freewheeling"}, "the export to be reported")
        await asyncio.to_thread(exports, exporter)
        await asyncio.to_thread(exporter.tell, "freewheel 0")
        await soon(lambda: observed(collector, INTERVALS) > 50, "buffers after the export")


@pytest.mark.parametrize("jackd", [True], indirect=True)
async def test_no_new_plan_is_carried_out_during_an_export(jackd: Jackd) -> None:
    plan = ProbePlan("system", True, "input", 2, jackd.name)
    plans, freewheels, opened = [plan], [False], list[StreamInfo]()

    class Reader:
        load = 0.0

        def fold(self, *_: object) -> None: ...
        def pause(self) -> None: ...
        def skip(self) -> None: ...
        def close(self) -> None: ...

    def open_stream(info: StreamInfo) -> Reader:
        opened.append(info)
        return Reader()

    runner = ProbeRunner(lambda: plans[0], time.monotonic_ns, open_stream, lambda: freewheels[0])  # type: ignore[arg-type] # a fake
    running = asyncio.create_task(runner.run())
    await soon(lambda: opened, "a stream")
    freewheels[0] = True
    plans[0] = replace(plan, channels=1)
    await asyncio.sleep(2)

    assert len(opened) == 1

    freewheels[0] = False
    await soon(lambda: len(opened) == 2, "the new plan to be carried out")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert [info.channels for info in opened] == [2, 1]


def test_the_grace_time_is_longer_than_two_polls() -> None:
    assert GRACE_NS >= 500_000_000
