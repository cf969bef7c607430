"""The runbooks: complete, in agreement with the rules, with commands and links that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.cli import COMMANDS
from monitoring.runbooks.__main__ import by_runbook
from monitoring.runbooks.text import completed, duration
from tests.support.monitoring import MONITORING

RUNBOOKS = sorted((MONITORING / "runbooks").glob("*.md"))
PARTS = ("<!-- head -->", "**Impact.**", "**Confirm**", "**Fix**", "**Resolved when**", "<!-- escalation -->")
NEWS = {"DEPLOYMENT_COMPLETED", "MILESTONE_REACHED", "USER_SIGNUPS"}
"""The runbooks of alerts that report good news: there is nothing to fix."""
PROGRAMS = {
    *("amtool", "aplay", "cat", "chronyc", "curl", "date", "df", "docker", "du", "find", "free", "gdb", "grep"),
    *("iostat", "jack_cpu_load", "jack_lsp", "journalctl", "ls", "lsof", "monitoring/start.sh", "nginx", "openssl"),
    *("pg_isready", "ping", "promtool", "ps", "psql", "redis-cli", "sensors", "ss", "systemctl", "tail", "timedatectl"),
    *("top", "vmstat", "wr-agent"),
}
"""The programs that the shell blocks may call."""

each_runbook = pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda path: path.stem)


def commands(text: str) -> list[str]:
    """Return the lines of the shell blocks, without `ssh HOST`."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return [re.sub(r"^ssh HOST '?", "", line) for line in lines]


@each_runbook
def test_a_runbook_has_its_parts_in_order(runbook: Path) -> None:
    text = runbook.read_text()
    parts = [part for part in PARTS if part != "**Fix**" or runbook.stem not in NEWS]
    places = [text.find(part) for part in parts]

    assert text.startswith(f"# {runbook.stem}\n\n{PARTS[0]}\n")
    assert -1 not in places
    assert places == sorted(places)
    assert commands(text)


def test_the_heads_and_escalations_are_those_of_the_rules() -> None:
    outdated = [file.stem for file, of in by_runbook().items() if completed(file.read_text(), of) != file.read_text()]

    assert outdated == [], "run: python -m monitoring.runbooks"


def test_an_escalation_names_the_time_to_respond() -> None:
    assert "After 5 minutes without" in (MONITORING / "runbooks/SERVER_DOWN.md").read_text()
    assert "After 30 minutes without" in (MONITORING / "runbooks/FFI_LATENCY.md").read_text()


def test_a_runbook_without_marks_is_refused() -> None:
    (of,) = [of for file, of in by_runbook().items() if file.stem == "HIGH_CPU"]

    with pytest.raises(ValueError, match="expected the marks"):
        completed("# HIGH_CPU\n", of)


@pytest.mark.parametrize(("text", "words"), [("1m", "1 minute"), ("20s", "20 seconds"), ("1h", "1 hour")])
def test_a_duration_is_written_in_words(text: str, words: str) -> None:
    assert duration(text) == words


@each_runbook
def test_the_commands_of_a_runbook_are_known(runbook: Path) -> None:
    used = {command.split()[0] for command in commands(runbook.read_text())}

    assert used - PROGRAMS == set()


@each_runbook
def test_the_agent_has_the_commands_of_a_runbook(runbook: Path) -> None:
    text = runbook.read_text()
    written = [*commands(text), *re.findall(r"`([^`\n]+)`", text)]
    called = {name for line in written for name in re.findall(r"wr-agent ([a-z][a-z-]*)", line)}

    assert called - set(COMMANDS) == set()


@each_runbook
def test_the_links_of_a_runbook_resolve(runbook: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", runbook.read_text())
    files = [link for link in links if not link.startswith("http://127.0.0.1:")]

    assert [link for link in files if not (runbook.parent / link).is_file()] == []
