"""The `static_labels` stage: fixed labels of all entries of a source."""

from __future__ import annotations

from collectors.logs.stages.config import Context, StageConfig, check_stream_labels
from collectors.logs.stages.entries import Entries, Stage


class StaticLabelsConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ static_labels = { labels = { service = "juce-backend" } } }`.

    Attributes:
        labels: The values by name.
    """

    labels: dict[str, str]

    def __post_init__(self) -> None:
        check_stream_labels(self.labels)

    def build(self, _context: Context) -> Stage:
        """Build the stage."""

        def static_labels(entries: Entries) -> None:
            entries.constant_labels |= self.labels

        return static_labels
