"""The list of finding codes against the sources."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from agent.doctor.finding_codes import CODES

ROOT = Path(__file__).parents[3]
SOURCES = {
    path: path.read_text()
    for folder in ("agent", "collectors")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "finding_codes.py"
}


def test_every_code_of_the_sources_is_listed() -> None:
    used = {code for text in SOURCES.values() for code in re.findall(r'\bcode="([a-z0-9-]+)"', text)}

    assert used - CODES == set()


def test_every_listed_code_is_in_the_sources() -> None:
    everything = "\n".join(SOURCES.values())

    assert [code for code in sorted(CODES) if f'"{code}"' not in everything] == []


def test_every_cause_is_the_code_of_a_finding() -> None:
    causes = {cause for text in SOURCES.values() for cause in _causes(ast.parse(text))}

    assert len(causes) > 5
    assert causes - CODES == set()


def _causes(tree: ast.Module) -> Iterator[str]:
    """Yield the strings of each `depends_on`, and of the module's constants that it names."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    given = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "depends_on"]
    named = [
        constants[it.id] for value in given for it in ast.walk(value) if isinstance(it, ast.Name) and it.id in constants
    ]
    for value in (*given, *named):
        yield from (it.value for it in ast.walk(value) if isinstance(it, ast.Constant) and isinstance(it.value, str))
