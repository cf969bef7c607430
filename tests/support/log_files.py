"""A file source on real files, and a sink for its batches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from collectors.logs.files.generation import ReadLimits
from collectors.logs.files.positions import Positions
from collectors.logs.files.source import FileSettings, FileSource
from collectors.logs.records import Batch
from tests.support.waiting import soon


def settings(*paths: object, **other: Any) -> FileSettings:  # noqa: ANN401 - as FileSettings has them
    return FileSettings(tuple(map(str, paths)), **({"limits": ReadLimits(flush_after=0.3, linger=1.0)} | other))


@dataclass
class Sink:
    """A sink that acknowledges all batches, unless `consume` does otherwise."""

    batches: list[Batch] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    consume: Callable[[Batch], int] = lambda batch: len(batch.lines)

    def __post_init__(self) -> None:
        self.open.set()

    async def __call__(self, batch: Batch) -> int:
        await self.open.wait()
        consumed = self.consume(batch)
        self.batches.append(replace(batch, lines=batch.lines[:consumed]))
        return consumed

    @property
    def count(self) -> int:
        """The number of lines, which is cheaper to get than the lines."""
        return sum(len(batch.lines) for batch in self.batches)

    @property
    def lines(self) -> list[bytes]:
        return [line for batch in self.batches for line in batch.texts]

    def of(self, path: Path) -> list[bytes]:
        return [line for batch in self.batches if batch.file_labels["filename"] == str(path) for line in batch.texts]

    @property
    def times(self) -> dict[bytes, set[int]]:
        """The times with which each line without its own time was sent."""
        times: dict[bytes, set[int]] = {}
        for batch in self.batches:
            for line, at in zip(batch.texts, batch.times, strict=True):
                times.setdefault(line, set()).add(at)
        return times


@dataclass
class Agent:
    """A runner of file sources with one positions file."""

    state: Path
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def start(self, sink: Callable[[Batch], Awaitable[int]], settings: FileSettings) -> FileSource:
        source = FileSource("app", settings, Positions(self.state).load())
        self.tasks["app"] = asyncio.create_task(source.run(sink))
        await soon(lambda: source.state.looked or self.tasks["app"].done())
        return source

    async def stop(self) -> None:
        for task in self.tasks.values():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.tasks.clear()
