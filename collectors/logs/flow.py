"""One source's way from a batch of lines to Loki's acknowledgement, and what came of it.

A batch counts as dealt with when Loki has acknowledged or refused for good everything that the pipeline made of it;
only then does its source move on. Owns how long the event loop is held: a batch passes through the pipeline a slice at
a time, of all sources one slice at a turn of the loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from collectors.logs.config import SourceConfig
from collectors.logs.loki.client import LokiClient
from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch, Processed, Stream
from collectors.logs.streams import Labels

SLICE_SECONDS = 0.002
"""Seconds that a slice should take, by the pace of the one before it."""

_FIRST_BYTES = 16 * 1024
_FEWEST_BYTES = 4 * 1024


class Flow:
    """One source's way to Loki.

    Args:
        config: The source.
        client: Where its streams go.
        state_dir: Where its pipeline keeps what must survive a restart.
        host: The machine's name, a label of every stream unless the source has a `host` of its own.
        turn: Held for each slice; the same for all sources.
    """

    def __init__(
        self, config: SourceConfig, client: LokiClient, state_dir: Path, turn: asyncio.Lock, host: str = ""
    ) -> None:
        self.name = config.name
        self.pipeline = Pipeline(config.name, config.stages, config.labels, state_dir, host)
        self.sent = 0
        self.dropped: Counter[str] = Counter()
        self._client = client
        self._turn = turn
        self._slice_bytes = _FIRST_BYTES

    async def handle(self, batch: Batch) -> int:
        """Deal with a batch, however long Loki takes; how many of its lines that were."""
        processed = await self._process(batch)
        results = await asyncio.gather(*(self._client.push(stream) for stream in processed.streams))
        self.sent += sum(result.sent for result in results)
        self.dropped = sum((result.dropped for result in results), self.dropped + processed.dropped)
        batch.recent = processed.recent
        return processed.consumed

    async def _process(self, batch: Batch) -> Processed:
        """What the pipeline makes of the batch, whatever the slices."""
        dropped: Counter[str] = Counter()
        streams: dict[Labels, Stream] = {}
        rest, patience = batch, 1
        while True:
            part = _head(rest, patience * self._slice_bytes)
            async with self._turn:
                made = self._timed(part)
                await asyncio.sleep(0)
            for stream in made.streams:
                _extend(streams.setdefault(stream.labels, Stream(stream.labels, [], [], None)), stream)
            dropped += made.dropped
            at_end = len(part.lines) == len(rest.lines)
            rest = _after(rest, made)
            if at_end:
                consumed = len(batch.lines) - len(rest.lines)
                return Processed([*streams.values()], consumed, dropped, rest.recent)
            patience = 1 if made.consumed else 2 * patience  # for an entry that is larger than a slice

    def _timed(self, part: Batch) -> Processed:
        """Process a slice, and choose the size of the next one by the time that it took."""
        began = time.perf_counter()
        made = self.pipeline.process(part)
        seconds = max(time.perf_counter() - began, 1e-6)
        size = sum(map(len, part.lines))
        self._slice_bytes = max(int(min(size * SLICE_SECONDS / seconds, 2 * self._slice_bytes)), _FEWEST_BYTES)
        return made


def _head(batch: Batch, size: int) -> Batch:
    """The first lines of a batch, of about so many bytes together."""
    ends = enumerate(accumulate(len(line) + 1 for line in batch.lines), 1)
    count = next((number for number, end in ends if end >= size), len(batch.lines))
    final = batch.final and count == len(batch.lines)
    return replace(batch, lines=batch.lines[:count], final=final)


def _after(batch: Batch, made: Processed) -> Batch:
    """What is left of a batch."""
    lines = batch.lines[: made.consumed]
    read_ns = batch.read_ns + sum(map(len, lines)) + len(lines)
    return replace(batch, lines=batch.lines[made.consumed :], read_ns=read_ns, recent=made.recent)


def _extend(stream: Stream, more: Stream) -> None:
    """Put more entries behind those of a stream."""
    if stream.metadata or more.metadata:
        stream.metadata = [*_metadata(stream), *_metadata(more)]
    stream.timestamps += more.timestamps
    stream.lines += more.lines


def _metadata(stream: Stream) -> list[dict[str, str] | None]:
    return stream.metadata or [None] * len(stream.lines)
