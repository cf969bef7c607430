"""The `logfmt` stage: extracts fields from `name=value name="quoted value"` pairs."""

from __future__ import annotations

import re
import sys

from collectors.logs.stages.config import Context, FieldNames, StageConfig, by_name
from collectors.logs.stages.entries import Entries, Stage

_PAIR = re.compile(r'(?:^|(?<=\s))([^\s="]+)=(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s"]*))', re.DOTALL)
_ESCAPES = re.compile(
    r"((?:\\(?:x[0-9A-Fa-f]{2}|[0-3][0-7]{2}))+)|\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})|\\(.)", re.DOTALL
)
_BYTE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|([0-7]{3}))")
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class LogfmtConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ logfmt = { fields = ["time", "level"] } }`.

    Attributes:
        fields: The pairs to extract.
        field: The field with the text; empty for the line.
    """

    fields: FieldNames
    field: str = ""

    def build(self, _context: Context) -> Stage:
        """Build the stage."""
        names = dict(by_name(self.fields))

        def logfmt(entries: Entries) -> None:
            pairs = [_pairs(text or "") for text in entries.texts(self.field)]
            entries.missed["logfmt"] += pairs.count({})
            for name, key in names.items():
                entries.fields[name] = [found.get(key) for found in pairs]

        return logfmt


def _pairs(text: str) -> dict[str, str]:
    return {key: _unescaped(quoted) if quoted else bare for key, quoted, bare in _PAIR.findall(text)}


def _unescaped(text: str) -> str:
    """Return a quoted text without its escapes, by the rules of Go's `strconv.Unquote` and of JSON."""
    if "\\" not in text:
        return text
    found = _ESCAPES.sub(_character, text)
    return found if found.isascii() else found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(escape: re.Match[str]) -> str:
    octets, short, long, letter = escape.groups()
    if octets:
        data = bytes(int(x, 16) if x else int(o, 8) for x, o in _BYTE.findall(octets))
        return data.decode("utf-8", "replace")
    if letter:
        return _LETTERS.get(letter, letter)
    number = int(short or long, 16)
    return chr(number) if number <= sys.maxunicode else "\ufffd"
