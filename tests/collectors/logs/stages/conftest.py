import time
from collections.abc import Iterable
from typing import Any, Protocol

import pytest

from collectors.logs.pipeline import Pipeline, Shown
from collectors.logs.records import Batch
from collectors.logs.stages.config import StageConfig


class After(Protocol):
    def __call__(self, stages: Iterable[StageConfig], *lines: bytes | str, **batch: Any) -> list[Shown]: ...  # noqa: ANN401


@pytest.fixture
def after() -> After:
    """The entries that stages make of lines."""

    def run(stages: Iterable[StageConfig], *lines: bytes | str, **batch: Any) -> list[Shown]:  # noqa: ANN401
        raw = [line.encode() if isinstance(line, str) else line for line in lines]
        given = {"read_ns": time.time_ns(), "file_labels": {}, **batch}
        steps, _ = Pipeline("test", list(stages)).explain(Batch("test", raw, **given))
        return steps[-1].entries

    return run
