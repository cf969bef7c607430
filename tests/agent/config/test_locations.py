from pathlib import Path

import pytest

from agent.config import locations
from agent.config.schema import Config


def test_the_file_is_looked_for_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = tmp_path / "platform.toml"
    monkeypatch.setattr(locations, "default_path", lambda: platform)
    monkeypatch.delenv("WR_AGENT_CONFIG", raising=False)

    assert locations.find(None) is None
    platform.touch()
    assert locations.find(None) == platform
    monkeypatch.setenv("WR_AGENT_CONFIG", "/e.toml")
    assert locations.find(None) == Path("/e.toml")
    assert locations.find("/given.toml") == Path("/given.toml")


def test_the_state_directory_is_the_configured_one_then_the_service_managers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/service")

    assert locations.state_directory(Config(state_dir="/mine")) == Path("/mine")
    assert locations.state_directory(Config()) == Path("/service")
