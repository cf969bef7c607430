from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.service import systemd
from agent.service.definition import Service, ServiceError
from agent.service.executable import closed_step

COMMAND = ("/bin/true", "run", "--config", "/etc/white room/100%/$HOME.toml")


def unit(folder: Path, service: Service) -> Path:
    """The unit in a file of its own, as systemd would read it."""
    path = folder / systemd.UNIT
    path.write_text(service.text(COMMAND))
    return path


def analysed(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(sys, "executable", "/bin/true")  # one that every user can run
    return systemd.system("", realtime=False)


def test_system_unit_exposes_little(tmp_path: Path, system: Service) -> None:
    done = analysed("security", "--offline=true", "--threshold=20", unit(tmp_path, system))

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("realtime", [False, True])
def test_system_unit_is_understood(tmp_path: Path, realtime: bool) -> None:  # noqa: FBT001 - a parameter of a test
    done = analysed("verify", "--recursive-errors=no", unit(tmp_path, systemd.system("root", realtime=realtime)))

    assert (done.returncode, done.stderr) == (0, "")


def test_user_unit_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    done = analysed("verify", "--user", "--recursive-errors=no", unit(tmp_path, systemd.user()))

    assert (done.returncode, done.stderr) == (0, "")


def test_check_sees_a_wrong_key(tmp_path: Path, system: Service) -> None:
    path = unit(tmp_path, system)
    path.write_text(path.read_text().replace("ProtectHostname", "ProtectHostnames"))

    assert analysed("verify", "--recursive-errors=no", path).returncode != 0


def test_command_line_reaches_systemd_as_it_is(system: Service) -> None:
    assert 'ExecStart="/bin/true" "run" "--config" "/etc/white room/100%%/$$HOME.toml"' in system.text(COMMAND)


def test_real_time_priority_only_if_asked_for() -> None:
    without = systemd.system("root", realtime=False).text(COMMAND)
    with_it = systemd.system("root", realtime=True).text(COMMAND)

    assert "RestrictRealtime=yes" in without
    assert "LimitRTPRIO" not in without
    assert "LimitRTPRIO=95" in with_it
    assert "RestrictRealtime" not in with_it


def test_another_users_ipc_objects_stay(system: Service) -> None:
    assert "RemoveIPC=yes" in system.text(COMMAND)
    assert "RemoveIPC" not in systemd.system("root", realtime=False).text(COMMAND)


def test_nothing_is_left_to_fill_in(system: Service) -> None:
    for service in (system, systemd.user(), systemd.system("root", realtime=True)):
        text = service.text(COMMAND)

        assert not [line for line in text.splitlines() if "@" in line and not line.startswith(("#", "SystemCall"))]


def test_program_that_the_services_user_cannot_reach_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    program = home / "bin/wr-agent"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    home.chmod(0o700)
    monkeypatch.setattr(sys, "executable", "/bin/true")

    with pytest.raises(ServiceError, match=r"is closed to others.*--as USER"):
        systemd.system("", realtime=False).text((str(program), "run"))


def test_links_are_followed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(0o700)
    (closed / "python").touch(mode=0o755)
    (closed / "link").symlink_to("python")
    link = Path("/dev/shm") / f"wr-agent-{tmp_path.name}"  # noqa: S108 - a folder that is open to others
    link.symlink_to(closed / "link")
    try:
        assert closed_step(link) is not None
        assert closed_step(Path("/bin/true")) is None
    finally:
        link.unlink()
