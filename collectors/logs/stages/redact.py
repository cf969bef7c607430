"""The `redact` stage: removes secrets from lines, and from all that stages before it took out of them.

A part of a line that is not searched is not sent either: longer lines are shortened here.
"""

from __future__ import annotations

from collections.abc import Callable

from collectors.logs.stages.config import Context, StageConfig
from collectors.logs.stages.entries import Column, Entries, Stage
from collectors.logs.stages.patterns import Pattern
from collectors.logs.stages.truncate import shortened

MAX_BYTES = 16 * 1024

_TO_PRIVATE = {0xDC00 + byte: 0x10DC00 + byte for byte in range(0x80, 0x100)}
_FROM_PRIVATE = {private: surrogate for surrogate, private in _TO_PRIVATE.items()}


class RedactConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    r"""`{ redact = { pattern = 'Bearer \S+', replacement = "Bearer ***" } }`.

    Attributes:
        pattern: The pattern to remove.
        replacement: The text in its place. `\1` is the pattern's first group.
    """

    pattern: Pattern
    replacement: str = "***"

    def __post_init__(self) -> None:
        Pattern(self.pattern).compile().replacer(self.replacement)

    def build(self, _context: Context) -> Stage:
        """Build the stage."""
        clean = Pattern(self.pattern).compile().replacer(self.replacement)

        def redact(entries: Entries) -> None:
            entries.missed["truncated"] += sum(len(line) > MAX_BYTES for line in entries.lines)
            entries.lines = [_clean_line(line, clean) for line in entries.lines]
            entries.fields = {name: _clean_column(column, clean) for name, column in entries.fields.items()}
            entries.labels = {name: _clean_column(column, clean) for name, column in entries.labels.items()}
            entries.metadata = {name: _clean_column(column, clean) for name, column in entries.metadata.items()}

        return redact


def _clean_line(line: bytes, clean: Callable[[bytes], bytes]) -> bytes:
    line = line if len(line) <= MAX_BYTES else shortened(line, MAX_BYTES)
    if line.isascii():
        return clean(line)
    # A pattern matches characters alone, so bytes that are not UTF-8 become private ones for the time being.
    characters = line.decode("utf-8", "surrogateescape").translate(_TO_PRIVATE).encode()
    return clean(characters).decode("utf-8", "replace").translate(_FROM_PRIVATE).encode("utf-8", "surrogateescape")


def _clean_column(column: Column, clean: Callable[[bytes], bytes]) -> Column:
    return [_clean_text(value, clean) if isinstance(value, str) else value for value in column]


def _clean_text(text: str, clean: Callable[[bytes], bytes]) -> str:
    return clean(text[:MAX_BYTES].encode("utf-8", "replace")).decode("utf-8", "replace")
