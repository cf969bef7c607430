"""The explainer: one final event for each counted dropout, in order of counting.

A dropout is recorded as pending, waits for its further observations, and is analysed in a process of its own. At most
one analysis runs at a time and at most one a second; a dropout that would have to wait longer is an unknown event.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog
from msgspec.structs import replace

from collectors.audio.causes import encoding, packing
from collectors.audio.causes.analysis_process import AnalysisError, AnalysisProcess
from collectors.audio.causes.event import Cause, Event
from collectors.audio.causes.evidence import Evidence, Window
from collectors.audio.causes.store import EventStore
from collectors.audio.causes.unexplained import DISABLED, STORM, milliseconds, unexplained
from collectors.audio.dropouts import MERGE_NS, Part
from collectors.offloop import NoThreadError, Worker
from collectors.plain_errors import unexpected

log = structlog.get_logger()

GRACE_NS = MERGE_NS + 50_000_000
"""The time between the count of a dropout and its analysis, in which further observations settle."""

INTERVAL_NS = 1_000_000_000
"""The shortest time between the starts of two analyses."""

PATIENCE_NS = 2_500_000_000
"""The longest time from the count of a dropout to the start of its analysis."""

FREEZE_SECONDS = 2.5
"""The limit of the time in which the recorder hands out the evidence."""

_EXPECT_SECONDS = 0.5
_STORE_SECONDS = 2.0
_STOP_SECONDS = 1.0
_MOST_UNSAVED = 1000
_LINES_A_MINUTE = 6
_MINUTE_NS = 60_000_000_000


class EvidenceSource(Protocol):
    """The recorder of evidence."""

    def suspect(self, at_ns: int) -> None:
        """Look at everything now, because an observation may be a dropout. Called from any thread."""

    async def freeze(self, window: Window) -> Evidence:
        """Return the evidence of a settled dropout."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One dropout when it is counted.

    Attributes:
        window: The dropout as it is known so far.
        part: Returns its time and its observations, which grow while further ones settle.
        explained: Takes the cause, once it is final.
        at_ns: Monotonic time of the count.
    """

    window: Window
    part: Callable[[], Part]
    explained: Callable[[Cause], None]
    at_ns: int


class Explainer:
    """The analyses of one agent.

    Args:
        store: The store of events.
        source: The recorder; None while the analysis is off.
        analysis: The process of the analysis.
    """

    def __init__(self, store: EventStore, source: EvidenceSource | None, analysis: AnalysisProcess) -> None:
        self._store = store
        self._source = source
        self._analysis = analysis
        self._queue: asyncio.Queue[Counted] = asyncio.Queue()
        self._disk = Worker("store dropouts")
        self._saving: deque[asyncio.Future[None]] = deque()
        self._started_ns = -INTERVAL_NS
        self._lines_ns: deque[int] = deque(maxlen=_LINES_A_MINUTE)
        self._unlogged = 0

    def suspect(self, at_ns: int) -> None:
        """Report that an observation was seen. Called from any thread."""
        if self._source is not None:
            self._source.suspect(at_ns)

    async def expect(self, counted: Sequence[Counted]) -> None:
        """Take in new dropouts. Returns once they are on the disk, or after half a second if it hangs."""
        if not counted:
            return
        await self._on_disk(partial(self._store.expect, [it.window for it in counted]), _EXPECT_SECONDS)
        for it in counted:
            self._queue.put_nowait(it)

    async def run(self) -> None:
        """Explain dropouts until cancelled. Those that are not final yet become unknown at the next start."""
        try:
            while True:
                await self._explain(await self._queue.get())
        finally:
            if self._saving:
                await asyncio.wait(self._saving, timeout=_STOP_SECONDS)

    async def _explain(self, counted: Counted) -> None:
        if self._source is None:
            await _until(counted.at_ns + GRACE_NS)
            await self._finish(counted, unexplained(_window(counted), DISABLED))
            return
        turn_ns = max(counted.at_ns + GRACE_NS, self._started_ns + INTERVAL_NS, time.monotonic_ns())
        if turn_ns > counted.at_ns + PATIENCE_NS:
            await self._finish(counted, unexplained(_window(counted), STORM))
            return
        await _until(turn_ns)
        self._started_ns = time.monotonic_ns()
        event, evidence = await self._analysed(_window(counted), self._source)
        await self._finish(counted, event, evidence)

    async def _analysed(self, window: Window, source: EvidenceSource) -> tuple[Event, Callable[[], bytes]]:
        """Return the event, and a function that returns the packed evidence and may need some time."""
        level, content, capture = 0, b"", -1
        try:
            evidence = await _frozen(window, source)
            level, capture, window = evidence.level, evidence.capture, evidence.window
            content = await encoding.encode(evidence)
            del evidence  # it may be large
            event, packed = await self._analysis.analyse(content, capture)
            return _identified(event, window), lambda: packed
        except AnalysisError as error:
            reason = str(error)
        except Exception as error:
            log.exception("the analysis of a dropout failed")
            reason = f"the analysis failed: {unexpected(error)}"
        finally:
            if capture >= 0:
                os.close(capture)
        return unexplained(window, reason, level), partial(packing.pack, content) if content else bytes

    async def _finish(self, counted: Counted, event: Event, evidence: Callable[[], bytes] = bytes) -> None:
        counted.explained(event.cause)
        self._store.remember(event)
        self._log(event)
        kept = bytes if self._saving else evidence  # a disk that hangs must not hold evidence in memory
        if len(self._saving) < _MOST_UNSAVED:
            await self._on_disk(lambda: self._store.save(event, kept()), _STORE_SECONDS)

    async def _on_disk(self, call: Callable[[], None], seconds: float) -> None:
        """Make a call in the disk's thread; wait for it, but not for a disk that hangs."""
        try:
            saving = self._disk.call(call)
        except NoThreadError as error:
            log.warning("events of dropouts cannot be saved", problem=str(error))
            return
        self._saving.append(saving)
        saving.add_done_callback(self._saved)
        await asyncio.wait({saving}, timeout=seconds)

    def _saved(self, saving: asyncio.Future[None]) -> None:
        self._saving.remove(saving)
        if not saving.cancelled() and (error := saving.exception()):
            log.error("the store of dropouts failed", problem=unexpected(error))

    def _log(self, event: Event) -> None:
        """Log the event; at most `_LINES_A_MINUTE`, and the next line has the number of the others."""
        now_ns = time.monotonic_ns()
        if len(self._lines_ns) == _LINES_A_MINUTE and now_ns - self._lines_ns[0] < _MINUTE_NS:
            self._unlogged += 1
            return
        more = {"unlogged_dropouts": self._unlogged} if self._unlogged else {}
        self._lines_ns.append(now_ns)
        self._unlogged = 0
        fields = {"device": event.device, "cause": event.cause.value, "id": event.id}
        log.warning("audio dropped out", **fields, confidence=event.confidence, reason=event.text, **more)


async def _frozen(window: Window, source: EvidenceSource) -> Evidence:
    """Return the evidence of a dropout.

    Raises:
        AnalysisError: The recorder took too long.
    """
    try:
        async with asyncio.timeout(FREEZE_SECONDS):
            return await source.freeze(window)
    except TimeoutError:
        raise AnalysisError(f"the recorder gave no evidence within {FREEZE_SECONDS:g} s") from None


async def _until(at_ns: int) -> None:
    await asyncio.sleep(max(at_ns - time.monotonic_ns(), 0) / 1e9)


def _window(counted: Counted) -> Window:
    """Return the window with all observations so far."""
    part = counted.part()
    return replace(
        counted.window,
        start_ns=part.start_ns,
        end_ns=part.end_ns,
        silent_ns=part.silent_ns,
        observations=part.observations,
    )


def _identified(event: Event, window: Window) -> Event:
    """Return the event with the identity of its dropout, whatever the analysis answered."""
    return replace(
        event,
        id=window.id,
        at=window.at,
        duration_ms=milliseconds(window.end_ns - window.start_ns),
        device=window.device,
        server=window.server,
        period_ms=milliseconds(window.period_ns),
    )
