"""Every runbook has all that it must say, and sends nobody to a command or page that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.cli import COMMANDS
from tests.support.monitoring import MONITORING

RUNBOOKS = sorted((MONITORING / "runbooks").glob("*.md"))
PARTS = ("**Whom it hurts.**", "**Confirm**", "**Mend**", "**It is over when**", "**Call**")
PROGRAMS = {
    *("amtool", "aplay", "cat", "chronyc", "curl", "date", "df", "docker", "du", "find", "free", "gdb", "grep"),
    *("iostat", "jack_cpu_load", "jack_lsp", "journalctl", "ls", "lsof", "monitoring/start.sh", "nginx", "openssl"),
    *("pg_isready", "ping", "promtool", "ps", "psql", "redis-cli", "sensors", "ss", "systemctl", "timedatectl", "top"),
    *("vmstat", "wr-agent"),
}
"""What the shell blocks may call: Debian's programs, PostgreSQL's, Redis's, Nginx's, Docker's, Prometheus's, ours."""

each_runbook = pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)


def commands(text: str) -> list[str]:
    """The lines of the shell blocks, as they run on the machine that they are for."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return [re.sub(r"^ssh HOST '?", "", line) for line in lines]


@each_runbook
def test_a_runbook_says_all_that_it_must_in_order(runbook: Path) -> None:
    text = runbook.read_text()
    places = [text.find(part) for part in PARTS]

    assert text.startswith(f"# {runbook.stem}\n\n**P")
    assert -1 not in places
    assert places == sorted(places)
    assert commands(text)


@each_runbook
def test_the_commands_of_a_runbook_are_known(runbook: Path) -> None:
    used = {command.split()[0] for command in commands(runbook.read_text())}

    assert used - PROGRAMS == set()


@each_runbook
def test_the_agent_has_the_commands_that_a_runbook_calls(runbook: Path) -> None:
    text = runbook.read_text()
    written = [*commands(text), *re.findall(r"`([^`\n]+)`", text)]
    called = {name for line in written for name in re.findall(r"wr-agent ([a-z][a-z-]*)", line)}

    assert called - set(COMMANDS) == set()


@each_runbook
def test_the_links_of_a_runbook_lead_somewhere(runbook: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", runbook.read_text())

    assert [link for link in links if not (runbook.parent / link).is_file()] == []
