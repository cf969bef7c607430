"""An engine in real time: its own account, and the values of a real Prometheus from a real agent."""

import json
import subprocess
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartAgent
from tests.support.prometheus import Prometheus, prometheus
from tests.support.waiting import eventually

RENDER_TIMES = "sum by (le) (audio_engine_render_time_seconds_bucket)"


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sockets")


@pytest.fixture
def server(start_agent: StartAgent, sockets: Path, tmp_path: Path) -> Iterator[Prometheus]:
    agent = start_agent(f'[plugins]\ndirectories = ["{sockets}"]\ninterval = "500ms"\ntimeout = "400ms"')
    with prometheus(tmp_path, agent.url.removeprefix("http://")) as running:
        yield running


@pytest.fixture
def account(server: Prometheus, programs: Path, sockets: Path) -> Iterator[dict[str, Any]]:
    """The engine's own account of three seconds. It is polled until the end."""
    command: list[str | Path] = [programs / "engine", sockets, "3"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdin
        assert engine.stdout
        noted = json.loads(engine.stdout.readline())
        eventually(
            lambda: server.value("audio_engine_render_time_seconds_count") == noted["blocks"],
            "the last block was scraped",
        )
        yield noted
        engine.stdin.close()


def _buckets(server: Prometheus, name: str, value: float) -> tuple[float, float]:
    """The bounds of the bucket that `value` lies in; of two where it lies so near a bound that clocks may disagree."""
    bounds = sorted(float(series["metric"]["le"]) for series in server.query(f"{name}_bucket"))
    lower, upper = bisect_left(bounds, value * 0.99), bisect_left(bounds, value * 1.01)
    return (bounds[lower - 1] if lower else 0.0), bounds[upper]


def test_prometheus_sees_what_the_engine_did(server: Prometheus, account: dict[str, Any]) -> None:
    assert account["late_on_purpose"] > 0
    assert server.value("audio_engine_buffer_duration_seconds") == pytest.approx(128 / 48000)
    assert server.value('audio_engine_xruns_total{source="engine"}') == pytest.approx(account["late"], abs=1)
    assert (server.value('audio_channel_cpu_usage{channel="1"}') or 0) > 0.2
    for part, truth in ((0.5, account["median"]), (0.99, account["p99"])):
        low, high = _buckets(server, "audio_engine_render_time_seconds", truth)
        quantile = server.value(f"histogram_quantile({part}, {RENDER_TIMES})")
        assert quantile is not None
        assert low <= quantile <= high

    assert server.value("sum(ffi_calls_total)") == account["calls"]
    errors = {series["metric"]["code"]: float(series["value"][1]) for series in server.query("ffi_errors_total")}
    assert errors == {"SCH_ERR_REJECTED": account["rejected"], "other": account["unnamed_errors"]}
    ratio = server.value("sum(ffi_errors_total) / sum(ffi_calls_total)")
    assert ratio == pytest.approx((account["rejected"] + account["unnamed_errors"]) / account["calls"])
    slow = server.value('sum(ffi_call_duration_seconds_count) - sum(ffi_call_duration_seconds_bucket{le="0.1"})')
    assert slow == pytest.approx(account["slow"], abs=2)  # a busy machine may make others slow too
