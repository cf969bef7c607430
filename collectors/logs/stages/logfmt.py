"""The `logfmt` stage: extracts fields from `name=value name="quoted value"` pairs."""

from __future__ import annotations

import re

from collectors.logs.stages.config import Context, FieldNames, StageConfig, by_name
from collectors.logs.stages.entries import Entries, Stage

_PAIR = re.compile(r'(?:^|(?<=\s))([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


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
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text) if "\\" in text else text
