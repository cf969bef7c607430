"""The example, with a real agent and a real Prometheus: what an app counts reaches the dashboards."""

import contextlib
import math
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.clients.unix_http import page
from tests.conftest import StartAgent
from tests.support.dashboards import boards, filled_in, questions, variables
from tests.support.prometheus import Prometheus, prometheus
from tests.support.promql import metric_names
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[3]
POLL = 0.5
COUNTED = {
    "audio_engine_render_time_seconds_count": 90,
    'ffi_calls_total{function="sch_engine_load_song"}': 3,
    'ffi_call_duration_seconds_count{function="sch_engine_load_song"}': 3,
    'ffi_errors_total{code="SCH_ERR_REJECTED"}': 1,
    'ffi_errors_total{code="SCH_ERR_PARSE_FAILED"}': 1,
    "ui_render_time_seconds_count": 90,
    'ui_render_time_seconds_bucket{le=~"0.00(2|20*)"}': 0,
    "ui_transition_duration_seconds_count": 1,
    "ui_interaction_time_seconds_count": 1,
    "song_load_duration_seconds_count": 3,
    "export_duration_seconds_count": 1,
    "session_duration_seconds_count": 1,
    'user_actions_total{action="switch_performance"}': 1,
    'user_actions_total{action="open_library"}': 3,
    'app_errors_total{type="song_unreadable"}': 2,
    'app_errors_total{type="network"}': 0,
    'feature_usage_total{feature="freeze"}': 1,
    "user_sessions_total": 1,
    "user_signups_total": 1,
    "songs_created_total": 1,
    "performances_switched_total": 1,
    "authentication_failures_total": 1,
}
"""The counters after one session."""
NOW = {
    "audio_engine_buffer_duration_seconds": 128 / 48000,
    "active_sessions": 0,
    'active_users_total{window="day"}': 2,
    'active_users_total{window="month"}': 5,
    'deployment_version{service="swift-frontend",version="1.2.3"}': 1,
}
"""The gauges after a session."""


class StageApp:
    """One run of the example."""

    def __init__(self, program: Path, sockets: Path) -> None:
        self.process = subprocess.Popen(
            [program],
            env={"WHITE_ROOM_SOCKET_DIR": str(sockets)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.socket = Path(self._line().removeprefix("served at "))

    def play(self) -> None:
        """Play one session."""
        assert self.process.stdin
        self.process.stdin.write("play\n")
        self.process.stdin.flush()
        assert self._line() == "played"

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


@contextlib.contextmanager
def _running(program: Path, sockets: Path) -> Iterator[StageApp]:
    app = StageApp(program, sockets)
    with app.process:
        yield app
    assert app.process.returncode == 0
    assert list(sockets.iterdir()) == []


@pytest.fixture
def server(start_agent: StartAgent, sockets: Path, tmp_path: Path) -> Iterator[Prometheus]:
    agent = start_agent(f'[plugins]\ndirectories = ["{sockets}"]\ninterval = "{POLL * 1000:.0f}ms"\ntimeout = "400ms"')
    label = "relabel_configs: [{target_label: host, replacement: studio-1}]"
    with prometheus(tmp_path, agent.url.removeprefix("http://"), how=label) as running:
        yield running


def _differing(server: Prometheus, expected: Mapping[str, float]) -> dict[str, float | None]:
    found = {series: server.value(series) for series in expected}
    return {series: value for series, value in found.items() if value != pytest.approx(expected[series])}


def _documented() -> set[str]:
    """Return one series' name of each family in the table of docs/instrumentation.md that an app exports."""
    text = (ROOT / "docs" / "instrumentation.md").read_text()
    found, who = set(), ""
    for cells in re.findall(r"^\|([^|]*)\|([^|]*)\| (counter|gauge|histogram) \|", text, re.MULTILINE):
        who = cells[0].strip() or who
        suffix = "_count" if cells[2] == "histogram" else ""
        found |= {name + suffix for name in re.findall(r"`(\w+)`", cells[1]) if who != "server"}
    return found


def test_each_family_arrives_with_its_value_and_survives_a_restart_and_a_pause(
    stage_app: Path, server: Prometheus, sockets: Path
) -> None:
    with _running(stage_app, sockets) as app:
        app.play()
        eventually(lambda: not _differing(server, COUNTED | NOW), "the first session arrived")
        assert server.value("ui_frame_rate") == pytest.approx(60)
        assert (server.value("audio_engine_resident_memory_bytes") or 0) > 1e6
        assert len(_documented()) == 26
        assert _documented() - server.names() == set()

    with _running(stage_app, sockets) as app:
        app.play()
        twice = {series: 2 * value for series, value in COUNTED.items()}
        eventually(lambda: not _differing(server, twice | NOW), f"both sessions arrived; {_differing(server, twice)}")

        app.process.send_signal(signal.SIGSTOP)  # as an app in the background is
        time.sleep(4 * POLL)
        app.process.send_signal(signal.SIGCONT)
        app.play()
        thrice = {series: 3 * value for series, value in COUNTED.items()}
        eventually(lambda: not _differing(server, thrice), f"three sessions arrived; {_differing(server, thrice)}")


def test_the_dashboards_queries_have_data(stage_app: Path, server: Prometheus, sockets: Path) -> None:
    with _running(stage_app, sockets) as app:
        app.play()
        families = _documented() | {re.sub("_count$", "_bucket", name) for name in _documented()}
        asked = list(_queries(families))
        assert len(asked) > 10

        def empty() -> list[str]:
            app.play()
            return [query for query in asked if not _has_data(server, query)]

        eventually(lambda: not empty(), f"each query has data, not {empty()}")


def _queries(families: set[str]) -> Iterator[str]:
    """Yield the queries of both dashboards that ask for nothing but families of an app."""
    for question in questions():
        if question.board in {"wr-application", "wr-business"} and question.source == "prometheus":
            values = {name: it["allValue"] for name, it in variables(boards()[question.board]).items()}
            own = {"__rate_interval": "10s", "__interval": "1s", "__interval_ms": "1000", "__range": "20s"}
            text = filled_in(question.text, values | own)
            if metric_names(text) <= families:
                yield text


def _has_data(server: Prometheus, query: str) -> bool:
    return any(math.isfinite(float(series["value"][1])) for series in server.query(query))


def test_one_page_has_the_metrics_of_app_and_engine(stage_app: Path, sockets: Path) -> None:
    with _running(stage_app, sockets) as app:
        assert app.socket == sockets / f"stage-app.{app.process.pid}.sock"
        assert app.socket.stat().st_mode & 0o777 == 0o660
        assert sockets.stat().st_mode & 0o777 == 0o700
        served = page(app.socket)

    for line in ("audio_engine_render_time_seconds_count", "songs_created_total"):
        assert f'\n{line}{{environment="production",service="swift-frontend"}} 0\n' in served


def test_an_app_counts_without_a_place_for_its_socket(stage_app: Path, sockets: Path) -> None:
    sockets.write_text("a file where the directory should be")
    with subprocess.Popen(
        [stage_app],
        env={"WHITE_ROOM_SOCKET_DIR": str(sockets)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == f"{sockets} is not a directory\n"
        process.stdin.write("play\n")
        process.stdin.flush()
        assert process.stdout.readline() == "played\n"

        sockets.unlink()
        socket = sockets / f"stage-app.{process.pid}.sock"
        eventually(socket.exists, "the socket is there")
        assert 'songs_created_total{environment="production",service="swift-frontend"} 1\n' in page(socket)
        process.stdin.close()
