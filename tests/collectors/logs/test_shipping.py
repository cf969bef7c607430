"""The whole way of a log line: a real agent, real files, and the stand-in for Loki."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.logs_faults import run as run_schedule
from tests.conftest import StartAgent
from tests.support.agent import AgentProcess
from tests.support.loki import Loki, loki
from tests.support.waiting import eventually

CONTRACT = {
    "wr_agent_log_read_lines_total",
    "wr_agent_log_read_bytes_total",
    "wr_agent_log_sent_lines_total",
    "wr_agent_log_dropped_lines_total",
    "wr_agent_log_lag_bytes",
    "wr_agent_log_lag_seconds",
    "wr_agent_loki_push_duration_seconds",
    "wr_agent_loki_push_failures_total",
    "wr_agent_loki_up",
}


@pytest.fixture
def sink() -> Iterator[Loki]:
    with loki() as server:
        yield server


def config(url: str, path: Path) -> str:
    return f"""
host.enabled = false
loki.url = "{url}"
loki.longest_wait = "1s"
[[logs.sources]]
name = "engine"
paths = ["{path}"]
labels = {{ service = "juce-backend" }}
stages = [
  {{ json = {{ fields = ["time", "level", "trace_id", "user_id"] }} }},
  {{ timestamp = {{ field = "time" }} }},
  {{ level = {{}} }},
  {{ labels = {{ fields = ["level"] }} }},
  {{ structured_metadata = {{ fields = ["trace_id", "user_id"] }} }},
  {{ drop = {{ pattern = "healthz", reason = "health" }} }},
]
"""


def record(number: int, level: str = "INFO", **more: str) -> str:
    now = datetime.now(UTC).isoformat()
    return json.dumps({"time": now, "level": level, "message": f"number {number}", **more})


def append(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def stored(sink: Loki, count: int) -> list[str]:
    eventually(lambda: len(sink.lines()) >= count, f"{count} lines are stored")
    return sink.lines()


def test_a_line_arrives_with_its_labels_its_time_and_its_metadata(
    start_agent: StartAgent, sink: Loki, tmp_path: Path
) -> None:
    path = tmp_path / "engine.log"
    line = record(1, "WARN", trace_id="abc", user_id="u7")
    append(path, line, record(2) + " not JSON", record(3, message="GET /healthz"))
    agent = start_agent(config(sink.url, path))

    stored(sink, 2)

    entries = {entry.line: entry for entry in sink.entries()}
    entry = entries[line]
    assert entry.labels == {
        "filename": str(path),
        "host": socket.gethostname(),
        "level": "warn",
        "service": "juce-backend",
        "source": "engine",
    }
    assert entry.ns == int(datetime.fromisoformat(json.loads(line)["time"]).timestamp() * 1e6) * 1000
    assert entry.metadata == {"trace_id": "abc", "user_id": "u7"}
    assert len(entries) == 2
    page = agent.get("/metrics")[2]
    assert 'wr_agent_log_dropped_lines_total{source="engine",reason="health"} 1' in page
    assert [name for name in CONTRACT if f"# TYPE {name} " not in page] == []


def test_lines_go_on_arriving_and_each_once(start_agent: StartAgent, sink: Loki, tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    path.touch()
    start_agent(config(sink.url, path))
    written = []
    for number in range(20):
        written += [record(10 * number + more) for more in range(10)]
        append(path, *written[-10:])
        time.sleep(0.01)

    assert sorted(stored(sink, 200)) == sorted(written)


def test_a_killed_agent_goes_on_where_loki_acknowledged(start_agent: StartAgent, sink: Loki, tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    first = [record(number) for number in range(500)]
    append(path, *first)
    agent = start_agent(config(sink.url, path))
    stored(sink, 1)
    agent.process.kill()
    agent.process.wait()
    second = [record(number) for number in range(500, 600)]
    append(path, *second)

    again = AgentProcess(agent.folder, config(sink.url, path))
    try:
        eventually(lambda: len(set(sink.lines())) == 600, "every line is stored")
    finally:
        again.stop()

    assert sorted(set(sink.lines())) == sorted(first + second)
    times: dict[str, set[int]] = {}
    for entry in sink.entries():
        times.setdefault(entry.line, set()).add(entry.ns)
    assert [line for line, instants in times.items() if len(instants) > 1] == []


def test_lines_of_containers_carry_what_their_files_say(start_agent: StartAgent, sink: Loki, tmp_path: Path) -> None:
    identity, time_ = "4f1c" * 16, datetime.now(UTC).isoformat()
    docker = tmp_path / "docker" / "containers" / identity / f"{identity}-json.log"
    pod = tmp_path / "log" / "pods" / "studio_mixer-7d9_0a1b" / "engine" / "0.log"
    link = tmp_path / "log" / "containers" / f"mixer-7d9_studio_engine-{identity}.log"
    for path in (docker, pod, link):
        path.parent.mkdir(parents=True)
    docker.with_name("config.v2.json").write_text('{"Name": "/web"}')
    append(docker, json.dumps({"log": "from Docker\n", "stream": "stderr", "time": time_}))
    append(pod, f"{time_} stdout P from ", f"{time_} stdout F CRI")
    link.symlink_to(pod)
    start_agent(f"""
