"""The whole way: a real jackd, a real agent on it, a real Prometheus that scrapes it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartAgent
from tests.support.agent import AgentProcess
from tests.support.jackd import Jackd
from tests.support.prometheus import Prometheus, prometheus
from tests.support.waiting import eventually

RATE = 48000
FRAMES = 256

AUDIO_CONTRACT = {
    "audio_device_up",
    "audio_device_info",
    "audio_device_sample_rate_hertz",
    "audio_device_buffer_frames",
    "audio_device_latency_seconds",
    "audio_device_buffer_duration_seconds",
    "audio_device_buffer_interval_seconds_bucket",
    "audio_device_buffer_jitter_seconds_bucket",
    "audio_device_dsp_load_ratio",
    "audio_device_lost_buffers_total",
    "audio_device_xrun_observations_total",
    "audio_engine_xruns_total",
    "audio_channel_peak_ratio",
    "audio_channel_rms_ratio",
    "audio_channel_silent_seconds",
    "audio_channel_clipped_samples_total",
    "wr_agent_audio_probe_load_ratio",
    "wr_agent_audio_probe_restarts_total",
}

HOST_CONTRACT = {
    "node_cpu_seconds_total",
    "node_memory_MemAvailable_bytes",
    "node_filesystem_avail_bytes",
    "node_load1",
    "node_boot_time_seconds",
    "node_uname_info",
    "node_disk_read_bytes_total",
    "node_network_receive_bytes_total",
}

AGENT_CONTRACT = {
    "wr_agent_build_info",
    "wr_agent_collector_up",
    "wr_agent_collector_duration_seconds",
    "wr_agent_collector_errors_total",
    "wr_agent_collector_restarts_total",
    "wr_agent_event_loop_lag_seconds_bucket",
}


@pytest.fixture
def jackd() -> Iterator[Jackd]:
    server = Jackd(RATE, FRAMES)
    server.start()
    yield server
    server.close()


@pytest.fixture
def watched(jackd: Jackd, start_agent: StartAgent) -> AgentProcess:
    agent = start_agent(f'audio.observers = "auto"\naudio.jack_server = "{jackd.name}"')
    eventually(lambda: "audio_device_buffer_interval_seconds_count" in agent.get("/metrics")[2], "the probe measures")
    return agent


@pytest.fixture
def server(watched: AgentProcess, tmp_path: Path) -> Iterator[Prometheus]:
    with prometheus(tmp_path, watched.url.removeprefix("http://")) as running:
        yield running


def test_prometheus_sees_the_agent_and_its_device(server: Prometheus) -> None:
    eventually(lambda: server.value('up{job="wr-agent"}') == 1, "the agent is up")
    eventually(lambda: server.value("audio_device_up") == 1, "the device is up")
    device = server.query("audio_device_info")[0]["metric"]["device"]
    assert server.value("audio_device_sample_rate_hertz") == RATE
    assert server.value("audio_device_buffer_frames") == FRAMES
    assert server.value("audio_device_buffer_duration_seconds") == pytest.approx(FRAMES / RATE)
    assert {series["metric"]["device"] for series in server.query("audio_engine_xruns_total")} == {device}


def test_buffer_intervals_accumulate_at_the_rate_of_the_callbacks(server: Prometheus) -> None:
    rate = "sum(rate(audio_device_buffer_interval_seconds_count[10s]))"
    nominal = RATE / FRAMES

    assert eventually(lambda: (server.value(rate) or 0) > 0.8 * nominal, f"about {nominal} intervals a second")
    # Up to a tenth more than nominal: rate() extrapolates to the ends of its window.
    assert (server.value(rate) or 0) < 1.1 * nominal


def test_the_names_of_the_contract_are_there(server: Prometheus) -> None:
    expected = AUDIO_CONTRACT | HOST_CONTRACT | AGENT_CONTRACT

    def missing() -> set[str]:
        return expected - server.names()

    eventually(lambda: not missing(), "every name of the contract was scraped")
    assert missing() == set()


def test_types_and_help_reach_prometheus(server: Prometheus) -> None:
    # Prometheus prefers OpenMetrics, where a counter's family name is without its `_total`.
    eventually(lambda: "audio_engine_xruns" in server.metadata(), "metadata was scraped")
    metadata = server.metadata()

    assert metadata["audio_engine_xruns"][0]["type"] == "counter"
    assert metadata["audio_device_buffer_interval_seconds"][0]["type"] == "histogram"
    assert all(entries[0]["help"] for name, entries in metadata.items() if not name.startswith("scrape_"))


def test_promtool_finds_nothing_to_complain_of_but_node_exporters_own_names(watched: AgentProcess) -> None:
    own, every = (_promtool(watched.get(path)[2]) for path in ("/metrics?exclude[]=host", "/metrics"))

    assert (own.returncode, own.stdout, own.stderr) == (0, "", "")
    assert [line for line in every.stderr.splitlines() if not line.startswith("node_")] == []


def _promtool(page: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
