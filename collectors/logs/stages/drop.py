"""The `drop` stage: leaves out unwanted entries, counted by reason."""

from __future__ import annotations

from collectors.logs.stages.config import Context, StageConfig, searched
from collectors.logs.stages.entries import Entries, Stage
from collectors.logs.stages.patterns import Pattern


class DropConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ drop = { pattern = "GET /healthz", reason = "health_check" } }`.

    Attributes:
        pattern: The pattern that an entry to drop contains.
        field: The field to search, or the line if empty. Only its first 4,096 characters are searched.
        reason: The reason in the count of dropped lines.
    """

    pattern: Pattern
    field: str = ""
    reason: str = "drop_stage"

    def build(self, _context: Context) -> Stage:
        """Build the stage."""
        is_in = Pattern(self.pattern).compile().is_in

        def drop(entries: Entries) -> None:
            wanted = [value is None or not is_in(searched(value)) for value in entries.texts(self.field)]
            unwanted = wanted.count(False)
            if unwanted:
                entries.dropped[self.reason] += unwanted
                entries.select(wanted)

        return drop
