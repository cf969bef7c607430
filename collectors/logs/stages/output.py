"""The `output` stage: replaces the line by one of its fields."""

from __future__ import annotations

from collectors.logs.stages.config import Context, StageConfig
from collectors.logs.stages.entries import Entries, Stage


class OutputConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ output = { field = "message" } }`.

    Attributes:
        field: The field to send. An entry without it keeps its line.
    """

    field: str

    def build(self, _context: Context) -> Stage:
        """Build the stage."""

        def output(entries: Entries) -> None:
            values = entries.texts(self.field)
            entries.missed["output"] += values.count(None)
            entries.lines = [
                line if value is None else value.encode("utf-8", "replace")
                for line, value in zip(entries.lines, values, strict=True)
            ]

        return output
