"""Remedies as a person can copy them on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from agent.config import locations
from agent.core.remedy_text import RemedyText, not_running
from collectors import system_packages
from collectors.remedies import in_section

FILE = Path("/srv/studio a/agent.toml")


@pytest.fixture(autouse=True)
def with_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages, "find", lambda name: f"/usr/bin/{name}" if name == "sudo" else None)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the agent's command in an environment of its own."""
    own = tmp_path / "wr-agent"
    own.touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return own


def test_a_section_has_the_path_of_its_file() -> None:
    step = in_section("[loki]", "correct url")

    assert RemedyText(FILE).line(step) == f"correct url in the section [loki] of {FILE}"


def test_without_a_file_the_default_path_is_named_as_new() -> None:
    said = RemedyText(None).line(in_section("[loki]", "correct url"))

    assert said.endswith(f"of {locations.default_path()} (a new file, then restart the agent)")


def test_commands_have_the_path_of_the_program_and_of_the_configuration(program: Path) -> None:
    text = RemedyText(FILE)

    assert text.line("wr-agent status  # shows load") == f"{program} status --config '{FILE}'  # shows load"
    assert text.line("sudo wr-agent doctor -v") == f"sudo {program} doctor --config '{FILE}' -v"
    assert text.line("wr-agent check-config") == f"{program} check-config '{FILE}'"
    assert text.line("pw-jack wr-agent run") == f"pw-jack {program} run --config '{FILE}'"
    assert text.line("wr-agent logs try -") == f"{program} logs try --config '{FILE}' -"


def test_commands_without_a_configuration_get_none(program: Path) -> None:
    text = RemedyText(FILE)

    assert text.line("wr-agent service install") == f"{program} service install"
    assert text.line("sudo systemctl restart wr-agent") == "sudo systemctl restart wr-agent"


def test_the_default_configuration_is_not_named(program: Path) -> None:
    assert RemedyText(locations.default_path()).line("wr-agent status") == f"{program} status"


def test_a_second_completion_changes_nothing(program: Path) -> None:
    once = RemedyText(FILE).line("wr-agent status")

    assert RemedyText(FILE).line(once) == once
    assert program.exists()


def test_documents_are_paths_that_exist() -> None:
    step = RemedyText(FILE).line("docs/plugins.md lists the rules of trust")

    assert Path(step.split()[0]).is_absolute()
    assert Path(step.split()[0]).is_file()


def test_a_machine_without_sudo_gets_commands_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_packages, "find", lambda _: None)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    as_root = RemedyText(FILE).line("echo 1 | sudo tee /proc/x && sudo reboot")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert as_root == "echo 1 | tee /proc/x && reboot"
    assert RemedyText(FILE).line("sudo dmesg") == "dmesg  # as root"
    assert RemedyText(FILE).line("sudo dmesg  # shows it") == "dmesg  # as root; shows it"
    assert RemedyText(FILE).line("top  # shows it") == "top  # shows it"


def test_a_command_that_finds_no_agent_names_the_one_that_starts_it(program: Path) -> None:
    absent, refused = RuntimeError("no agent answers"), RuntimeError("only root may ask")
    refused.__cause__ = PermissionError()

    assert not_running(absent, None) == f"no agent answers; start it with {program} run"
    assert not_running(refused, None) == "only root may ask"
