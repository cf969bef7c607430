"""The documents of the stack: their commands, options, packages, links, settings, alerts, tests and files exist."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest

from agent.cli import COMMANDS
from tests.support.documents import commands
from tests.support.monitoring import MONITORING, rules

ROOT = MONITORING.parent
DOCUMENTS = sorted((MONITORING / "docs").glob("*.md"))
STUDIO_PROGRAMS = {"journalctl", "wr-agent"}
"""Programs of monitored machines, which the tests do not run."""

SYSTEM_PROGRAMS = {"systemctl", "systemd-run"}

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)


def is_there(program: str) -> bool:
    if program in STUDIO_PROGRAMS | SYSTEM_PROGRAMS:
        return True
    return (ROOT / program).is_file() if "/" in program else shutil.which(program) is not None


def words_in_backticks(document: Path) -> set[str]:
    return set(
        re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.DOTALL | re.MULTILINE))
    )


def test_the_required_documents_exist() -> None:
    assert {"alerts", "growth", "incidents", "setup", "training", "verification"} <= {path.stem for path in DOCUMENTS}


@each_document
def test_every_program_that_is_called_is_there(document: Path) -> None:
    assert [words[0] for words in commands(document) if not is_there(words[0])] == []


@each_document
def test_our_own_commands_have_the_options_of_the_documents(document: Path) -> None:
    usage = (MONITORING / "start.sh").read_text()
    for program, *arguments in commands(document):
        if program == "wr-agent":
            assert arguments[0] in COMMANDS
        elif program == "monitoring/start.sh":
            options = arguments[:1] if "--compose" in arguments else arguments
            assert all(f"#   {option} " in usage for option in options)
        elif program == "python":
            module = arguments[1].replace(".", "/")
            assert (ROOT / f"{module}.py").is_file(), module
        elif program == "./test.sh":
            assert all((ROOT / path).exists() for path in arguments)


@each_document
def test_every_package_has_the_program_of_its_name(document: Path) -> None:
    installed = [words for words in commands(document) if words[:2] == ["apt-get", "install"]]
    packages = [word for words in installed for word in words[2:] if not word.startswith("-")]

    assert [package for package in packages if not shutil.which(package)] == []


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


@each_document
def test_every_setting_is_one_of_the_stack(document: Path) -> None:
    known = (MONITORING / ".env.example").read_text() + (MONITORING / "lib/settings.sh").read_text()
    named = {word for word in words_in_backticks(document) if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", word)}

    assert {name for name in named if not re.search(rf"\b{name}\b", known)} == set()


@each_document
def test_every_alert_is_one_of_the_rules(document: Path) -> None:
    alerts = {rule.text["alert"] for rule in rules() if "alert" in rule.text}
    named = {word for word in words_in_backticks(document) if re.fullmatch(r"[A-Z][a-z]+([A-Z][a-z]+)+", word)}

    assert named - alerts == set()


@each_document
def test_every_test_that_is_pointed_at_is_there(document: Path) -> None:
    for word in words_in_backticks(document):
        if match := re.fullmatch(r"(tests/[\w./]+)(?:::(\w+))?", word):
            assert (ROOT / match[1]).exists(), word
            assert match[2] is None or match[2] in functions(ROOT / match[1]), word


def functions(module: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_test_of_the_stack_is_in_the_checklist() -> None:
    named = {word.partition("::")[0] for word in words_in_backticks(MONITORING / "docs/verification.md")}
    modules = {path.relative_to(ROOT) for path in (ROOT / "tests/monitoring").rglob("test_*.py")}

    assert {str(it) for it in modules if named.isdisjoint({str(it), str(it.parent)})} == set()
