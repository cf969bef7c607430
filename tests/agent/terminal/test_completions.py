"""Completion in the real shells."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli import main, parser
from agent.terminal.command_tree import read
from agent.terminal.completions import SHELLS

ROOT = Path(__file__).parents[3]


@pytest.fixture
def script(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the script of a shell, as the command prints it."""
    shell = request.param if hasattr(request, "param") else "bash"
    done = subprocess.run(
        [sys.executable, "-m", "agent", "completion", shell], cwd=ROOT, capture_output=True, text=True, check=True
    )
    path = tmp_path / f"completion.{shell}"
    path.write_text(done.stdout)
    return path


def completed(script: Path, line: str, cwd: Path) -> list[str]:
    """Return what bash proposes for a command line with the cursor at its end."""
    words = line.split(" ")
    quoted = " ".join(f"'{word}'" for word in words)
    asked = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _wr_agent; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        ["bash", "--norc", "-c", f"source '{script}'; {asked}"], cwd=cwd, capture_output=True, text=True, check=True
    )
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("wr-agent d", "doctor"),
        ("wr-agent logs ", "try"),
        ("wr-agent service ins", "install"),
        ("wr-agent --ver", "--version"),
        ("wr-agent doctor --bun", "--bundle"),
        ("wr-agent config init --source jour", "journal"),
        ("wr-agent completion f", "fish"),
        ("wr-agent doctor --bundle my", "my bundle.tar.gz"),
        ("wr-agent logs try --config my", "my bundle.tar.gz"),
        ("wr-agent check-config my", "my bundle.tar.gz"),
    ],
)
def test_bash_completes(script: Path, tmp_path: Path, line: str, expected: str) -> None:
    (tmp_path / "my bundle.tar.gz").touch()

    assert expected in completed(script, line, tmp_path)


def test_bash_completes_every_command_and_option(script: Path, tmp_path: Path) -> None:
    for command in read(parser()).walk():
        line = " ".join(["wr-agent", *command.path, ""])
        options = completed(script, f"{line}--", tmp_path)
        words = [flag for option in command.options for flag in option.flags if flag.startswith("--")]

        assert sorted(options) == sorted(words), line
        assert {child.path[-1] for child in command.commands} <= set(completed(script, line, tmp_path))


def test_bash_proposes_nothing_for_a_value_that_only_the_user_knows(script: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert completed(script, "wr-agent service --as ", tmp_path) == [""]


@pytest.mark.parametrize("script", ["bash", "zsh", "fish"], indirect=True)
def test_each_script_is_valid_for_its_shell(script: Path) -> None:
    done = subprocess.run([script.suffix[1:], "-n", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_fish_completes(tmp_path: Path) -> None:
    script = tmp_path / "wr-agent.fish"
    script.write_text(SHELLS["fish"](read(parser())))
    asked = f"source {script}; complete -C 'wr-agent service u'; complete -C 'wr-agent doctor --b'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", asked], capture_output=True, text=True, check=True, env={"HOME": str(tmp_path)}
    )

    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["uninstall", "--bundle"]


def test_an_unknown_shell_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["completion", "tcsh"])

    assert "choose from" in capsys.readouterr().err
