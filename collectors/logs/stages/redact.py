"""The `redact` stage: removes secrets from lines, and from all that stages before it took out of them.

Searching may take a time that grows with the square of a line's length, and what is not searched must not be sent:
longer lines are shortened here.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from collectors.logs.stages.config import Context, Pattern, StageConfig
from collectors.logs.stages.entries import Column, Entries, Stage
from collectors.logs.stages.truncate import shortened

MAX_BYTES = 16 * 1024


class RedactConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    r"""`{ redact = { pattern = 'Bearer \S+', replacement = "Bearer ***" } }`.

    Attributes:
        pattern: What to remove.
        replacement: What to put there; `\1` is the pattern's first group.
    """

    pattern: Pattern
    replacement: str = "***"

    def __post_init__(self) -> None:
        try:
            re.compile(f"{self.pattern}|").sub(self.replacement, "")
        except (re.error, IndexError) as error:
            raise ValueError(f"the replacement {self.replacement!r} does not fit the pattern: {error}") from error

    def build(self, _context: Context) -> Stage:
        """The stage."""
        pattern, replacement = re.compile(self.pattern), self.replacement

        def clean(text: str) -> str:
            return pattern.sub(replacement, text)

        def redact(entries: Entries) -> None:
            entries.missed["truncated"] += sum(len(line) > MAX_BYTES for line in entries.lines)
            entries.lines = [_clean_line(line, clean) for line in entries.lines]
            entries.fields = {name: _clean_column(column, clean) for name, column in entries.fields.items()}
            entries.labels = {name: _clean_column(column, clean) for name, column in entries.labels.items()}
            entries.metadata = {name: _clean_column(column, clean) for name, column in entries.metadata.items()}

        return redact


def _clean_line(line: bytes, clean: Callable[[str], str]) -> bytes:
    if len(line) > MAX_BYTES:
        line = shortened(line, MAX_BYTES)
    return clean(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")  # keeps what is no UTF-8


def _clean_column(column: Column, clean: Callable[[str], str]) -> Column:
    return [clean(value[:MAX_BYTES]) if isinstance(value, str) else value for value in column]
