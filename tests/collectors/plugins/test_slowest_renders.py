"""The slowest render of each plugin around a dropout, through real sockets."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from agent.core.catalog import connect
from collectors.audio.causes.evidence import PluginTime, Window
from collectors.audio.collector import AudioCollector
from collectors.audio.config import AudioConfig
from collectors.plugins.render_times import SlowestRender
from collectors.units import Duration
from tests.support.plugins import Engine, quickly, watching

StartEngine = Callable[..., Engine]
NEVER = Duration(600.0)


def page(fast: int, slow: int) -> str:
    """Return the page of an engine with so many renders of up to 1 ms and of up to 20 ms."""
    name = "audio_engine_render_time_seconds"
    total = fast + slow
    return (
        f"# TYPE {name} histogram\n"
        f'{name}_bucket{{le="0.001"}} {fast}\n{name}_bucket{{le="0.01"}} {fast}\n{name}_bucket{{le="0.02"}} {total}\n'
        f'{name}_bucket{{le="+Inf"}} {total}\n{name}_sum 1\n{name}_count {total}\n'
        "# TYPE audio_engine_buffer_duration_seconds gauge\naudio_engine_buffer_duration_seconds 0.005\n"
    )


async def test_a_plugin_is_polled_at_once_and_has_its_process(directory: Path, start_engine: StartEngine) -> None:
    """The regular poll comes too late: the event of a dropout has to be there within seconds."""
    engine = start_engine(page(100, 0), "shimmer.1")
    async with watching(quickly(directory, interval=NEVER)) as watch:
        await watch.eventually(lambda: any(it.render for it in watch.collector.view()), "the engine is polled")
        await watch.collector.slowest_renders(0, time.monotonic())
        engine.page = page(150, 2)
        before, end = engine.polls, time.monotonic()

        found = await watch.collector.slowest_renders(end, end)

        assert engine.polls == before + 1
        assert found == [(os.getpid(), SlowestRender("shimmer", 0.02, 2))]


async def test_a_plugin_without_render_times_is_not_polled(directory: Path, start_engine: StartEngine) -> None:
    engine = start_engine("calls_total 7\n", "other.1")
    async with watching(quickly(directory, interval=NEVER)) as watch:
        await watch.polled(engine, times=1) if not engine.polls else None

        assert await watch.collector.slowest_renders(0, time.monotonic()) == []
        assert engine.polls == 1


async def test_the_evidence_of_a_dropout_names_the_plugin(directory: Path, start_engine: StartEngine) -> None:
    engine = start_engine(page(100, 0), "shimmer.1")
    audio = AudioCollector(AudioConfig())
    async with watching(quickly(directory, interval=NEVER)) as watch:
        connect(audio, lambda: watch.collector)
        await watch.eventually(lambda: any(it.render for it in watch.collector.view()), "the engine is polled")
        await watch.collector.slowest_renders(0, time.monotonic())
        engine.page = page(150, 2)
        now_ns = time.monotonic_ns()
        recorder = audio._recorder  # noqa: SLF001 - the collector shows only what the analysis makes of it
        assert recorder is not None
        evidence = await recorder.freeze(
            Window(
                id="1",
                at="2026-01-02T03:04:05.000000006Z",
                device="system",
                server="",
                start_ns=now_ns,
                end_ns=now_ns,
                silent_ns=0,
                period_ns=5_333_333,
                observations=("jack xrun",),
                load=-1,
                server_pid=0,
                own_pids=(),
                cpus=1,
            )
        )

    assert evidence.plugins == (PluginTime(pid=os.getpid(), plugin="shimmer", slowest_ms=20, over=2),)


async def test_without_a_collector_of_plugins_there_are_none() -> None:
    audio = AudioCollector(AudioConfig())
    connect(audio, lambda: None)
    recorder = audio._recorder  # noqa: SLF001 - likewise
    assert recorder is not None
    assert recorder.plugins is not None

    assert await recorder.plugins(1, 2) == ()
