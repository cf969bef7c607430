"""Lines through the stages of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch, Processed
from collectors.logs.stages.config import StageConfig


def process(stages: Sequence[StageConfig], *lines: bytes) -> Processed:
    """Return what the stages make of the lines."""
    return Pipeline("s", stages).process(Batch("s", list(lines), 1, {}))


def texts(processed: Processed) -> list[bytes]:
    """Return the lines to send."""
    return [line for stream in processed.streams for line in stream.lines if isinstance(line, bytes)]
