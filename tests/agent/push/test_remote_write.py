"""The push of a real agent to a real receiver."""

import re
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.agent import AgentProcess
from tests.support.waiting import eventually
from tests.support.write_servers import WriteServer, victoria_metrics, write_receiver

StartAgent = Callable[..., AgentProcess]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WriteServer]:
    with write_receiver(tmp_path) as running:
        yield running


def config(server: WriteServer, more: str = "") -> str:
    return f"""
machine = "studio-7"
remote_write.url = "{server.write_url}"
remote_write.interval = "500ms"
remote_write.longest_wait = "1s"
{more}
"""


def test_the_receiver_has_what_a_scrape_gives(server: WriteServer, start_agent: StartAgent) -> None:
    agent = start_agent(config(server, 'remote_write.labels = { role = "studio" }'))
    eventually(lambda: server.value('wr_agent_collector_up{collector="remote_write"}'), "a sample")

    page = agent.get("/metrics")[2]
    scraped = {_identity(line) for line in page.splitlines() if line and not line.startswith("#")}

    def pushed() -> set[tuple[tuple[str, str], ...]]:
        return {
            tuple(pair for pair in labels if pair[0] not in {"job", "instance", "host", "role"})
            for labels in server.samples('{job="wr-agent"}', "1h")
        }

    changing = ("wr_agent_remote_write", "wr_agent_finding", "wr_agent_event_loop")
    eventually(
        lambda: {one for one in scraped - pushed() if not dict(one)["__name__"].startswith(changing)} == set(),
        "every series of a scrape",
    )
    (up,) = server.get("/api/v1/query", query='up{role="studio"}')["data"]["result"]
    assert up["metric"] == {
        "__name__": "up",
        "job": "wr-agent",
        "instance": "studio-7",
        "host": "studio-7",
        "role": "studio",
    }
    assert server.value("node_memory_MemTotal_bytes") == _value(page, "node_memory_MemTotal_bytes")


def test_an_orderly_stop_ends_all_series(server: WriteServer, start_agent: StartAgent) -> None:
    agent = start_agent(config(server))
    eventually(lambda: server.value("up"), "a sample")

    assert agent.stop() == 0

    assert server.get("/api/v1/query", query='{job="wr-agent"}')["data"]["result"] == []


def test_a_reload_ends_no_series(server: WriteServer, start_agent: StartAgent) -> None:
    agent = start_agent(config(server))
    eventually(lambda: server.value("up"), "a sample")

    agent.write_config(config(server, 'remote_write.keep = ["up", "node_memory_.*"]'))
    agent.signal(signal.SIGHUP)

    eventually(lambda: server.value("count({job='wr-agent', __name__!~'up|node_memory_.*'})") is None, "fewer series")
    assert server.value("up") == 1


def test_samples_of_a_killed_agent_arrive_after_its_restart(server: WriteServer, start_agent: StartAgent) -> None:
    agent = start_agent(config(server))
    eventually(lambda: server.value("up"), "a sample")
    server.kill()
    time.sleep(3)
    agent.process.kill()
    agent.process.wait()
    killed = time.time()
    server.start()

    again = AgentProcess(agent.folder, config(server))
    try:
        eventually(lambda: [at for at in _times(server) if at > killed], "samples of the second agent")
    finally:
        again.stop()

    before = [at for at in _times(server) if at < killed]
    assert max(before) > killed - 1.5
    assert max(late - early for early, late in pairwise(before)) < 1.5


def test_an_agent_without_a_port_pushes_and_answers_commands(server: WriteServer, start_agent: StartAgent) -> None:
    agent = start_agent(config(server, 'web.listen = "off"'))
    eventually(lambda: server.value("up"), "a sample")

    shown = agent.command("status").stdout

    assert "no port" in shown
    assert not _listening(agent.process.pid)


def test_victoria_metrics_takes_the_same_requests(tmp_path: Path, start_agent: StartAgent) -> None:
    with victoria_metrics(tmp_path) as server:
        agent = start_agent(config(server))
        eventually(lambda: server.value("up"), "a sample")
        expected = _value(agent.get("/metrics")[2], "node_memory_MemTotal_bytes")

        assert server.value("node_memory_MemTotal_bytes") == expected
        assert agent.stop() == 0
        eventually(lambda: server.value("up") is None, "the series has ended")


def _identity(line: str) -> tuple[tuple[str, str], ...]:
    head = line.rpartition(" ")[0]
    name, _, rest = head.partition("{")
    pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', rest)
    own = {label: value.replace(r"\"", '"').replace(r"\\", "\\") for label, value in pairs if value}
    return tuple(sorted({**own, "__name__": name}.items()))


def _value(page: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE)
    assert found, f"{series} is missing"
    return float(found[1])


def _times(server: WriteServer) -> list[float]:
    """Return the times of the series `up`, in seconds."""
    return [at / 1000 for samples in server.samples("up", "1h").values() for at, _ in samples]


def _listening(pid: int) -> list[str]:
    """Return the lines of listening TCP sockets of a process."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        target = str(link.readlink())
        if target.startswith("socket:"):
            inodes.add(target[8:-1])
    lines = [*Path("/proc/net/tcp").read_text().splitlines(), *Path("/proc/net/tcp6").read_text().splitlines()]
    return [
        line for line in lines[1:] if len(line.split()) > 9 and line.split()[3] == "0A" and line.split()[9] in inodes
    ]
