"""State directories that another user could tamper with."""

import os
from pathlib import Path

import pytest

from agent.config.decode import ConfigError
from agent.core.instance import Instance, running
from agent.core.state_directory import check
from tests.support.agent import AgentProcess
from tests.support.waiting import PATIENCE


def make(path: Path, mode: int) -> Path:
    path.mkdir()
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755])
def test_a_directory_that_only_its_owner_writes_is_used(tmp_path: Path, mode: int) -> None:
    check(make(tmp_path / "state", mode))
    (tmp_path / "link").symlink_to(tmp_path / "state")
    check(tmp_path / "link")
    check(tmp_path / "state" / "missing")


@pytest.mark.parametrize("mode", [0o770, 0o775, 0o777, 0o1777, 0o702])
def test_a_directory_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match=r"state_dir: expected only the owner to write .* run: chmod go-w"):
        check(make(tmp_path / "state", mode))


def test_a_directory_that_others_can_replace_is_refused(tmp_path: Path) -> None:
    make(make(tmp_path / "open", 0o777) / "state", 0o700)

    with pytest.raises(ConfigError, match="run: chmod o-w"):
        check(tmp_path / "open" / "state")


def test_a_directory_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = make(tmp_path / "state", 0o700)
    if os.geteuid() == 0:
        os.chown(state, 4242, 4242)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4242)

    with pytest.raises(ConfigError, match=r"to belong to the agent's user .* sudo chown"):
        check(state)


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").touch()

    with pytest.raises(ConfigError, match="expected a directory"):
        check(tmp_path / "state")


def test_the_agent_and_check_config_refuse_it(tmp_path: Path) -> None:
    make(tmp_path / "state", 0o777)
    started = AgentProcess(tmp_path)

    assert started.process.wait(PATIENCE) == 1
    assert "chmod go-w" in started.log()
    checked = started.command("check-config")
    assert checked.returncode == 1
    assert "chmod go-w" in checked.stderr


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    state = make(tmp_path / "state", 0o700)
    (state / "agent.lock").symlink_to(tmp_path / "precious")

    with pytest.raises(OSError, match="symbolic links"):
        Instance(state)
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_fifo_in_the_place_of_the_lock_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "agent.lock")

    assert running(tmp_path) is None
