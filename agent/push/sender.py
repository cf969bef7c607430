"""The sender: from the queue to the receiver's acknowledgement.

One request at a time, so the samples of each series arrive in order. A request whose answer never came is sent again
unchanged, and the receiver ignores the copy. A refused request is split until the refused sample is known; that one is
dropped. After an outage, the newest snapshots overtake older ones if the receiver takes samples out of order.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from agent.config.remote_write import RemoteWriteConfig
from agent.push.future import FutureGuard
from agent.push.health import Health
from agent.push.pace import Pace
from agent.push.piece import Piece
from agent.push.queue import Queue
from agent.push.record import Record
from agent.push.verdict import REASONS_OF_ALL, REASONS_OF_STORED, Action, Fault, Verdict, judge
from agent.push.wire import Part, body, shown_series
from collectors.http_push.answer import NO_ANSWER, Answer
from collectors.http_push.poster import TIMED_OUT
from collectors.offloop import Worker

OVERTAKE_AFTER = 120.0
"""Seconds of unsent snapshots from which the newest ones may overtake."""

_MOST_SAMPLES = 15_000
_FEWEST_SAMPLES = 500
_LIVE = 8
"""The number of newest records that overtake."""

_ENOUGH_ERRORS = 3
_ENOUGH_REFUSALS = 3
_ENOUGH_UNEXPLAINED = 10
"""The refusals in turn of one sample without a known reason, between which other samples of its time are stored.

