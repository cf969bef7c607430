r"""The lines of Prometheus text 0.0.4 and OpenMetrics 1.0. Pure.

A sample line is `name{label="value",…} number`, and behind it perhaps a timestamp and an exemplar, which are checked
and not used: the agent states when it scraped, and what it sums has no exemplar.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

Labels = tuple[tuple[str, str], ...]
"""Names and values, in the order of the names and without empty values, so that equal series are equal here."""

_BLANK = rb"[ \t]"
_NAME = rb"[a-zA-Z_:][a-zA-Z0-9_:]*+"
_LABELS = rb'\{(?:[^"}]++|"(?:[^"\\]++|\\.)*+")*+\}'
_PREFIX = re.compile(rb"(?P<name>%s)%s*+(?P<labels>%s)?%s*+" % (_NAME, _BLANK, _LABELS, _BLANK))
_LABEL = re.compile(
    rb'%s*+(?P<name>[a-zA-Z_][a-zA-Z0-9_]*+)%s*+=%s*+"(?P<value>(?:[^"\\]++|\\.)*+)"%s*+(?:,|\Z)' % ((_BLANK,) * 4)
)
_TAIL = re.compile(rb"(?P<number>[^ \t]++)(?:%s++-?[0-9.eE+]++)?(?:%s++#%s*+\{.*)?%s*+" % ((_BLANK,) * 4))
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", '"': '"', "\\": "\\"}
_SHOWN = 60


class MalformedError(ValueError):
    """A line that neither format allows; `str()` of it shows the line."""


class Sample(NamedTuple):
    """What a sample line says before its number.

    Attributes:
        name: The sample's name, with whatever suffix.
        labels: Its labels.
        prefix: All bytes before the number.
    """

    name: str
    labels: Labels
    prefix: bytes


class Comment(NamedTuple):
    """What is said of a family: its type or its help."""

    keyword: str
    name: str
    text: str


def parse_sample(line: bytes) -> Sample:
    """What a sample line begins with.

    Raises:
        MalformedError: The line is no sample.
    """
    found = _PREFIX.match(line)
    if found is None or found.end() == len(line):
        raise malformed(line)
    return Sample(found["name"].decode(), _labels(found["labels"] or b"{}", line), found[0])


def parse_number(tail: bytes) -> float:
    """The number that what follows a prefix begins with.

    Raises:
        MalformedError: There is no number, or what follows it is no timestamp and no exemplar.
    """
    found = _TAIL.fullmatch(tail)
    try:
        if found:
            return float(found["number"])
    except ValueError:
        pass
    raise malformed(tail)


def parse_comment(line: bytes) -> Comment | None:
    """What a comment line says, if it says something of a family."""
    words = line.decode().split(" ", 3)
    if len(words) < 3 or words[0] != "#" or words[1] not in ("HELP", "TYPE"):  # noqa: PLR2004 - mark, keyword, name
        return None
    return Comment(words[1], words[2], _unescaped(words[3].strip()) if len(words) > 3 else "")  # noqa: PLR2004


def malformed(line: bytes) -> MalformedError:
    """Return the error for a line that neither format allows."""
    return MalformedError(f'expected a line such as name{{label="value"}} 1, got {line[:_SHOWN]!r}')


def _labels(braces: bytes, line: bytes) -> Labels:
    inner = braces[1:-1].strip()
    found: dict[str, str] = {}
    position = 0
    while position < len(inner):
        label = _LABEL.match(inner, position)
        if label is None or label["name"].decode() in found:
            raise malformed(line)
        found[label["name"].decode()] = _unescaped(label["value"].decode())
        position = label.end()
    return tuple(sorted((sys.intern(name), sys.intern(value)) for name, value in found.items() if value))


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), text) if "\\" in text else text
