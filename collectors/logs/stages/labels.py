"""The `labels` stage: makes labels from fields with few values.

Each set of label values is a stream, and streams are expensive in Loki. The number of values of each label is bounded;
further values go to the structured metadata under the same name.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from collectors.logs.stages.config import Context, FieldNames, StageConfig, by_name, check_stream_labels
from collectors.logs.stages.entries import Entries, Stage, TextColumn


class LabelsConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ labels = { fields = ["level", "service"] } }`.

    Attributes:
        fields: The fields that become labels.
        max_values: The most values of each label in this source until the agent restarts.
    """

    fields: FieldNames
    max_values: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50

    def __post_init__(self) -> None:
        check_stream_labels(by_name(self.fields), by_name(self.fields).values())

    def build(self, _context: Context) -> Stage:
        """Build the stage."""
        names = dict(by_name(self.fields))
        known: dict[str, set[str | None]] = {name: {None, ""} for name in names}

        def labels(entries: Entries) -> None:
            for name, field in names.items():
                column = entries.texts(field)
                over = _over(column, known[name], self.max_values)
                entries.labels[name] = _without(column, over)
                if over:
                    beyond = [value if value in over else None for value in column]
                    entries.metadata[name] = beyond
                    entries.missed["label_values"] += len(column) - beyond.count(None)

        return labels


def _over(column: TextColumn, known: set[str | None], limit: int) -> set[str | None]:
    """Return the values beyond the limit. Remember new ones below it, in order."""
    new = [value for value in dict.fromkeys(column) if value not in known]
    room = limit + 2 - len(known)  # no value, and the empty one, cost nothing
    known.update(new[:room])
    return set(new[room:])


def _without(column: TextColumn, over: set[str | None]) -> TextColumn:
    return [None if value in over else value for value in column] if over else column
