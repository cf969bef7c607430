import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.doctor.agent import state
from tests.agent.doctor.support import MYSELF, STRANGER, codes


def test_a_state_directory_of_ones_own_is_well(open_folder: Path) -> None:
    assert codes(state.check(open_folder / "new", MYSELF)) == []
    assert codes(state.check(open_folder, MYSELF)) == []


def test_a_state_directory_that_the_agent_cannot_write_to(open_folder: Path) -> None:
    (found,) = state.check(open_folder / "new", STRANGER)

    assert (found.code, found.severity) == ("agent-state-unwritable", "failure")
    assert str(open_folder) in found.detail


def test_a_state_directory_that_others_can_write_to(open_folder: Path) -> None:
    open_folder.chmod(0o777)

    assert codes(state.check(open_folder, STRANGER)) == ["agent-state-open"]


def test_a_lock_that_belongs_to_another_user(open_folder: Path) -> None:
    open_folder.chmod(0o777)
    (open_folder / "agent.lock").write_text("")
    (open_folder / "agent.lock").chmod(0o600)

    (found,) = state.check(open_folder, STRANGER)

    assert "agent.lock" in found.detail


def test_little_space_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert codes(state.check_space(tmp_path)) == []
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=10, f_frsize=4096))

    assert codes(state.check_space(tmp_path)) == ["agent-state-no-space"]


@pytest.mark.parametrize("kind", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_positions_that_are_no_file_are_corrupt(tmp_path: Path, kind: Callable[[Path], None]) -> None:
    file = state.positions_file(tmp_path)
    kind(file)

    assert codes(state.check_positions(file)) == ["log-positions-corrupt"]


DEEP = '{"x":' + "[" * 200_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{}", []), ("{", ["log-positions-corrupt"]), (DEEP, ["log-positions-corrupt"]), (None, [])],
    ids=["good", "cut", "deep", "missing"],
)
def test_positions_are_looked_at_and_left_alone(tmp_path: Path, text: str | None, expected: list[str]) -> None:
    file = state.positions_file(tmp_path)
    if text is not None:
        file.write_text(text)
    before = sorted(tmp_path.iterdir())

    assert codes(state.check_positions(file)) == expected
    assert sorted(tmp_path.iterdir()) == before
