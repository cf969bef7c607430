r"""The lines of Prometheus text 0.0.4 and OpenMetrics 1.0. Pure.

A sample line is `name{label="value",…} number`, and after it perhaps a timestamp and an exemplar. Both are checked and
not used: Prometheus notes when it scrapes the agent, and a sum has no exemplar.

Each syntax accepts what Prometheus's parser in Go or its Python client accepts, and refuses what both refuse. Text
0.0.4 allows blanks and tabs around each token, and `\r` at the end of a line. OpenMetrics allows single blanks only.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import NamedTuple

Labels = tuple[tuple[str, str], ...]
"""Names and values in the order of the names and without empty values, so that equal series are equal here."""

FAMILY_NAME = re.compile("[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")
"""Names that every Prometheus can read. Quoted names with other characters need Prometheus 3."""

_NAME = rb"[a-zA-Z_:][a-zA-Z0-9_:]*+"
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_LABELS = rb'\{(?:[^"}]++|%s)*+\}' % _STRING
_DECIMAL = rb"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_NUMBER = re.compile(rb"%s|[+-]?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])" % _DECIMAL)
_LABEL = re.compile(
    rb"[ \t]*+(?:(?P<name>%s)|(?P<quoted>%s))[ \t]*+(?:=[ \t]*+(?P<value>%s)[ \t]*+)?+(?:,|\Z)"
    % (_NAME, _STRING, _STRING)
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", '"': '"', "\\": "\\"}
_SHOWN = 60


class MalformedError(ValueError):
    """A line that the format does not allow; `str()` of it shows the line."""


class Sample(NamedTuple):
    """A sample line before its number.

    Attributes:
        name: The sample's name with its suffix. A quoted name may hold any character.
        labels: Its labels.
        prefix: All bytes before the number.
    """

    name: str
    labels: Labels
    prefix: bytes


class Comment(NamedTuple):
    """A line about a family: its `HELP`, `TYPE` or `UNIT`."""

    keyword: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Syntax:
    """The syntax of one format's lines, without the line's end.

    Attributes:
        prefix: What precedes a sample's number.
        tail: A sample's number and what follows it.
        comment: A comment; its `keyword` is empty for one that is not about a family.
        leading_comma: Whether a comma may precede the first label.
    """

    prefix: re.Pattern[bytes]
    tail: re.Pattern[bytes]
    comment: re.Pattern[bytes]
    leading_comma: bool


TEXT = Syntax(
    prefix=re.compile(rb"(?:(?P<name>%s)[ \t]*+)?+(?P<labels>%s)?+[ \t]*+" % (_NAME, _LABELS)),
    tail=re.compile(
        rb"(?P<number>[^ \t]++)(?:[ \t]++%s)?+"
        rb"(?:[ \t]++#[ \t]*+(?P<labels>%s)[ \t]*+(?P<exemplar>[^ \t]++)(?:[ \t]++%s)?+)?+"
        % (_DECIMAL, _LABELS, _DECIMAL)
    ),
    comment=re.compile(
        rb"#[ \t]*+(?P<keyword>HELP|TYPE)[ \t]++(?:(?P<name>%s)|(?P<quoted>%s))(?:[ \t]++(?P<text>.*))?"
        rb"|#(?![ \t]*+(?:HELP|TYPE)[ \t]++[^ \t]).*" % (_NAME, _STRING),
        re.DOTALL,
    ),
    leading_comma=True,
)
OPENMETRICS = Syntax(
    prefix=re.compile(rb"(?P<name>%s)?+(?P<labels>%s)?+ " % (_NAME, _LABELS)),
    tail=re.compile(
        rb"(?P<number>[^ ]++)(?: %s)?+(?: ++# (?P<labels>%s) (?P<exemplar>[^ ]++)(?: %s)?+)?+"
        % (_DECIMAL, _LABELS, _DECIMAL)
    ),
    comment=re.compile(
        rb"# ++(?P<keyword>HELP|TYPE|UNIT) ++(?:(?P<name>%s)|(?P<quoted>%s)) (?P<text>.*)" % (_NAME, _STRING), re.DOTALL
    ),
    leading_comma=False,
)


def parse_sample(line: bytes, syntax: Syntax = TEXT) -> Sample:
    """Return what a sample line says before its number.

    Raises:
        MalformedError: The line is no sample.
    """
    found = syntax.prefix.match(line)
    if found is None or not found[0] or found.end() == len(line):
        raise malformed(line)
    name, braces = found.groups()
    quoted, labels = _labels(braces, line, syntax) if braces else ("", ())
    if bool(name) == bool(quoted):
        raise malformed(line)
    return Sample(name.decode() if name else quoted, labels, found[0])


def parse_number(tail: bytes, syntax: Syntax = TEXT) -> float:
    """Return the number at the start of what follows a prefix.

    Raises:
        MalformedError: There is no number, or what follows it is no timestamp and no exemplar.
    """
    found = syntax.tail.fullmatch(tail)
    if found is None:
        raise malformed(tail)
    if found["exemplar"] is not None:
        to_float(found["exemplar"])
        quoted, _ = _labels(found["labels"], tail, syntax)
        if quoted:
            raise malformed(tail)
    return to_float(found["number"])


def to_float(text: bytes) -> float:
    """Return a number of the formats, which have no underscores and no hexadecimal digits.

    Raises:
        MalformedError: The text is no number.
    """
    if _NUMBER.fullmatch(text) is None:
        raise malformed(text)
    return float(text)


def parse_comment(line: bytes, syntax: Syntax = TEXT) -> Comment | None:
    """Return what a comment says of a family; None if it is not about one.

    Raises:
        MalformedError: The format does not allow the comment.
    """
    found = syntax.comment.fullmatch(line)
    if found is None:
        raise malformed(line)
    if found["keyword"] is None or (found["keyword"] == b"TYPE" and not (found["text"] or b"").strip()):
        return None
    name = found["name"].decode() if found["name"] else _unescaped(found["quoted"][1:-1].decode())
    return Comment(found["keyword"].decode(), name, _unescaped((found["text"] or b"").decode()))


def malformed(line: bytes) -> MalformedError:
    """Return the error for a line that the format does not allow."""
    return MalformedError(f'expected a line such as name{{label="value"}} 1, got {line[:_SHOWN]!r}')


def _labels(braces: bytes, line: bytes, syntax: Syntax) -> tuple[str, Labels]:
    """Return the quoted name among the labels, empty if there is none, and the labels."""
    inner = braces[1:-1].strip(b" \t")
    if syntax.leading_comma:
        inner = inner.removeprefix(b",")
    quoted, found, position = "", dict[str, str](), 0
    while position < len(inner):
        label = _LABEL.match(inner, position)
        if label is None:
            raise malformed(line)
        bare, in_quotes, value = label.groups()
        name = bare.decode() if bare else _unescaped(in_quotes[1:-1].decode())
        if value is not None and name and name not in found:
            found[name] = _unescaped(value[1:-1].decode())
        elif value is None and in_quotes and name and not quoted:
            quoted = name
        else:
            raise malformed(line)
        position = label.end()
    return quoted, tuple(sorted([(sys.intern(name), sys.intern(value)) for name, value in found.items() if value]))


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), text) if "\\" in text else text
