"""The client that pushes streams to Loki until each entry is stored, or its time is refused.

One stream a request, as Loki reports the last stream's refusals alone. One request of a stream at a time, so entries
arrive in order; several streams at once. A request that may have arrived is retried unchanged, and Loki drops the copy.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Self
from weakref import WeakValueDictionary

from collectors.findings import Check
from collectors.http_push.answer import Answer
from collectors.http_push.poster import MANY_WAITS, Poster
from collectors.http_push.receiver_clock import ReceiverClock
from collectors.logs.loki.answers import (
    TIME_REASONS,
    Action,
    Fault,
    Verdict,
    judge,
    judge_empty,
    longest_line,
    oldest_acceptable,
)
from collectors.logs.loki.config import PUSH_PATH, LokiConfig
from collectors.logs.loki.encode import EMPTY, HEADERS, encode, spans
from collectors.logs.loki.health import Health
from collectors.logs.loki.refused import as_bytes, refused_entries, without_metadata
from collectors.logs.records import Labels, Stream
from collectors.logs.stages.truncate import shortened
from collectors.metrics import Family

PROBE_INTERVAL = 30.0
"""Seconds without a push after which a probe asks Loki whether it accepts entries."""

LATEST = (1 << 63) - 1
"""A time after all times, Unix nanoseconds."""

_ENOUGH_REFUSALS = 3
_SMALL_BYTES = 64 * 1024  # a line that every receiver must take: a refusal of its size is the receiver's fault
_FEWEST_BYTES = 64


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry whose time Loki refuses.

    Attributes:
        entry: The number of the entry in its stream.
        reason: `too_old`, `too_new` or `too_far_behind`.
        limit: The oldest acceptable time, Unix nanoseconds, if Loki says one; 0 otherwise.
    """

    entry: int
    reason: str
    limit: int


@dataclass(frozen=True, slots=True)
class PushResult:
    """The result of a push. Each entry of the stream is counted once.

    Attributes:
        sent: The number of entries that Loki stored.
        dropped: The number of entries that it refused permanently, by reason.
        refused: The entries whose time it refuses.
    """

    sent: int
    dropped: Counter[str]
    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Span:
    """The entries of one request.

    Attributes:
        entries: Their numbers in the stream, without gaps.
        refused: The number of refusals of this one entry for no known reason.
    """

    entries: range
    refused: int = 0

    def halves(self) -> tuple[_Span, _Span]:
        middle = len(self.entries) // 2
        return _Span(self.entries[:middle]), _Span(self.entries[middle:])


@dataclass(slots=True)
class _Work:
    """One stream: the requests to send, the body of the next one, and the results so far.

    Attributes:
        resumed: True if an agent that was killed may have sent entries of the stream, and later ones.
        newest: The newest time before the first entry, Unix nanoseconds.
        maybe_sent: True if Loki may have stored entries of the stream already.
        altered: The entries whose line was changed since.
    """

    stream: Stream
    spans: deque[_Span]
    resumed: bool
    newest: int
    maybe_sent: bool = False
    altered: set[int] = field(default_factory=set)
    prepared: tuple[_Span, bytes] | None = None
    sent: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    refused: list[Refusal] = field(default_factory=list)

    def metadata_of(self, entry: int) -> dict[str, str] | None:
        """Return the structured metadata of an entry, or `None`."""
        return self.stream.metadata[entry] if self.stream.metadata else None


