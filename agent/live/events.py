"""`/-/events`: what happens, to every open page, as server-sent events (WHATWG HTML, section 9.2).

`history` once: a list of points. `standing` at first and when it changes. `moment` each second. `point` when the
history gets one. Their data are the structs of `agent.live.sample` as JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from http import HTTPStatus

import msgspec
from aiohttp import web

from agent.live.sample import AgentHealth, LiveSample, Point
from agent.live.sampler import Sampler

MOST_STREAMS = 16
"""Pages that may be open at once: whoever opens one more is asked to come back."""

PATIENCE = 10.0
"""Seconds that a page has to take an event."""

_RETRY = b"retry: 2000\n\n"


class EventStreams:
    """The streams of all open pages.

    Args:
        sampler: Whose moments are sent.
        standing: What lasts, now.
    """

    def __init__(self, sampler: Sampler, standing: Callable[[], AgentHealth]) -> None:
        self._sampler = sampler
        self._standing = standing

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Send events for as long as the page is open and the agent runs."""
        if self._sampler.watchers >= MOST_STREAMS:
            text = f"{MOST_STREAMS} pages are open already; close one\n"
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=text, headers={"Retry-After": "10"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.force_close()  # what comes after a stream belongs to a connection of its own
        with suppress(ConnectionError, TimeoutError), self._sampler.watched():  # the page was closed, or takes nothing
            await response.prepare(request)
            await self._send_all(response)
        return response

    def end(self) -> None:
        """End all streams; pages then ask anew, under the rules that hold by then."""
        self._sampler.dismiss()

    async def _send_all(self, response: web.StreamResponse) -> None:
        page = _Page(self._sampler, self._standing)
        await _send(response, page.greeting())
        while moment := await self._sampler.next():
            await _send(response, b"".join(page.news(moment)))


class _Page:
    """What one page has been told."""

    def __init__(self, sampler: Sampler, standing: Callable[[], AgentHealth]) -> None:
        self._sampler = sampler
        self._standing = standing
        self._told: AgentHealth | None = None
        self._last_point = 0.0

    def greeting(self) -> bytes:
        """What it is told first."""
        points = self._sampler.points
        self._note(points)
        return _RETRY + _event("history", points)

    def news(self, moment: LiveSample) -> Iterator[bytes]:
        """What it is told of a moment."""
        standing = self._standing()
        if standing != self._told:
            self._told = standing
            yield _event("standing", standing)
        points = [point for point in self._sampler.points[-2:] if point.time > self._last_point]
        self._note(points)
        for point in points:
            yield _event("point", point)
        yield _event("moment", moment)

    def _note(self, points: Sequence[Point]) -> None:
        if points:
            self._last_point = points[-1].time


def _event(name: str, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))


async def _send(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        await response.write(data)