host.enabled = false
loki.url = "{sink.url}"
machine = "studio-7"
[[logs.sources]]
name = "containers"
paths = ["{link.parent}/*.log", "{tmp_path}/docker/containers/*/*-json.log"]
stages = [{{ container = {{}} }}]
""")
    stored(sink, 2)

    entries = {entry.line: entry for entry in sink.entries()}
    own = {"host": "studio-7", "source": "containers"}
    assert {line: entry.labels for line, entry in entries.items()} == {
        "from Docker": own | {"container": "web", "stream": "stderr", "filename": str(docker)},
        "from CRI": own
        | {"container": "engine", "pod": "mixer-7d9", "namespace": "studio", "stream": "stdout", "filename": str(link)},
    }
    assert {entry.ns for entry in entries.values()} == {int(datetime.fromisoformat(time_).timestamp() * 1e6) * 1000}


def test_equal_lines_of_one_second_all_arrive(start_agent: StartAgent, sink: Loki, tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    second = datetime.now(UTC).replace(microsecond=0)
    line = json.dumps({"time": second.isoformat(), "level": "info"})
    append(path, line)
    agent = start_agent(config(sink.url, path))
    stored(sink, 1)
    append(path, line)
    stored(sink, 2)
    agent.process.kill()
    agent.process.wait()
    append(path, line)

    again = AgentProcess(agent.folder, config(sink.url, path))
    try:
        stored(sink, 3)
        path.rename(f"{path}.1")
        append(path, line)
        stored(sink, 4)
    finally:
        again.stop()

    first = int(second.timestamp()) * 10**9
    assert sorted(entry.ns for entry in sink.entries()) == [first, first + 1, first + 2, first + 3]


def test_it_stops_in_time_while_loki_is_away_and_loses_nothing(
    start_agent: StartAgent, sink: Loki, tmp_path: Path
) -> None:
    path = tmp_path / "engine.log"
    path.touch()
    agent = start_agent(config(sink.url, path))
    sink.down()
    written = [record(number) for number in range(50)]
    append(path, *written)
    eventually(lambda: "wr_agent_loki_up 0" in agent.get("/metrics")[2], "Loki is seen to be away")

    agent.signal(signal.SIGTERM)
    assert agent.process.wait(30) == 0
    sink.up()
    again = AgentProcess(agent.folder, config(sink.url, path))
    try:
        assert sorted(stored(sink, 50)) == sorted(written)
    finally:
        again.stop()


def test_loki_away_is_a_finding_with_a_remedy(start_agent: StartAgent, sink: Loki, tmp_path: Path) -> None:
    path = tmp_path / "engine.log"
    append(path, record(1))
    sink.down()
    agent = start_agent(config(sink.url, path))

    def found() -> bool:
        codes = [finding["code"] for check in agent.status()["checks"] for finding in check["findings"]]
        return "loki-unreachable" in codes

    eventually(found, "Loki away is a finding")
    sink.up()
    eventually(lambda: not found(), "and none any more when it is back")
    stored(sink, 1)


def test_a_reload_changes_what_is_shipped(start_agent: StartAgent, sink: Loki, tmp_path: Path) -> None:
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    append(one, record(1))
    append(two, record(2))
    agent = start_agent(config(sink.url, one))
    stored(sink, 1)

    agent.write_config(config(sink.url, two))
    agent.signal(signal.SIGHUP)

    assert len(stored(sink, 2)) == 2


def test_sources_without_a_loki_are_refused(tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path, config("", tmp_path / "x.log"))

    assert agent.process.wait(30) == 1
    assert "logs.sources need a destination; set loki.url" in agent.log()
    assert len(agent.log().splitlines()) == 1


@pytest.mark.parametrize("seed", [1, 2, 3, 5012])
def test_a_random_schedule_of_faults_loses_nothing_and_doubles_nothing(seed: int) -> None:
    outcome = run_schedule(seed)

    assert outcome.written > 0
    assert (outcome.lost, outcome.doubles) == (0, 0)


def test_a_hostile_pattern_and_line_cost_nothing_else(start_agent: StartAgent, sink: Loki, tmp_path: Path) -> None:
    hostile, other = tmp_path / "hostile.log", tmp_path / "other.log"
    append(hostile, "a" * 60 + "!", "aa")
    append(other, "fine")
    agent = start_agent(f"""
host.enabled = false
loki.url = "{sink.url}"
[[logs.sources]]
name = "hostile"
paths = ["{hostile}"]
stages = [{{ regex = {{ pattern = '^(?P<x>(a+)+)$' }} }}]
[[logs.sources]]
name = "other"
paths = ["{other}"]
""")

    assert set(stored(sink, 3)) == {"a" * 60 + "!", "aa", "fine"}
    page = agent.get("/metrics")[2]
    assert 'wr_agent_log_missed_total{source="hostile",problem="regex"} 1' in page
