"""The `multiline` stage: joins the lines of one entry, such as a stack trace."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from collectors.logs.stages.config import Context, Pattern, StageConfig
from collectors.logs.stages.entries import Entries, Stage
from collectors.logs.stages.grouping import MAX_LINES, group


class MultilineConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    r"""`{ multiline = { first = '^\d{4}-' } }`.

    Attributes:
        first: A pattern that matches at the beginning of the first line of each entry.
        max_lines: The most lines of an entry.
    """

    first: Pattern
    max_lines: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = MAX_LINES

    def build(self, _context: Context) -> Stage:
        """Build the stage."""
        match = re.compile(self.first).match

        def multiline(entries: Entries) -> None:
            opens = [match(text or "") is not None for text in entries.texts("")]
            group(entries, opens, b"\n", is_open=lambda _: True, max_lines=self.max_lines)

        return multiline
