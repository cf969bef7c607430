"""The unit of the kernel recorder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.service import recorder
from agent.service.definition import ServiceError
from agent.service.executable import foreign_step


def unit(folder: Path, user: str = "root") -> Path:
    """The unit in a file of its own, as systemd would read it."""
    path = folder / recorder.UNIT
    path.write_text(recorder.recorder(user).text(()))
    return path


def analysed(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_unit_exposes_little(tmp_path: Path) -> None:
    done = analysed("security", "--offline=true", "--threshold=10", unit(tmp_path))

    assert done.returncode == 0, done.stdout


def test_unit_is_understood(tmp_path: Path) -> None:
    done = analysed("verify", "--recursive-errors=no", unit(tmp_path))

    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_is_left_to_fill_in(tmp_path: Path) -> None:
    lines = unit(tmp_path).read_text().splitlines()

    assert not [line for line in lines if "@" in line and not line.startswith(("#", "SystemCall"))]
    assert [line for line in lines if line.startswith("CapabilityBoundingSet")] == ["CapabilityBoundingSet="]


def test_copy_runs_on_its_own(tmp_path: Path) -> None:
    for name, source in recorder.recorder("root").files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source.read_text())
    done = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", tmp_path, "--help"], capture_output=True, text=True, timeout=30, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "wr-agent-recorder" in done.stdout
    assert len(list(tmp_path.rglob("*.py"))) <= 12


def test_interpreter_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o777)
    monkeypatch.setattr(recorder, "_PYTHONS", (str(python), "/none/python3"))

    with pytest.raises(
        ServiceError, match=r"can be changed by others than root: .*/none/python3 does not exist.*apt-get"
    ):
        recorder.recorder("root").text(())


def test_old_interpreter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_OLDEST", (99, 0))

    with pytest.raises(ServiceError, match=r"is older than 99\.0"):
        recorder.recorder("root").text(())


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_step_that_others_can_write_is_foreign(tmp_path: Path, mode: int) -> None:
    folder = Path("/run") / f"wr-agent-test-{tmp_path.name}"
    folder.mkdir()
    try:
        (folder / "program").touch(mode=0o755)
        (folder / "link").symlink_to("program")
        assert foreign_step(folder / "link") is None
        folder.chmod(mode)
        assert foreign_step(folder / "link") == folder
    finally:
        for path in (folder / "link", folder / "program"):
            path.unlink()
        folder.rmdir()


def test_system_interpreter_is_roots() -> None:
    assert foreign_step(Path("/usr/bin/python3")) is None


def test_user_is_that_of_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "studio")
    assert '--user "studio"' in recorder.recorder("").text(())

    monkeypatch.setenv("SUDO_USER", "root")
    with pytest.raises(ServiceError, match="Add --as USER"):
        recorder.recorder("").text(())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--recorder", "--realtime", "--as", "root"), "the agent's own"),
        (("--recorder", "--config", "/dev/null"), "the agent's own"),
        (("--recorder", "--system"), "not allowed with"),
    ],
)
def test_arguments_that_contradict_are_refused(arguments: tuple[str, ...], reason: str) -> None:
    command = [sys.executable, "-m", "agent", "service", "show", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode != 0
    assert reason in done.stderr