A receiver that fails by chance refuses one sample several times, too.
"""

_WAITS_OF_ONE = 4
"""The most waits by which pauses grow while others are stored. One sample at fault delays them by half a minute."""

_LEADS = 4
"""The most samples by which one test finds out if a receiver stores any."""

_MOST_SUSPECTS = 10_000
_ONE = b"\0\0\0\0\0\0\xf0\x3f"  # 1.0

_Result = TypeVar("_Result")


class Sender:
    """Sends the records of a queue.

    Args:
        config: The section `[remote_write]`.
        queue: The queue. Its methods are called in the thread of `worker`.
        worker: The thread that the queue belongs to.
        guard: The sender of single requests, with the guard against samples from the future.
        health: Counts and remembers the results.
        probe: The labels of the series that shows if the receiver takes samples out of order.
    """

    def __init__(
        self,
        config: RemoteWriteConfig,
        queue: Queue,
        worker: Worker,
        guard: FutureGuard,
        health: Health,
        probe: bytes,
    ) -> None:
        self._config = config
        self._queue = queue
        self._worker = worker
        self._poster = guard.poster
        self._guard = guard
        self._health = health
        self._probe_series = probe
        self._suspects: dict[bytes, str] = {}
        self._pace = Pace(config.rate)
        self._most = _MOST_SAMPLES
        self._bytes = 0
        self._refused_reason = ""
        self._proven = False
        self._waits = 0
        self._not_before = 0.0
        self._overtakes: bool | None = None
        self._added = asyncio.Event()
        self._idle = asyncio.Event()

    def added(self) -> None:
        """Note that the queue has a new record."""
        self._idle.clear()
        self._added.set()

    async def run(self) -> None:
        """Send records as they come. Runs until cancelled."""
        while True:
            self._added.clear()
            if not await self.send_next():
                if not self._added.is_set():
                    self._idle.set()
                await self._added.wait()

    async def emptied(self, seconds: float) -> None:
        """Wait until `run()` has sent everything, at most so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    async def send_next(self) -> bool:
        """Send the next records; return False if there are none."""
        pending = await self._call(self._queue.pending)
        if not pending:
            self._overtakes = None
            self._pace.rest()
            return False
        if self._overtakes is None and self._health.queue_seconds >= OVERTAKE_AFTER:
            self._overtakes = await self._takes_out_of_order()
        chosen = self._choose(pending)
        records = await self._call(lambda: self._queue.read(chosen, self._most))
        if records:
            await self._deliver(records)
        return True

    def _choose(self, pending: Sequence[range]) -> range:
        """Return the records to send next: the oldest, or the newest ones if they may overtake."""
        last = pending[-1]
        if not self._overtakes or last.stop < self._queue.end:
            return pending[0]
        if len(pending) > 1 and len(last) <= _LIVE:
            return last
        if len(last) > _LIVE and self._queue.may_skip:
            return last[-_LIVE // 2 :]
        return pending[0]

    async def _deliver(self, records: Sequence[Record]) -> None:
        """Send records until the receiver has each sample, or has refused it for good."""
        numbers = range(records[0].number, records[-1].number + 1)
        doubt = self._queue.doubt
        is_doubted = max(doubt.start, numbers.start) < min(doubt.stop, numbers.stop)
        await self._call(lambda: self._queue.send(numbers))
        began, sent_before = time.monotonic(), self._bytes
        self._proven = False
        suspects = frozenset(self._suspects)
        if suspects:
            suspects &= frozenset(one for record in records for one in record.layout.series)
        await self._send(Piece(tuple(records), without=suspects), is_doubted=is_doubted)
        if suspects:
            await self._send(Piece(tuple(records), only=suspects), is_doubted=is_doubted)
        await self._call(lambda: self._queue.finish(numbers))
        self._health.delivered(records[-1].time)
        if self._health.queue_seconds > 2 * self._config.interval:
            await asyncio.sleep(self._pace.pause(self._bytes - sent_before, began))

    async def _send(self, piece: Piece, *, is_doubted: bool) -> None:
        """Send one piece, in smaller ones if the receiver does not take it whole."""
        errors = 0
        while piece.samples:
            answer, verdict = await self._post(piece)
            if verdict.action is Action.DONE:
                self._stored(piece)
                return
            if self._is_known(piece, verdict) and await self._stores_now(piece, verdict):
                self._refused(piece, answer, verdict, is_doubted=is_doubted)
                return
            errors += 1
            is_doubted = is_doubted or verdict.action in {Action.RETRY, Action.WAIT}
            if await self._is_at_fault(piece, answer, verdict, errors):
                await self._divide(piece, verdict, is_doubted=is_doubted)
                return
            self._health.retried(piece.samples)
            await self._pause(answer)

    async def _is_at_fault(self, piece: Piece, answer: Answer, verdict: Verdict, errors: int) -> bool:
        """Return True if smaller pieces can help: a part is at fault, or there are too many samples."""
        if verdict.action is Action.SPLIT:
            return True
        if verdict.action is Action.SINGLE_OUT:
            if verdict.reason or len(piece.records) > 1 or await self._stores_others(piece):
                return True
            self._health.judged(answer, Fault.REFUSES)
            return False
        if errors < _ENOUGH_ERRORS and not self._is_suspected(piece):
            return False
        if verdict.action is Action.RETRY:
            return await self._stores_others(piece)
        return answer.code == NO_ANSWER and answer.text.startswith(TIMED_OUT) and len(piece.records) > 1

    async def _divide(self, piece: Piece, verdict: Verdict, *, is_doubted: bool) -> None:
        """Send a piece in smaller ones: by time first, so that each series stays in order."""
        if len(piece.records) == 1:
            await self._single_out(piece, verdict, is_doubted=is_doubted)
            return
        if verdict.action is not Action.SINGLE_OUT:
            self._most = max(self._most // 2, _FEWEST_SAMPLES)
        for half in piece.halves():
            await self._send(half, is_doubted=is_doubted)

    async def _single_out(self, piece: Piece, verdict: Verdict, *, is_doubted: bool) -> None:
        """Find the samples of one snapshot that the receiver refuses, and drop them. All others are stored."""
        if await self._refuses_whole(piece, verdict, is_doubted=is_doubted):
            return
        pieces = [*piece.halves()] if piece.samples > 1 else [piece]
        refusals: Counter[Piece] = Counter()
        while pieces:
            pieces = await self._send_round(piece, pieces, refusals, is_doubted=is_doubted)
            if pieces:
                await self._pause(Answer(NO_ANSWER))

    async def _send_round(
        self, whole: Piece, pieces: Sequence[Piece], refusals: Counter[Piece], *, is_doubted: bool
    ) -> list[Piece]:
        """Send pieces of one snapshot, in smaller ones where they fail; return those to send again after a pause."""
        again: list[Piece] = []
        left = deque(pieces)
        while left:
            part = left.popleft()
            answer, verdict = await self._post(part)
            if verdict.action is Action.DONE:
                self._stored(part)
            elif verdict.action is Action.WAIT:
                left.appendleft(part)
                await self._pause(answer)
            elif part.samples > 1:
                left.extendleft(reversed([*part.halves()]))
            else:
                explained = verdict.reason or await self._stores_others(whole, part.series[0])
                refusals[part] = refusals[part] + 1 if explained else 0
                if explained and refusals[part] >= self._enough(part, verdict):
                    self._refused(part, answer, verdict, is_doubted=is_doubted)
                else:
                    again.append(part)
        return again

    def _enough(self, part: Piece, verdict: Verdict) -> int:
        """Return the number of refusals from which a sample is refused for good."""
        if self._is_known(part, verdict):
            return 1
        return _ENOUGH_REFUSALS if verdict.reason else _ENOUGH_UNEXPLAINED

    async def _refuses_whole(self, piece: Piece, verdict: Verdict, *, is_doubted: bool) -> bool:
        """Return True, and drop the samples of a snapshot, if the receiver refuses it for its time.

        The first snapshot since the last stored one needs several refusals.
        """
        stored_before = is_doubted and verdict.reason in REASONS_OF_STORED
        if not stored_before and verdict.reason not in REASONS_OF_ALL:
            return False
        lead = piece.alone(piece.series[0])
        answer, found = await self._post(lead)
        known = stored_before or self._refused_reason == verdict.reason
        for _ in range(0 if known else _ENOUGH_REFUSALS - 1):
            await self._pause(answer)
            answer, found = await self._post(lead)
        if found.reason != verdict.reason:
            return False
        self._refused_reason = verdict.reason
        self._refused(piece, answer, verdict, is_doubted=is_doubted)
        return True

    async def _stores_others(self, piece: Piece, but: bytes = b"") -> bool:
        """Return True if the receiver stores other samples of this time, so that it works as a whole.

        They are chosen at random, so that many series at fault do not hide the others.
        """
        tried = {but, *(piece.series if piece.samples == 1 else ())}
        others = [one for one in piece.records[0].layout.series if one not in tried and one not in self._suspects]
        leads = [piece.alone(one) for one in random.sample(others, min(len(others), _LEADS))]
        for lead in leads:
            answer, verdict = await self._post(lead)
            if verdict.action is Action.DONE:
                self._waits = min(self._waits, _WAITS_OF_ONE)
                return True
            if verdict.action is Action.WAIT:
                return False
        if leads:
            return False
        answer = await self._exchange(self._probe_body(piece.records[0].time))
        return judge(answer).action is Action.DONE

    async def _stores_now(self, piece: Piece, verdict: Verdict) -> bool:
        """Return True if a refusal concerns this piece alone, as the receiver stores other samples."""
        if verdict.action is Action.SINGLE_OUT:
            return self._proven
        return verdict.action is Action.RETRY and await self._stores_others(piece)

    def _is_suspected(self, piece: Piece) -> bool:
        """Return True if a piece has only series that the receiver refused before."""
        return piece.only is not None and piece.only <= self._suspects.keys()

    def _is_known(self, piece: Piece, verdict: Verdict) -> bool:
        """Return True if a piece is one sample, whose series the receiver refused before for the same reason."""
        return piece.samples == 1 and self._suspects.get(piece.series[0]) == _reason(verdict)

    def _stored(self, piece: Piece) -> None:
        self._waits = 0
        self._refused_reason = ""
        self._proven = True
        self._most = min(self._most + self._most // 4, _MOST_SAMPLES)
        self._health.sent(piece.samples)
        for series in piece.only or ():
            self._suspects.pop(series, None)

    def _refused(self, piece: Piece, answer: Answer, verdict: Verdict, *, is_doubted: bool) -> None:
        """Count samples that the receiver refuses. Those in doubt may be there already, by the reason."""
        if is_doubted and verdict.reason in REASONS_OF_STORED:
            self._health.sent(piece.samples)
            return
        series = piece.series
        reason = _reason(verdict)
        self._health.refused(shown_series(series[0]), series[0], reason, len(series), answer)
        if len(series) == 1 and len(self._suspects) < _MOST_SUSPECTS:
            self._suspects[series[0]] = reason

    async def _takes_out_of_order(self) -> bool | None:
        """Return whether the receiver takes samples as old as the queue's oldest; `None` if that is unknown.

        The first two times tell without a newer sample, which would move a receiver's bounds.
        """
        oldest, newest = self._queue.oldest_pending, self._queue.newest
        for at in (oldest, oldest - 1000, newest, oldest - 2000):
            answer = await self._exchange(self._probe_body(at))
            verdict = judge(answer)
            if verdict.action is Action.SINGLE_OUT:
                return False
            if verdict.action is not Action.DONE:
                self._judged(answer, verdict)
                return None
        return True

    def _probe_body(self, at: int) -> bytes:
        return body([Part([self._probe_series], [at], [_ONE])])

    async def _post(self, piece: Piece) -> tuple[Answer, Verdict]:
        """Send one request, if its newest time may be sent."""
        withheld = await self._guard.judge(max(record.time for record in piece.records))
        if withheld:
            self._judged(*withheld)
            return withheld
        content = await self._call(piece.body)
        await self._permitted()
        began = time.monotonic()
        self._health.posting()
        answer = await self._exchange(content)
        self._bytes += len(content)
        self._health.posted(answer, time.monotonic() - began, len(content))
        verdict = judge(answer)
        if verdict.action is not Action.RETRY or not self._is_suspected(piece):  # other samples show if it works
            self._judged(answer, verdict)
        return answer, verdict

    async def _exchange(self, content: bytes) -> Answer:
        """Post a body, not before the time that an earlier answer asked for."""
        await self._permitted()
        answer = await self._poster.post(content)
        self._not_before = time.monotonic() + answer.retry_after
        return answer

    async def _permitted(self) -> None:
        await asyncio.sleep(max(self._not_before - time.monotonic(), 0.0))

    def _judged(self, answer: Answer, verdict: Verdict) -> None:
        if verdict.action is Action.DONE or verdict.fault:
            self._health.judged(answer, verdict.fault)
        if verdict.fault in {Fault.REFUSES, Fault.UNREACHABLE}:
            self._poster.reload_access()  # its files may have been corrected

    async def _pause(self, answer: Answer) -> None:
        await asyncio.sleep(self._poster.pause(self._waits, answer))
        self._waits += 1

    async def _call(self, function: Callable[[], _Result]) -> _Result:
        """Call a function in the thread of the queue."""
        return await self._worker.call(function)


def _reason(verdict: Verdict) -> str:
    """Return the label of a refusal."""
    return verdict.reason or ("too_large" if verdict.action is Action.SPLIT else "refused")
