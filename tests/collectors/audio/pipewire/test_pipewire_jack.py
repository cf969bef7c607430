"""An agent on a real PipeWire, through PipeWire's JACK library."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collectors.audio.pipewire.nodes import PipeWireNodes
from tests.support.agent import AgentProcess, agent
from tests.support.jack_client import JackClient
from tests.support.pipewire import DEVICE, FRAMES, RATE, SINK, PipeWire
from tests.support.waiting import eventually

SECONDS_WITHOUT_BELIEF = 10.0
"""PipeWire's JACK has reported a latency of 2**32 frames less a few, which is invalid."""


@pytest.fixture
def pipewire() -> Iterator[PipeWire]:
    server = PipeWire()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def watcher(pipewire: PipeWire, tmp_path: Path) -> Iterator[AgentProcess]:
    with agent(tmp_path, 'audio.observers = "auto"', pipewire.environment) as started:
        eventually(lambda: number(started, "audio_device_buffer_interval_seconds_count") > 0, "the probe to measure")
        yield started


def samples(watcher: AgentProcess, name: str) -> list[tuple[dict[str, str], float]]:
    text = watcher.get("/metrics?collect[]=audio")[2]
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


def number(watcher: AgentProcess, name: str, **labels: str) -> float:
    """The sum of the series that have these labels."""
    return sum(value for found, value in samples(watcher, name) if labels.items() <= found.items())


def test_both_observers_measure_pipewires_graph(watcher: AgentProcess) -> None:
    assert samples(watcher, "audio_device_up") == [({"device": DEVICE}, 1)]
    assert {labels["observer"] for labels, _ in samples(watcher, "audio_device_info")} == {"jack", "portaudio"}
    assert number(watcher, "audio_device_sample_rate_hertz") == RATE
    assert number(watcher, "audio_device_buffer_frames") == FRAMES
    # A client that has just come is work that a loaded machine may not do in one cycle.
    eventually(lambda: 0 < number(watcher, "audio_device_dsp_load_ratio") < 1, "a load of the graph")


def test_a_latency_that_is_none_is_not_told(watcher: AgentProcess) -> None:
    told = [value for _, value in samples(watcher, "audio_device_latency_seconds")]

    assert [value for value in told if value >= SECONDS_WITHOUT_BELIEF] == []
    assert number(watcher, "audio_device_up") == 1  # so that a latency would be exported


def test_a_freeze_of_the_server_is_a_dropout_with_lost_buffers(pipewire: PipeWire, watcher: AgentProcess) -> None:
    def lost_in_a_freeze() -> bool:
        pipewire.freeze()
        time.sleep(0.4)  # the length of the fault
        pipewire.thaw()
        measured = number(watcher, "audio_device_buffer_interval_seconds_count")
        eventually(lambda: number(watcher, "audio_device_buffer_interval_seconds_count") > measured + 200, "a second")
        return number(watcher, "audio_device_lost_buffers_total") > 0

    eventually(lost_in_a_freeze, "buffers to be missed")  # a probe that restarts at that time has missed none
    eventually(lambda: number(watcher, "audio_engine_xruns_total") > 0, "a dropout to be counted")


def test_an_export_is_not_measured(pipewire: PipeWire, watcher: AgentProcess) -> None:
    exporter = JackClient("", "exporter", os.environ | pipewire.environment)
    try:
        exporter.tell(f"hear {DEVICE}:capture_1")  # PipeWire exports what is connected with the exporter
        exporter.tell("freewheel 1")
        eventually(lambda: number(watcher, "audio_device_freewheeling") == 1, "the export to be noticed")
        before = eventually(lambda: counted_still(watcher), "dropouts before the export are settled")
        cycles = exporter.cycles()
        eventually(lambda: exporter.cycles() > cycles + 500, "the export to go on")

        assert counted(watcher) == before
        assert number(watcher, "audio_device_up") == 1

        exporter.tell("freewheel 0")
        eventually(lambda: number(watcher, "audio_device_freewheeling") == 0, "the end of the export")

        assert counted(watcher) == before
    finally:
        exporter.close()


def counted(watcher: AgentProcess) -> list[float]:
    names = "audio_engine_xruns_total", "audio_device_buffer_interval_seconds_count", "audio_device_lost_buffers_total"
    return [number(watcher, name) for name in names] + [number(watcher, "wr_agent_audio_probe_restarts_total")]


def counted_still(watcher: AgentProcess) -> list[float] | None:
    """Return the counts if they stand still."""
    before = counted(watcher)
    time.sleep(1.5)
    return before if counted(watcher) == before else None


def test_a_server_that_died_is_measured_again_when_it_is_back(pipewire: PipeWire, watcher: AgentProcess) -> None:
    pipewire.kill()
    eventually(lambda: number(watcher, "audio_device_up") == 0, "the device to be down")
    before = number(watcher, "audio_device_buffer_interval_seconds_count")
    pipewire.start()
    eventually(lambda: number(watcher, "audio_device_up") == 1, "the device to be up again")
    eventually(
        lambda: number(watcher, "audio_device_buffer_interval_seconds_count") > before, "the probe to measure again"
    )


async def test_nodes_are_read_or_the_reason_is_told(pipewire: PipeWire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(pipewire.folder))
    nodes = PipeWireNodes()
    await nodes.look()
    named = {values[0] for family in nodes.families() for values in family.samples}
    codes = [finding.code for finding in nodes.findings(jack_answers=True)]

    assert (named, codes) in [({SINK, DEVICE}, []), (set(), ["audio-pipewire-old"])]
