"""The `structured_metadata` stage: attaches fields with many values, such as a trace id."""

from __future__ import annotations

from collectors.logs.stages.config import Context, FieldNames, StageConfig, by_name
from collectors.logs.stages.entries import Entries, Stage

_MAX_FIELDS = 24  # of 2 KiB at most, they stay below Loki's 64 KiB an entry


class StructuredMetadataConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ structured_metadata = { fields = ["trace_id"] } }`.

    Attributes:
        fields: The fields to attach.
    """

    fields: FieldNames

    def __post_init__(self) -> None:
        if len(self.fields) > _MAX_FIELDS:
            raise ValueError(f"expected at most {_MAX_FIELDS} fields, got {len(self.fields)}")

    def build(self, _context: Context) -> Stage:
        """Build the stage."""
        names = dict(by_name(self.fields))

        def structured_metadata(entries: Entries) -> None:
            for name, field in names.items():
                entries.metadata[name] = entries.texts(field)

        return structured_metadata
