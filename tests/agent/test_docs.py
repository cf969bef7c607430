"""The documents, against the code."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.core import catalog
from collectors.base import Collector
from collectors.metrics import Family

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding-a-collector.md").read_text()
MODULE, ENTRY = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_collector_of_the_page_works(monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, object] = {"__name__": "users"}
    exec(compile(MODULE, "adding-a-collector.md", "exec"), names)  # noqa: S102 - the page's own code is what is tested
    monkeypatch.setitem(names, "_terminals", lambda: {"tty1", "tty2"})

    collector = names["UsersCollector"](names["UsersConfig"](limit=1))  # type: ignore[operator]  # classes of the page

    assert isinstance(collector, Collector)
    (family,) = collector.collect()
    assert isinstance(family, Family)
    assert family.samples == {("tty1",): 1.0, ("tty2",): 1.0}
    (check,) = collector.checks()
    assert [finding.code for finding in check.run()] == ["users-many"]


def test_the_collector_of_the_page_keeps_the_projects_rules(tmp_path: Path) -> None:
    module = tmp_path / "users.py"
    module.write_text(MODULE)
    rules = str(ROOT / "pyproject.toml")
    for check in (["ruff", "check", "--config", rules, "--ignore=INP001"], ["mypy", "--config-file", rules]):
        done = subprocess.run(
            [sys.executable, "-m", *check, module], cwd=ROOT, capture_output=True, text=True, timeout=170, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_entry_of_the_page_has_the_catalogs_shape() -> None:
    (call,) = [node for node in ast.walk(ast.parse(f"({ENTRY.strip()})")) if isinstance(node, ast.Call)][:1]

    assert {keyword.arg for keyword in call.keywords} == set(catalog.Entry.__slots__)
