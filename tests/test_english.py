"""The words of the project: plain English, as STYLE asks for it. CONTRIBUTING.md has the rule."""

from __future__ import annotations

import ast
import io
import os
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent

INSTEAD = {
    r"nobody(?!-)": "no one, or the thing that is missing",
    r"who(m|so)?ever": "anyone who, or the role",
    r"whom": "the role",
    r"anew": "again",
    r"for ever": "forever, or for how long",
    r"besides?": "next to, or and",
    r"mend(s|ed|ing)?": "fix",
    r"in peace": "alone",
    r"(is|are|was|were|be|been) told(?! apart)": "report, notify",
    r"(tells?|told|telling) of": "report",
    r"(takes?|took|taken|taking) (it|them|one|this|that) for": "mistake for, treat as",
    r"(give|gives|gave|given|giving) up": "stop after",
    r"ends? to be": "stops being, expiry",
    r"it hurts": "impact",
    r"to mind|minds|never mind": "the fact",
    r"hitherto|thereof|whence|whereupon": "so far, of it, from, then",
}
"""The field's word for each word that its projects do not use."""

_FORBIDDEN = re.compile(rf"\b({'|'.join(INSTEAD)})\b", re.IGNORECASE)

_HEADLESS = re.compile(r"\s*(What|Who|Whom|Whose|Which|Whether|How|Where|When|Why)(ever)?\b")

_CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`|https?://\S+", re.MULTILINE | re.DOTALL)

_NOT_OURS = {".build", ".git", ".hypothesis", ".venv", "build", "dist"}
"""Folders with what others wrote, or programs."""


class Text(NamedTuple):
    """One piece of prose, and the line on which it starts."""

    line: int
    prose: str
    is_docstring: bool = False


def _python(source: str) -> Iterator[Text]:
    """Yield docstrings, comments, and the string literals of three words or more."""
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {
        node.body[0].value
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            is_docstring = node in docstrings
            if is_docstring or len(node.value.split()) > 2:
                yield Text(node.lineno, node.value, is_docstring)
    if any("#" in line and _FORBIDDEN.search(line) for line in source.splitlines()):  # to read tokens takes long
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield Text(token.start[0], token.string)


def _comments(source: str) -> Iterator[Text]:
    """Yield the comments of a file whose comments start with a hash."""
    for number, line in enumerate(source.splitlines(), 1):
        if found := re.search(r"(^|\s)#(?!!)(.*)", line):
            yield Text(number, found[2])


def _whole(source: str) -> Iterator[Text]:
    """Yield the lines of a document, without its code."""
    blank = _CODE.sub(lambda found: re.sub(r"[^\n]+", " ", found[0]), source)
    yield from (Text(number, line) for number, line in enumerate(blank.splitlines(), 1))


READERS = {
    ".py": _python,
    ".sh": _comments,
    ".toml": _comments,
    ".yml": _whole,
    ".md": _whole,
    ".html": _whole,
    ".css": _whole,
    ".js": _whole,
    ".cpp": _whole,
    ".hpp": _whole,
    ".h": _whole,
    ".c": _whole,
    ".swift": _whole,
    ".txt": _comments,
    ".tmpl": _whole,
}


def _judge(text: Text) -> Iterator[tuple[int, str]]:
    """Yield the line and the description of each fault."""
    prose = _CODE.sub(" ", text.prose)
    for found in _FORBIDDEN.finditer(prose):
        (better,) = (INSTEAD[words] for words in INSTEAD if re.fullmatch(words, found[0], re.IGNORECASE))
        yield text.line + prose.count("\n", 0, found.start()), f"instead of {found[0]!r}: {better}"
    if text.is_docstring and (opening := _HEADLESS.match(prose)):
        yield text.line, f"instead of {opening[0]!r} at the start of a docstring: a verb or a noun"


def _faults(path: str) -> list[str]:
    parts = READERS[Path(path).suffix]((ROOT / path).read_text())
    return [f"{path}:{line}: {fault}" for part in parts for line, fault in _judge(part)]


def _files() -> Iterator[str]:
    """Yield the paths of the project's text files, without this one: it holds the words."""
    for folder, below, names in os.walk(ROOT):
        below[:] = [
            name for name in below if name not in _NOT_OURS and not name.endswith(("cache", "cache__", "egg-info"))
        ]
        for path in (Path(folder, name) for name in names):
            if path.suffix in READERS and path != Path(__file__):
                yield str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def faults() -> list[str]:
    """Every fault of the project, as a path, a line and a description."""
    return [fault for path in _files() for fault in _faults(path)]


def test_plain_words_are_used(faults: list[str]) -> None:
    assert faults == []


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".py", '"""Whether it runs."""'),
        (".py", "x = 1  # nobody reads this"),
        (".py", 'help = "Samples that nobody took."'),
        (".md", "Begin anew.\n"),
        (".sh", "true  # to be mended\n"),
    ],
)
def test_a_fault_is_found(suffix: str, text: str) -> None:
    assert [fault for part in READERS[suffix](text) for fault in _judge(part)] != []


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".py", '"""Return the user `nobody`."""'),
        (".py", 'user = "nobody"'),
        (".py", 'FORBIDDEN = re.compile(r"amend(ed)? recommendation")'),
        (".md", "```\nwhoever\n```\nUse `anew`, see https://example.org/nobody.\n"),
        (".sh", "nobody=1  # a variable\n"),
    ],
)
def test_code_is_no_prose(suffix: str, text: str) -> None:
    assert [fault for part in READERS[suffix](text) for fault in _judge(part)] == []