class LokiClient:
    """Pushes streams to one Loki.

    Use it as an asynchronous context manager around all pushes.
    """

    def __init__(self, config: LokiConfig) -> None:
        self.clock = ReceiverClock()
        self.health = Health(config, clock_difference=lambda: self.clock.difference_ns)
        self._config = config
        self._poster = Poster(config, config.url + PUSH_PATH, HEADERS, dated=self.clock.answered)
        self._free = asyncio.Semaphore(config.connections)
        self._turns: WeakValueDictionary[Labels, asyncio.Lock] = WeakValueDictionary()
        self._last_push = -math.inf

    async def __aenter__(self) -> Self:
        await self._poster.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._poster.__aexit__()

    async def push(self, stream: Stream, *, maybe_sent: bool = False, newest: int = LATEST) -> PushResult:
        """Send all entries of a stream. Return when Loki has stored or refused each of them.

        Waits while Loki is away, limits the rate, or refuses the sender. May be cancelled at any time; another push of
        the same entries stores each once.

        Args:
            stream: The entries, in order.
            maybe_sent: True if these entries, and later ones, may have been sent before.
            newest: The newest time of the stream before these entries, Unix nanoseconds. `LATEST` if the entries are
                not all that follows.
        """
        todo = deque(_Span(range(*span)) for span in spans(stream, self._config.batch_size))
        work = _Work(stream, todo, maybe_sent, newest, maybe_sent)
        turn = self._turns.setdefault(stream.labels, asyncio.Lock())
        async with turn:
            while work.spans:
                await self._next(work)
        return PushResult(work.sent, work.dropped, sorted(work.refused, key=lambda refusal: refusal.entry))

    async def probe_when_idle(self) -> None:
        """Ask Loki from time to time whether it accepts entries, while none are pushed. Runs until cancelled."""
        while True:
            if time.monotonic() - self._last_push >= PROBE_INTERVAL:
                await self._probe()
            await asyncio.sleep(PROBE_INTERVAL)

    def pause(self, earlier: int) -> float:
        """Return the seconds to wait after so many earlier waits."""
        return self._poster.pause(earlier)

    def families(self) -> Iterator[Family]:
        """Return the families of the pushes. May be called from another thread."""
        return self.health.families()

    def checks(self) -> Sequence[Check]:
        """Return the checks of Loki. May be called from another thread."""
        return self.health.checks()

    async def _next(self, work: _Work) -> None:
        """Send the first span, and note the result."""
        span = work.spans.popleft()
        answer, verdict = await self._settle(work, span)
        if verdict.action is Action.DONE and not verdict.refused:
            work.sent += len(span.entries)
        elif verdict.action is Action.DONE:
            await self._refused(work, span, verdict.refused, answer)
        elif len(span.entries) > 1:
            work.maybe_sent = work.maybe_sent or verdict.action is Action.SINGLE_OUT
            work.spans.extendleft(reversed(span.halves()))
        elif verdict.action is Action.SPLIT:
            await self._too_large(work, span, answer)
        else:
            await self._suspect(work, span, answer)

    async def _refused(self, work: _Work, span: _Span, refused: Counter[str], answer: Answer) -> None:
        """Tell the refused entries of a request from the stored ones."""
        entries = refused_entries(work.stream, span.entries, refused, answer.text)
        if entries is None and len(span.entries) > 1:
            # Smaller requests tell them apart. Loki drops the copies of those that it has stored.
            work.maybe_sent = True
            work.spans.extendleft(reversed(span.halves()))
            return
        entries = entries or span.entries
        reason = next(iter(refused))
        if reason == "too_far_behind":
            stored = _already_stored(work, entries, oldest_acceptable(answer.text))
            entries = [entry for entry in entries if entry not in stored]
        work.sent += len(span.entries) - len(entries)
        if not entries:
            return
        self.health.refused(Counter({reason: len(entries)}), answer)
        if reason in TIME_REASONS:
            self.clock.distrust()
            limit = oldest_acceptable(answer.text)
            work.refused += [Refusal(entry, reason, limit) for entry in entries]
        elif reason == "structured_metadata" and any(map(work.metadata_of, entries)):
            self._strip(work, entries)
        elif reason == "line_too_long":
            await self._shorten(work, entries, longest_line(answer.text), answer)
        else:
            await self._suspect(work, span, answer)

    def _strip(self, work: _Work, entries: Sequence[int]) -> None:
        """Move structured metadata, which this Loki refuses, to the text of the lines."""
        stream = work.stream
        for entry in entries:
            metadata = work.metadata_of(entry)
            if stream.metadata and metadata:
                stream.lines[entry] = without_metadata(stream.lines[entry], metadata)
                stream.metadata[entry] = None
        self._again(work, entries)

    async def _shorten(self, work: _Work, entries: Sequence[int], limit: int, answer: Answer) -> None:
        """Shorten lines to the limit that the receiver has."""
        for entry in entries:
            line = as_bytes(work.stream.lines[entry])
            shorter = limit if 0 < limit < len(line) else len(line) // 2
            if shorter < _FEWEST_BYTES:
                self._judged(answer, Fault.REFUSES)
                await asyncio.sleep(self._poster.pause(MANY_WAITS, answer))
            else:
                work.stream.lines[entry] = shortened(line, shorter)
        self._again(work, entries)

    async def _too_large(self, work: _Work, span: _Span, answer: Answer) -> None:
        """Shorten a single long line. A small one is not at fault, and waits."""
        if len(work.stream.lines[span.entries[0]]) > _SMALL_BYTES:
            await self._shorten(work, span.entries, 0, answer)
            return
        self._judged(answer, Fault.REFUSES)
        work.spans.appendleft(_Span(span.entries, span.refused + 1))
        await asyncio.sleep(self._poster.pause(span.refused, answer))

    def _again(self, work: _Work, entries: Sequence[int]) -> None:
        """Send altered entries again, before others."""
        work.altered.update(entries)
        runs: list[range] = []
        for entry in entries:
            if runs and runs[-1].stop == entry:
                runs[-1] = range(runs[-1].start, entry + 1)
            else:
                runs.append(range(entry, entry + 1))
        work.spans.extendleft(_Span(run) for run in reversed(runs))

    async def _suspect(self, work: _Work, span: _Span, answer: Answer) -> None:
        """Drop a single entry that is refused repeatedly for no known reason although Loki is healthy."""
        well = await self._probe() is None
        refused = span.refused + well
        if refused >= _ENOUGH_REFUSALS:
            self.health.refused(Counter(refused=1), answer)
            work.dropped["refused"] += 1
            return
        work.spans.append(_Span(span.entries, refused))
        await asyncio.sleep(self._poster.pause(refused if well else MANY_WAITS, answer))

    async def _settle(self, work: _Work, span: _Span) -> tuple[Answer, Verdict]:
        """Send the span until the answer does not ask to wait."""
        tries = 0
        while True:
            answer = await self._send(work, span)
            verdict = judge(answer, len(span.entries))
            self._judged(answer, verdict.fault)
            if verdict.action is not Action.WAIT:
                return answer, verdict
            work.maybe_sent = work.maybe_sent or verdict.fault is Fault.UNREACHABLE
            await asyncio.sleep(self._poster.pause(tries, answer))
            tries += 1

    async def _send(self, work: _Work, span: _Span) -> Answer:
        """Send one request, and encode the next one while its answer is on the way."""
        async with self._free:
            started = self._last_push = time.monotonic()
            prepared = work.prepared
            body = prepared[1] if prepared and prepared[0] is span else _body(work.stream, span)
            sending = asyncio.create_task(self._exchange(body))
            try:
                await asyncio.sleep(0)
                work.prepared = (work.spans[0], _body(work.stream, work.spans[0])) if work.spans else None
                answer = await sending
            finally:
                sending.cancel()
            self.health.answered(answer, time.monotonic() - started)
            return answer

    async def _probe(self) -> Fault | None:
        """Ask Loki whether it accepts entries, and return the fault if not."""
        async with self._free:
            answer = await self._exchange(EMPTY)
        fault = judge_empty(answer)
        self._judged(answer, fault)
        return fault

    def _judged(self, answer: Answer, fault: Fault | None) -> None:
        self.health.judged(answer, fault)
        if fault in {Fault.REFUSES, Fault.UNREACHABLE}:
            self._poster.reload_access()  # its files may have been corrected

    async def _exchange(self, body: bytes) -> Answer:
        """Send one request, and return an answer whatever happens."""
        with self.health.under_way():
            return await self._poster.post(body)


def _already_stored(work: _Work, entries: Sequence[int], oldest: int) -> set[int]:
    """Return those of the entries called too far behind that Loki has stored by an earlier request.

    Loki takes the entries of a stream in order. If it refuses an entry by a time that neither an entry before it nor
    the history has, later entries were sent, and this one before them. The later entries of a request without an answer
    are those of this stream. If they do not explain the refusal, another file of the log does, which a killed agent
    sent without a record.
    """
    if not work.maybe_sent:
        return set()
    times = work.stream.timestamps
    before = list(accumulate(times, max, initial=work.newest))
    after = [*accumulate(reversed(times), max, initial=0)][-2::-1]
    return {
        entry
        for entry in entries
        if oldest > before[entry] and entry not in work.altered and (work.resumed or after[entry] > oldest)
    }


def _body(stream: Stream, span: _Span) -> bytes:
    return encode(stream, span.entries.start, span.entries.stop)
