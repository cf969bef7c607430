"""The `drop` stage: leaves out entries that nobody wants, counted by reason."""

from __future__ import annotations

import re

from collectors.logs.stages.config import Context, Pattern, StageConfig, searched
from collectors.logs.stages.entries import Entries, Stage


class DropConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ drop = { pattern = "GET /healthz", reason = "health_check" } }`.

    Attributes:
        pattern: An entry in which this is found is dropped.
        field: Where it is looked for; empty for the line. Only its first 4,096 characters are searched.
        reason: Under which these entries are counted.
    """

    pattern: Pattern
    field: str = ""
    reason: str = "drop_stage"

    def build(self, _context: Context) -> Stage:
        """The stage."""
        search = re.compile(self.pattern).search

        def drop(entries: Entries) -> None:
            wanted = [value is None or search(searched(value)) is None for value in entries.texts(self.field)]
            unwanted = wanted.count(False)
            if unwanted:
                entries.dropped[self.reason] += unwanted
                entries.select(wanted)

        return drop
