from pathlib import Path

import pytest

from agent.config.loader import parse
from agent.config.schema import Config
from agent.doctor import examination
from agent.doctor.agent.settings import Settings
from agent.doctor.examination import Examination
from agent.terminal import client
from agent.terminal.client import NotRunningError

CONFIG = """
state_dir = "{folder}"
web.listen = "127.0.0.1:1"
audio.enabled = false
host.enabled = false
loki.url = "http://127.0.0.1:1"
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of an agent that does not run, and whose Loki is away."""

    def fetch(_: Config) -> None:
        raise NotRunningError("nobody answers")

    monkeypatch.setattr(client, "fetch", fetch)
    monkeypatch.setattr(examination, "SETTLE", 0.05)
    return Settings(None, parse(CONFIG.format(folder=tmp_path), "test"))


async def test_slow_checks_are_announced_and_last(settings: Settings) -> None:
    announced: list[str] = []
    examined = Examination(settings, announce=announced.append)
    await examined.begin()

    outcomes = await examined.outcomes()

    assert outcomes[0].name == "agent.running"
    assert [it.name for it in outcomes][-3:] == ["agent.loki", "agent.remote-write", "machine.pipewire"]
    assert [line.partition(":")[0] for line in announced] == ["no agent runs", "checking", "checking"]
    assert [finding.code for finding in outcomes[-3].findings] == ["loki-unreachable"]
    assert sorted(it.name for it in outcomes) == sorted(name for name, _ in examined.names())


async def test_what_is_not_wanted_is_not_waited_for(settings: Settings) -> None:
    announced: list[str] = []
    examined = Examination(settings, lambda name: name == "machine.kernel", announced.append)
    await examined.begin()

    names = [it.name for it in await examined.outcomes()]

    assert "machine.kernel" in names
    assert "agent.loki" not in names
    assert announced == []


@pytest.mark.parametrize(
    ("cause", "expected"), [(PermissionError(), "agent-out-of-reach"), (None, "agent-not-running")]
)
async def test_why_the_agent_cannot_be_asked_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, cause: Exception | None, expected: str
) -> None:
    def fetch(_: Config) -> None:
        raise NotRunningError("no answer") from cause

    monkeypatch.setattr(client, "fetch", fetch)
    examined = Examination(settings, lambda name: name == "agent.running")
    await examined.begin()

    (running, *_) = await examined.outcomes()

    assert [finding.code for finding in running.findings] == [expected]
