"""The commands of remedies on machines of different kinds."""

from __future__ import annotations

import grp
import os
from pathlib import Path

import pytest

from collectors import remedies, system_packages


def with_programs(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(system_packages, "find", lambda name: f"/usr/bin/{name}" if name in names else None)
    monkeypatch.setattr(system_packages, "is_macos", lambda: False)


def test_a_command_without_its_program_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch, "top")

    assert remedies.command("top -H", "shows threads") == ("top -H  # shows threads",)
    assert remedies.command("sudo dmesg") == ()


def test_a_tool_that_is_missing_is_installed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch, "dnf")

    assert remedies.tool("cpupower frequency-info", "cpupower") == (
        "sudo dnf install kernel-tools",
        "cpupower frequency-info",
    )


def test_a_tool_that_is_there_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch, "dnf", "cpupower")

    assert remedies.tool("cpupower frequency-info", "cpupower") == ("cpupower frequency-info",)


@pytest.mark.parametrize(
    ("programs", "expected"),
    [
        (["grubby"], "sudo grubby --update-kernel=ALL --args=threadirqs && sudo reboot"),
        (["update-grub", "grub-mkconfig"], "sudo update-grub && sudo reboot"),
        (["grub2-mkconfig"], "sudo grub2-mkconfig -o /boot/grub2/grub.cfg && sudo reboot"),
        (["grub-mkconfig"], "sudo grub-mkconfig -o /boot/grub/grub.cfg && sudo reboot"),
    ],
)
def test_the_kernels_command_line_is_changed_as_the_distribution_does(
    monkeypatch: pytest.MonkeyPatch, programs: list[str], expected: str
) -> None:
    with_programs(monkeypatch, *programs)

    assert remedies.kernel_argument("threadirqs")[-1] == expected


def test_a_group_is_joined_by_the_program_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch, "usermod")
    shadow = remedies.join_group("kim", "audio", "log in again")
    with_programs(monkeypatch, "adduser")

    assert shadow == ("sudo usermod -aG audio kim  # log in again",)
    assert remedies.join_group("kim", "audio") == ("sudo adduser kim audio",)


def test_a_file_is_opened_by_its_group_unless_that_is_roots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_programs(monkeypatch, "usermod", "setfacl")
    file = tmp_path / "a log"
    file.touch()

    monkeypatch.setattr(grp, "getgrgid", lambda _: ("adm",))
    by_group = remedies.let_read(file, "kim")
    monkeypatch.setattr(grp, "getgrgid", lambda _: ("root",))
    by_list = remedies.let_read(file, "kim")

    assert by_group == ("sudo usermod -aG adm kim  # then restart the agent",)
    assert by_list == (f"sudo setfacl -m u:kim:rX '{file}'",)


def test_the_agent_is_restarted_as_it_was_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_programs(monkeypatch, "systemctl")
    monkeypatch.setattr(remedies, "_UNITS", (str(tmp_path / "system"),))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    by_hand = remedies.restart_agent(), remedies.reload_agent()
    new = remedies.start_agent()
    unit = tmp_path / "systemd/user/wr-agent.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    of_user = remedies.restart_agent(), remedies.reload_agent()
    start_of_user = remedies.start_agent()
    (tmp_path / "system").mkdir()
    (tmp_path / "system/wr-agent.service").touch()
    of_system = remedies.restart_agent(), remedies.reload_agent()

    assert new[0] == "wr-agent run"
    assert (start_of_user, remedies.start_agent()) == (
        ("systemctl --user start wr-agent",),
        ("sudo systemctl start wr-agent",),
    )
    assert by_hand == (
        ("end the agent in its terminal with Ctrl-C, then start it again: wr-agent run",),
        (f"kill -HUP {os.getpid()}  # the agent",),
    )
    assert of_user == (("systemctl --user restart wr-agent",), ("systemctl --user reload wr-agent",))
    assert of_system == (("sudo systemctl restart wr-agent",), ("sudo systemctl reload wr-agent",))


def test_python_packages_with_a_version_are_quoted() -> None:
    (line,) = remedies.python_packages(["aiohttp>=3.14"])

    assert " install 'aiohttp>=3.14'  # then restart the agent" in line
