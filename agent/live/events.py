"""`/-/events`: live values for every open page, as server-sent events (WHATWG HTML, section 9.2).

The events are `history` once (a list of points), `health` and `dropouts` at first and on each change, `sample` each
second, and `point` for each new point of the history. Their data are the structs of `agent.live.sample` as JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from http import HTTPStatus

import msgspec
from aiohttp import web

from agent.live.sample import AgentHealth, LiveSample, PastDropout, PastDropouts, Point
from agent.live.sampler import Sampler
from collectors.audio.causes.event import Event
from collectors.audio.causes.reading import seconds_of
from collectors.audio.history import HistoryView

MOST_STREAMS = 16
"""Pages that may be open at once. Further requests get a 503."""

PATIENCE = 10.0
"""Seconds that a page may take to receive an event."""

_MOST_DROPOUTS = 1000
_MOST_SENTENCES = 20
"""The number of newest dropouts that the page lists with their sentence."""
_RETRY = b"retry: 2000\n\n"


class EventStreams:
    """The streams of all open pages.

    Args:
        sampler: The source of samples.
        health: Returns the agent's health.
    """

    def __init__(self, sampler: Sampler, health: Callable[[], AgentHealth]) -> None:
        self._sampler = sampler
        self._standing = health
        self._dropouts = _DropoutsEvent()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Send events for as long as the page is open and the agent runs."""
        if self._sampler.watchers >= MOST_STREAMS:
            text = f"{MOST_STREAMS} status pages are open, the most allowed; close one\n"
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=text, headers={"Retry-After": "10"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.force_close()  # the stream ends its connection
        with suppress(ConnectionError, TimeoutError), self._sampler.watched():  # the page was closed or stopped reading
            await response.prepare(request)
            await self._send_all(response)
        return response

    def end(self) -> None:
        """End all streams. Pages then reconnect under the current security rules."""
        self._sampler.dismiss()

    async def _send_all(self, response: web.StreamResponse) -> None:
        page = _Subscriber(self._sampler, self._standing, self._dropouts)
        await _send(response, page.greeting())
        while sample := await self._sampler.next():
            await _send(response, b"".join(page.news(sample)))


class _Subscriber:
    """The state of one page's stream."""

    def __init__(self, sampler: Sampler, health: Callable[[], AgentHealth], dropouts: _DropoutsEvent) -> None:
        self._sampler = sampler
        self._standing = health
        self._dropouts = dropouts
        self._sent_health: AgentHealth | None = None
        self._sent_history: HistoryView | None = None
        self._last_point = 0.0

    def greeting(self) -> bytes:
        """Return the first events of the stream."""
        points = self._sampler.points
        self._note(points)
        return _RETRY + _event("history", points)

    def news(self, sample: LiveSample) -> Iterator[bytes]:
        """Yield the events of a sample."""
        health = self._standing()
        if health != self._sent_health:
            self._sent_health = health
            yield _event("health", health)
        history = self._sampler.dropouts
        if self._sent_history is None or _differs(history, self._sent_history):
            self._sent_history = history
            yield self._dropouts.of(history)
        points = [point for point in self._sampler.points[-2:] if point.time > self._last_point]
        self._note(points)
        for point in points:
            yield _event("point", point)
        yield _event("sample", sample)

    def _note(self, points: Sequence[Point]) -> None:
        if points:
            self._last_point = points[-1].time


class _DropoutsEvent:
    """The event of the last history, which all pages share."""

    def __init__(self) -> None:
        self._history: HistoryView | None = None
        self._event = b""

    def of(self, history: HistoryView) -> bytes:
        """Return the event of a history."""
        if self._history is None or _differs(history, self._history) or history.watched != self._history.watched:
            self._history, self._event = history, _event("dropouts", _past(history))
        return self._event


def _differs(history: HistoryView, sent: HistoryView) -> bool:
    """Return True if the history has new entries; the view keeps unchanged parts as the same objects."""
    return history.dropouts is not sent.dropouts or history.unwatched is not sent.unwatched


def _past(history: HistoryView) -> PastDropouts:
    newest = history.dropouts[-_MOST_DROPOUTS:]
    few = len(newest) - _MOST_SENTENCES
    return PastDropouts(
        dropouts=[_dropout(event, sentence=number >= few) for number, event in enumerate(newest)],
        unwatched=[(it.start, it.end) for it in history.unwatched],
        watched=history.watched,
    )


def _dropout(event: Event, *, sentence: bool) -> PastDropout:
    return PastDropout(
        id=event.id,
        at=round(seconds_of(event.at), 3),
        seconds=event.duration_ms / 1000,
        device=event.device,
        cause=event.cause,
        text=event.text if sentence else "",
    )


def _event(name: str, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))


async def _send(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        await response.write(data)
