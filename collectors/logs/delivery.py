"""The delivery of one source's batches: through the pipeline to Loki's acknowledgement.

A batch is done when Loki has acknowledged everything that the pipeline made of it; only then does its source move on.
Loki may refuse the times of entries. Such entries are sent with a time that it accepts. Owns the time slices that a
batch takes on the event loop: all sources share one slice at a time.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from collectors.logs.config import SourceConfig
from collectors.logs.history import History, stream_key
from collectors.logs.loki.client import LATEST, LokiClient, Refusal
from collectors.logs.pipeline import Pipeline
from collectors.logs.records import Batch, Labels, Processed, Stream
from collectors.logs.refused_times import corrected_window
from collectors.logs.sending_times import apply_window, assign_times, keep_original, noted_again

SLICE_SECONDS = 0.002
"""The intended seconds of a slice, by the pace of the one before it."""

_QUICK_TRIES = 4
"""The corrections of refused times without a pause. More of them do not come from Loki, or not from its clock alone."""

_FIRST_BYTES = 16 * 1024
_FEWEST_BYTES = 4 * 1024


@dataclass(slots=True)
class _Outgoing:
    """One stream of a batch.

    Attributes:
        stream: All its entries.
        own: The times that the pipeline gave them.
        times: The times before a window was applied.
        pending: The numbers of the entries that are yet to be sent.
    """

    stream: Stream
    own: list[int]
    times: list[int]
    pending: list[int]


class Delivery:
    """The delivery of one source.

    Args:
        config: The source.
        client: The receiver of its streams.
        state_dir: The folder of the pipeline's persistent state.
        turn: The lock of the slices of all sources.
        host: The machine's name, a label of every stream unless the source has a `host` of its own.
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
        """Deliver a batch, however long Loki takes, and return the number of its lines that are done."""
        before = History.unpack(batch.recent)
        processed = await self._process(replace(batch, known_ns=before.known))
        self.dropped = self.dropped + processed.dropped
        if self.pipeline.reads_times and not processed.known_ns:
            await batch.record_end(processed.consumed)  # with more lines, a later one would give these its time
        after = before.copy()
        after.known = processed.known_ns
        has_own_times = self.pipeline.reads_times and processed.known_ns > 0
        outgoing = [_outgoing(stream, after, has_own_times=has_own_times) for stream in processed.streams]
        await self._push_all(batch, before, outgoing, has_own_times=has_own_times)
        for sent in outgoing:
            if sent.stream.timestamps != sent.times:
                after.streams[stream_key(sent.stream.labels)] = noted_again(sent.stream, before)
        after.windows = {}
        after.forget_oldest()
        batch.recent = after.pack()
        return processed.consumed

    async def _push_all(self, batch: Batch, before: History, outgoing: list[_Outgoing], *, has_own_times: bool) -> None:
        """Send all entries. Give those whose time Loki refuses another time, which is saved before it is used."""
        tries = 0
        while waiting := [each for each in outgoing if each.pending]:
            maybe_sent = batch.maybe_sent and not tries
            pushed = await asyncio.gather(*(self._push(each, before, maybe_sent=maybe_sent) for each in waiting))
            refused = [(each, found) for each, found in zip(waiting, pushed, strict=True) if found]
            if not refused:
                return
            pauses = [self._correct(each, found, before, tries, has_own_times=has_own_times) for each, found in refused]
            await batch.record(before.pack())
            for each, _ in refused:
                apply_window(each.stream, each.times, before.windows.get(stream_key(each.stream.labels)))
                if has_own_times:
                    keep_original(each.stream, each.own)
            if any(pauses) or tries >= _QUICK_TRIES:
                await asyncio.sleep(self._client.pause(tries))
            tries += 1

    async def _push(self, each: _Outgoing, before: History, *, maybe_sent: bool) -> list[Refusal]:
        """Send the pending entries of a stream, and return the refusals of their times."""
        key = stream_key(each.stream.labels)
        everything = len(each.pending) == len(each.stream.lines)
        newest = before.newest_of(key) if everything and key not in before.windows else LATEST
        stream = each.stream if everything else each.stream.subset(each.pending)
        result = await self._client.push(stream, maybe_sent=maybe_sent, newest=newest)
        self.sent += result.sent
        self.dropped = self.dropped + result.dropped
        refused = [replace(refusal, entry=each.pending[refusal.entry]) for refusal in result.refused]
        each.pending = [refusal.entry for refusal in refused]
        return refused

    def _correct(
        self, each: _Outgoing, refused: list[Refusal], before: History, tries: int, *, has_own_times: bool
    ) -> bool:
        """Note what Loki accepts of a stream, and return whether it accepts nothing for now."""
        key = stream_key(each.stream.labels)
        corrected = corrected_window(
            before.windows.get(key),
            refused,
            each.times,
            each.stream.timestamps,
            loki_ns=self._client.clock.receiver_ns(),
            newest=before.of(each.stream.labels).newest,
            tries=tries,
            has_own_times=has_own_times,
        )
        before.windows[key] = corrected.window
        return corrected.is_closed

    async def _process(self, batch: Batch) -> Processed:
        """Return the result of the pipeline, which does not depend on the slices."""
        dropped: Counter[str] = Counter()
        streams: dict[Labels, Stream] = {}
        ends = list(accumulate([len(line) + 1 for line in batch.lines], initial=0))
        start, known_ns, factor = 0, batch.known_ns, 1
        while True:
            stop = min(bisect_left(ends, ends[start] + factor * self._slice_bytes), len(batch.lines))
            part = _part(batch, ends, start, stop, known_ns)
            async with self._turn:
                made = self._timed(part, ends[stop] - ends[start])
                await asyncio.sleep(0)
            for stream in made.streams:
                known = streams.get(stream.labels)
                if known is None:
                    streams[stream.labels] = stream
                else:
                    _extend(known, stream)
            dropped += made.dropped
            start += made.consumed
            known_ns = made.known_ns if made.consumed else known_ns
            if not part.more:
                return Processed([*streams.values()], start, dropped, known_ns)
            factor = 1 if made.consumed else 2 * factor  # for an entry that is larger than a slice

    def _timed(self, part: Batch, size: int) -> Processed:
        """Process a slice of so many bytes, and set the size of the next one by the time it took."""
        began = time.perf_counter()
        made = self.pipeline.process(part)
        seconds = max(time.perf_counter() - began, 1e-6)
        self._slice_bytes = max(int(min(size * SLICE_SECONDS / seconds, 2 * self._slice_bytes)), _FEWEST_BYTES)
        return made


def _outgoing(stream: Stream, history: History, *, has_own_times: bool) -> _Outgoing:
    own = stream.timestamps
    times = assign_times(stream, history, has_own_times=has_own_times)
    return _Outgoing(stream, own, times, list(range(len(stream.lines))))


def _part(batch: Batch, ends: list[int], start: int, stop: int, known_ns: int) -> Batch:
    """Return some lines of a batch, which end at these bytes of it."""
    more = stop < len(batch.lines)
    return replace(
        batch,
        lines=batch.lines[start:stop],
        read_ns=batch.read_ns + ends[start],
        known_ns=known_ns,
        final=batch.final and not more,
        more=more,
    )


def _extend(stream: Stream, more: Stream) -> None:
    """Append the entries of one stream to another."""
    if stream.metadata or more.metadata:
        stream.metadata = [*_metadata(stream), *_metadata(more)]
    stream.timestamps += more.timestamps
    stream.lines += more.lines


def _metadata(stream: Stream) -> list[dict[str, str] | None]:
    return stream.metadata or [None] * len(stream.lines)
