"""The `multiline` stage: joins the lines of one entry, such as a stack trace."""

from __future__ import annotations

from typing import Annotated

import msgspec

from collectors.logs.stages.config import Context, StageConfig
from collectors.logs.stages.entries import Entries, Stage
from collectors.logs.stages.grouping import MAX_LINES, group
from collectors.logs.stages.patterns import Pattern


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
        begins = Pattern(self.first).compile().begins

        def multiline(entries: Entries) -> None:
            opens = [begins(text or "") for text in entries.texts("")]
            group(entries, opens, b"\n", is_open=lambda _: True, max_lines=self.max_lines)

        return multiline
