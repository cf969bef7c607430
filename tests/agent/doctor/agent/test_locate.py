import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.config.schema import Config
from agent.doctor.agent import locate
from agent.terminal import client
from agent.terminal.client import NotRunningError
from tests.agent.doctor.support import Machine, process


def test_the_agents_user_is_that_of_its_process_then_of_its_service(machine: Machine) -> None:
    root = machine(process(42, "wr-agent", uid=4711))

    running = locate.daemons_user(SimpleNamespace(pid=42), root)  # type: ignore[arg-type]  # a status has more
    assert running.uid == 4711
    assert locate.daemons_user(None, root).uid == os.geteuid()
    machine({"etc/systemd/system/wr-agent.service": "[Service]\nUser=nobody\n"})
    assert locate.daemons_user(None, root).name == "nobody"
    assert locate.daemons_state(Config(), root) == Path("/var/lib/wr-agent")
    assert locate.daemons_state(Config(state_dir="/elsewhere"), root) == Path("/elsewhere")


def test_the_one_that_may_not_be_asked_is_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(config: Config) -> None:
        cause = PermissionError() if config.state_dir == "/var/lib/wr-agent" else FileNotFoundError()
        raise NotRunningError(config.state_dir or "the configured one") from cause

    monkeypatch.setattr(client, "fetch", fetch)

    with pytest.raises(NotRunningError, match="/var/lib/wr-agent") as raised:
        locate.ask(Config())
    assert locate.is_forbidden(raised.value)
    with pytest.raises(NotRunningError, match="/elsewhere") as raised:
        locate.ask(Config(state_dir="/elsewhere"))
    assert not locate.is_forbidden(raised.value)


def test_an_agent_in_a_usual_place_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(config: Config) -> str:
        if config.state_dir != "/var/lib/wr-agent":
            raise NotRunningError("not here")
        return "its status"

    monkeypatch.setattr(client, "fetch", fetch)

    status, reached = locate.ask(Config())

    assert str(status) == "its status"
    assert reached.state_dir == "/var/lib/wr-agent"
