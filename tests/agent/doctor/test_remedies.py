"""The remedies in the sources of all findings: commands that this machine has, or sentences."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
PLACE = "place"
EVERYWHERE = {"cat", "chmod", "chown", "cp", "df", "du", "echo", "ls", "mount", "printf", "ps", "rm", "top", "umount"}
"""Programs of every system. Lines with others are made by `remedies.command`, which looks for the program."""

OF_UTIL_LINUX_AND_LIBC = {"findmnt", "getent", "ldconfig", "namei", "sysctl", "tee", "reboot"}
OWN = {"wr-agent", "pw-jack", "pw-top"}
"""The agent's command, which `RemedyText` completes, and those of findings that the program itself made."""

READS_ONLY = {"cat", "df", "ls", "ps"}
VERBS = {
    *(
        "add",
        "attach",
        "check",
        "clean",
        "configure",
        "connect",
        "correct",
        "disable",
        "enable",
        "end",
        "fix",
        "free",
        "give",
    ),
    *("install", "keep", "let", "log", "look", "lower", "make", "plug", "raise", "remove", "replace", "report"),
    *(
        "restart",
        "run",
        "send",
        "set",
        "start",
        "synchronise",
        "unplug",
        "update",
        "use",
        "the",
        "or",
        "docs/plugins.md",
        "wait",
    ),
}
"""The first words of sentences."""


def remedies() -> dict[str, str]:
    """Return the module of each literal line of a remedy; `place` stands for values."""
    found: dict[str, str] = {}
    for folder in ("agent", "collectors"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.keyword) and node.arg == "remedy":
                    found |= dict.fromkeys(_lines(node.value), str(path.relative_to(ROOT)))
    return found


def _lines(node: ast.AST) -> Iterator[str]:
    """Yield the strings of an expression that no call has made."""
    if isinstance(node, ast.Call):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else PLACE for part in node.values)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _lines(child)


def _first(line: str) -> str:
    return line.removeprefix("sudo ").split()[0].rstrip(":;,").lower()


def commands() -> list[str]:
    known = EVERYWHERE | OF_UTIL_LINUX_AND_LIBC | OWN
    return [line for line in remedies() if _first(line) in known]


def test_each_line_is_a_sentence_or_a_command_of_this_machine() -> None:
    known = EVERYWHERE | OF_UTIL_LINUX_AND_LIBC | OWN | VERBS | {PLACE}

    assert {line: module for line, module in remedies().items() if _first(line) not in known} == {}


def test_programs_of_every_system_are_here() -> None:
    assert [
        name for name in EVERYWHERE | OF_UTIL_LINUX_AND_LIBC if shutil.which(name, path="/usr/sbin:/usr/bin") is None
    ] == []


def test_each_command_is_valid_for_the_shell() -> None:
    lines = commands()
    done = subprocess.run(["bash", "-n"], input="\n".join(lines), capture_output=True, text=True, check=False)

    assert len(lines) > 20
    assert done.stderr == ""


def test_commands_that_only_read_succeed() -> None:
    lines = [line for line in commands() if _first(line) in READS_ONLY and PLACE not in line and "/proc/" not in line]
    failed = [
        line for line in lines if subprocess.run(["bash", "-c", line], capture_output=True, check=False).returncode
    ]

    assert len(lines) > 1
    assert failed == []


def test_no_remedy_reaches_processes_by_name() -> None:
    assert [line for line in remedies() if re.search(r"\$\(|`|pidof|pkill|killall", line)] == []


def test_no_remedy_names_a_package_manager() -> None:
    assert [line for line in remedies() if re.search(r"\b(apt|apt-get|dnf|pacman|zypper|apk|brew|pip)\b", line)] == []


def test_each_section_of_the_configuration_comes_with_its_file() -> None:
    assert [line for line in remedies() if re.search(r"section \[", line) and PLACE not in line] == []
