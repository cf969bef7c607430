import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartAgent
from tests.support.agent import AgentProcess
from tests.support.plugins import Engine, Listener
from tests.support.waiting import eventually

PAGE = "# TYPE calls_total counter\ncalls_total 1\nnode_load1 1\n"


def hang(connection: socket.socket) -> None:
    connection.recv(1)
    connection.recv(1 << 20)
    connection.recv(1)


@pytest.fixture
def sockets(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "sockets"
    directory.mkdir(mode=0o700)
    engine, hanging = Engine(directory, PAGE, "engine.11"), Listener(directory / "hanging.12.sock", hang)
    yield directory
    engine.close()
    hanging.close()


def polling(start_agent: StartAgent, directory: Path) -> AgentProcess:
    agent = start_agent(f'[plugins]\ndirectories = ["{directory}"]\ninterval = "200ms"\ntimeout = "2s"\n')
    eventually(lambda: "reserved_name" in agent.get("/metrics?collect[]=plugins")[2], "the plugins are polled")
    eventually(lambda: 'reason="timeout"' in agent.get("/metrics?collect[]=plugins")[2], "one does not answer")
    return agent


def test_plugins_are_listed_with_what_is_wrong_with_them(start_agent: StartAgent, sockets: Path) -> None:
    done = polling(start_agent, sockets).command("plugins")

    assert (done.returncode, done.stderr) == (0, "")
    assert f"sockets in {sockets}" in done.stdout
    engine, hanging = (line for line in done.stdout.splitlines() if line.lstrip().startswith("["))
    assert "engine 1" in engine
    assert "2 samples" in engine
    assert str(sockets / "engine.11.sock") in engine
    assert "hanging 1" in hanging
    assert "no whole answer within 2 s" in done.stdout
    assert "engine: reserved_name" in done.stdout


def test_a_plugin_that_vanished_is_listed(start_agent: StartAgent, sockets: Path) -> None:
    vanished = Engine(sockets, '# TYPE a_total counter\na_total{service="backend"} 1\n', "backend.13")
    agent = polling(start_agent, sockets)
    eventually(lambda: 'a_total{plugin="backend"' in agent.get("/metrics?collect[]=plugins")[2], "it is polled")
    vanished.close(leave_file=True)
    gone = 'wr_agent_plugin_gone{plugin="backend",service="backend",reason="vanished"} 1'
    eventually(lambda: gone in agent.get("/metrics?collect[]=plugins")[2], "it is gone")

    done = agent.command("plugins")

    assert "backend: 1 ended without closing the socket (service backend)" in done.stdout


def test_plugins_as_json(start_agent: StartAgent, sockets: Path) -> None:
    document = json.loads(polling(start_agent, sockets).command("plugins", "--json").stdout)

    assert [(it["plugin"], it["up"]) for it in document["sockets"]] == [("engine", True), ("hanging", False)]
    assert {(it["plugin"], it["reason"]) for it in document["rejected"]} >= {
        ("engine", "reserved_name"),
        ("hanging", "timeout"),
    }


def test_an_agent_that_polls_no_plugins_says_so(start_agent: StartAgent) -> None:
    agent = start_agent("plugins.enabled = false")
    assert agent.url

    done = agent.command("plugins")

    assert done.returncode == 1
    assert "plugins.enabled is false" in done.stderr


def test_without_an_agent_there_is_a_hint(start_agent: StartAgent) -> None:
    agent = start_agent()
    assert agent.url
    agent.stop()

    done = agent.command("plugins")

    assert done.returncode == 1
    assert "wr-agent run" in done.stderr
