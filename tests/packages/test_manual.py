"""The manual page against the command line, and against groff."""

from __future__ import annotations

import re
import subprocess

from agent.cli import parser
from agent.terminal.command_tree import read
from packages.manual import page

PAGE = page("2026-11-29")


def rendered() -> str:
    """Return the page as groff shows it, without warnings of its source."""
    done = subprocess.run(
        ["groff", "-man", "-ww", "-T", "ascii", "-P", "-cbou", "-r", "LL=300n"],
        input=PAGE,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_every_command_and_option_is_on_the_page() -> None:
    text = re.sub(r"\s+", " ", rendered())
    leaves = [command for command in read(parser()).walk() if not command.commands]

    assert [it.path for it in leaves if " ".join(["wr-agent", *it.path]) not in text] == []
    assert [option for it in leaves for option in it.options if ", ".join(option.flags) not in text] == []
    assert [option.help for it in leaves for option in it.options if option.help[1:] not in text] == []


def test_the_page_has_the_usual_sections() -> None:
    titles = re.findall(r"^[A-Z][A-Z ]+$", rendered(), re.MULTILINE)

    assert titles == ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "FILES", "ENVIRONMENT", "EXIT STATUS", "SEE ALSO"]
