"""The `sample` stage: keeps a share of the entries, the same ones at every reading."""

from __future__ import annotations

from typing import Annotated
from zlib import crc32

import msgspec

from collectors.logs.stages.config import Context, StageConfig
from collectors.logs.stages.entries import Entries, Stage


class SampleConfig(StageConfig, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`{ sample = { ratio = 0.1, field = "trace_id" } }`.

    Attributes:
        ratio: The share to keep, 0 to 1.
        field: The field that decides: equal values share one fate, and entries without it are kept. Empty for the
            line.
    """

    ratio: Annotated[float, msgspec.Meta(ge=0, le=1)]
    field: str = ""

    def build(self, _context: Context) -> Stage:
        """Build the stage. It decides by a hash."""
        limit = self.ratio * 2**32

        def sample(entries: Entries) -> None:
            values = entries.texts(self.field)
            wanted = [value is None or crc32(value.encode("utf-8", "replace")) < limit for value in values]
            entries.dropped["sampled"] += wanted.count(False)
            entries.select(wanted)

        return sample
