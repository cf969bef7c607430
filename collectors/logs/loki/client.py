"""Pushes streams to Loki until it has dealt with each entry, however long that takes.

One stream a request, as Loki reports the last stream's refusals alone; one request of a stream at a time, so that its
entries arrive in order; several streams at once. A request that may have arrived is sent again as it was, and Loki
drops the second copy.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Self
from weakref import WeakValueDictionary

import aiohttp

from collectors.findings import Check
from collectors.logs.loki import access
from collectors.logs.loki.access import Access, AccessError
from collectors.logs.loki.answers import NO_ANSWER, NOT_SENT, Action, Answer, Fault, Verdict, judge, judge_empty
from collectors.logs.loki.config import PUSH_PATH, LokiConfig
from collectors.logs.loki.encode import EMPTY, HEADERS, encode, spans
from collectors.logs.loki.health import Health
from collectors.logs.records import Stream
from collectors.metrics import Family

PROBE_INTERVAL = 30.0
"""Seconds without a push after which Loki is asked whether it would take one."""

_FIRST_WAIT = 0.5
_SHORTEST_WAIT = 0.05  # whatever the configuration says, Loki is not stormed
_LONGEST_RETRY_AFTER = 3600.0
_MANY_WAITS = 20  # twice as long each time, this is a week: enough to stop counting
_ENOUGH_REFUSALS = 3
_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class PushResult:
    """What became of a stream's entries: together as many as it had.

    Attributes:
        sent: Entries that Loki stored.
        dropped: Entries that it refused for good, by reason.
    """

    sent: int
    dropped: Counter[str]


@dataclass(frozen=True, slots=True)
class _Span:
    """Entries of one request.

    Attributes:
        start, stop: Where they are in the stream.
        refused: How often Loki refused this one entry for no known reason.
    """

    start: int
    stop: int
    refused: int = 0

    def halves(self) -> tuple[_Span, _Span]:
        middle = (self.start + self.stop) // 2
        return _Span(self.start, middle), _Span(middle, self.stop)


@dataclass(slots=True)
class _Work:
    """One stream on its way: what is still to be sent, and what became of the rest."""

    stream: Stream
    spans: deque[_Span]
    sent: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class LokiClient:
    """Pushes streams to one Loki.

    Use it as an asynchronous context manager around all pushes.
    """

    def __init__(self, config: LokiConfig) -> None:
        self.health = Health(config)
        self._config = config
        self._url = config.url + PUSH_PATH
        self._access: Access | None = None
        self._session: aiohttp.ClientSession | None = None
        self._free = asyncio.Semaphore(config.connections)
        self._turns: WeakValueDictionary[tuple[tuple[str, str], ...], asyncio.Lock] = WeakValueDictionary()
        self._last_push = -math.inf

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # `_free` is the limit
            timeout=aiohttp.ClientTimeout(total=self._config.timeout),
            headers={"User-Agent": "wr-agent"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def push(self, stream: Stream) -> PushResult:
        """Send all entries of a stream; comes back when Loki has stored or refused for good each of them.

        Waits for as long as Loki is away, limits the rate, or refuses the sender. May be cancelled at any time;
        whatever is pushed again then arrives once.
        """
        work = _Work(stream, deque(_Span(*span) for span in spans(stream, self._config.batch_size)))
        turn = self._turns.setdefault(stream.labels, asyncio.Lock())
        async with turn:
            while work.spans:
                await self._next(work)
        return PushResult(work.sent, work.dropped)

    async def probe_when_idle(self) -> None:
        """Ask Loki now and then whether it would take entries, while none are pushed. Ends only by cancellation."""
        while True:
            if time.monotonic() - self._last_push >= PROBE_INTERVAL:
                await self._probe()
            await asyncio.sleep(PROBE_INTERVAL)

    def families(self) -> Iterator[Family]:
        """What is exported of the pushes. May be called from another thread."""
        return self.health.families()

    def checks(self) -> Sequence[Check]:
        """What can be asked of Loki. May be called from another thread."""
        return self.health.checks()

    async def _next(self, work: _Work) -> None:
        """Send the first span, and note what became of it."""
        span = work.spans.popleft()
        answer, verdict = await self._settle(work.stream, span)
        if verdict.action is Action.DONE:
            self._done(work, span, verdict.refused, answer)
        elif span.stop - span.start > 1:
            work.spans.extendleft(reversed(span.halves()))
        elif verdict.action is Action.SPLIT:
            self._done(work, span, Counter(too_large=1), answer)
        else:
            await self._suspect(work, span, answer)

    async def _suspect(self, work: _Work, span: _Span, answer: Answer) -> None:
        """Give up a single entry that is refused again and again for no known reason, though Loki is well."""
        well = await self._probe() is None
        span = replace(span, refused=span.refused + well)
        if span.refused >= _ENOUGH_REFUSALS:
            self._done(work, span, Counter(refused=1), answer)
            return
        work.spans.append(span)
        await asyncio.sleep(self._wait(span.refused if well else _MANY_WAITS, answer))

    def _done(self, work: _Work, span: _Span, refused: Counter[str], answer: Answer) -> None:
        if refused:
            self.health.refused(refused, answer)
            work.dropped += refused
        work.sent += span.stop - span.start - refused.total()

    async def _settle(self, stream: Stream, span: _Span) -> tuple[Answer, Verdict]:
        """Send the span until the answer is one that waiting does not change."""
        tries = 0
        while True:
            answer = await self._send(stream, span)
            verdict = judge(answer, span.stop - span.start)
            self._judged(answer, verdict.fault)
            if verdict.action is not Action.WAIT:
                return answer, verdict
            await asyncio.sleep(self._wait(tries, answer))
            tries += 1

    async def _send(self, stream: Stream, span: _Span) -> Answer:
        async with self._free:
            started = self._last_push = time.monotonic()
            answer = await self._exchange(encode(stream, span.start, span.stop))
            self.health.answered(answer, time.monotonic() - started)
            return answer

    async def _probe(self) -> Fault | None:
        """Ask Loki whether it would take entries; what is wrong if not."""
        async with self._free:
            answer = await self._exchange(EMPTY)
        fault = judge_empty(answer)
        self._judged(answer, fault)
        return fault

    def _judged(self, answer: Answer, fault: Fault | None) -> None:
        self.health.judged(answer, fault)
        if fault in {Fault.REFUSES, Fault.UNREACHABLE}:
            self._access = None  # what it was read from may have been corrected since

    def _wait(self, earlier: int, answer: Answer) -> float:
        """Seconds to wait after so many earlier waits: at random, so that many senders do not come back at once."""
        longest = min(_FIRST_WAIT * 2.0 ** min(earlier, _MANY_WAITS), self._config.longest_wait)
        return max(longest * random.uniform(0.5, 1.0), _SHORTEST_WAIT, answer.retry_after)  # noqa: S311 - no secret

    async def _exchange(self, body: bytes) -> Answer:
        """Send one request; whatever happens is an answer."""
        if self._session is None:
            raise RuntimeError("LokiClient is used outside its context")
        try:
            self._access = self._access or access.load(self._config)
            async with self._session.post(
                self._url,
                data=body,
                headers=HEADERS | self._access.headers,
                ssl=self._access.tls,
                allow_redirects=False,
            ) as response:
                return await _answer(response)
        except AccessError as error:
            return Answer(NOT_SENT, str(error))
        except TimeoutError:
            return Answer(NO_ANSWER, f"no answer within {self._config.timeout:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(NO_ANSWER, str(error) or type(error).__name__)


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    text = bytearray()
    async for chunk in response.content.iter_chunked(_ANSWER_BYTES):
        text += chunk
        if len(text) >= _ANSWER_BYTES:
            break
    return Answer(
        response.status, text.decode(errors="replace").strip(), _retry_after(response.headers.get("Retry-After", ""))
    )


def _retry_after(said: str) -> float:
    """Seconds that an answer asks to wait (RFC 9110, 10.2.3: a number, or a date); 0 if it says neither."""
    if said.isdecimal():
        seconds = float(said)
    else:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except ValueError:
            return 0.0
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)
