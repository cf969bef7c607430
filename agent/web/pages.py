"""The request handlers.

`GET /metrics`, `/-/healthy`, `/-/ready`, `/-/status` and `/-/dropouts` (JSON, for the commands), `/` (the status page)
with its `/-/assets/…` and `/-/events`.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path

import msgspec
from aiohttp import web

from agent import page
from agent.exposition.formats import Encoding
from agent.exposition.negotiate import choose_encoding, choose_format
from agent.exposition.selection import Selectable, SelectionError, select
from agent.exposition.shared import SharedExposition
from agent.live.events import EventStreams
from collectors.audio.causes.event import Cause
from collectors.audio.causes.reading import MOST_EVENTS, Answer, Query


class Pages:
    """The request handlers.

    Args:
        exposition: The source of `/metrics`.
        streams: The event streams of open status pages.
        selectable: Returns the names that a scrape may select.
        ready: Returns True once collectors run.
        status: Returns the document of `/-/status`.
        dropouts: Returns the events of dropouts that match.
    """

    def __init__(
        self,
        exposition: SharedExposition,
        streams: EventStreams,
        *,
        selectable: Callable[[], Selectable],
        ready: Callable[[], bool],
        status: Callable[[], Awaitable[msgspec.Struct]],
        dropouts: Callable[[Query], Awaitable[Answer]],
    ) -> None:
        self.streams = streams
        self._exposition = exposition
        self._selectable = selectable
        self._ready = ready
        self._status = status
        self._dropouts = dropouts

    def control(self) -> web.Application:
        """Return the application for commands on this machine."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/-/status", self._status_document),
                web.get("/-/dropouts", self._dropout_events),
                web.get("/metrics", self._metrics),
            ]
        )
        return app

    def application(self) -> web.Application:
        """Return the application for the TCP port."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/-/healthy", self._healthy),
                web.get("/-/ready", self._readiness),
                web.get("/-/status", self._status_document),
                web.get("/-/dropouts", self._dropout_events),
                web.get("/", self._status_page),
                web.get("/-/assets/{name}", self._asset),
                web.get("/-/events", self.streams.handle, allow_head=False),
            ]
        )
        return app

    async def _metrics(self, request: web.Request) -> web.Response:
        collect, exclude = (request.query.getall(key, []) for key in ("collect[]", "exclude[]"))
        try:
            names = select(collect, exclude, self._selectable())
        except SelectionError as error:
            return web.Response(status=400, text=f"{error}\n")
        form = choose_format(",".join(request.headers.getall("Accept", [])))
        encoding = choose_encoding(",".join(request.headers.getall("Accept-Encoding", [])))
        body = await self._exposition.page(form, encoding, names)
        headers = {"Content-Type": form.value, "Vary": "Accept, Accept-Encoding"}
        if encoding is not Encoding.IDENTITY:
            headers["Content-Encoding"] = encoding.value
        return web.Response(body=body, headers=headers)

    async def _healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="wr-agent is healthy.\n")

    async def _readiness(self, _request: web.Request) -> web.Response:
        if self._ready():
            return web.Response(text="wr-agent is ready.\n")
        return web.Response(status=503, text="wr-agent is starting.\n")

    async def _status_document(self, _request: web.Request) -> web.Response:
        body = msgspec.json.encode(await self._status())
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    async def _dropout_events(self, request: web.Request) -> web.Response:
        try:
            query = _query(request.query)
        except ValueError as error:
            return web.Response(status=HTTPStatus.BAD_REQUEST, text=f"{error}\n")
        try:
            found = await self._dropouts(query)
        except TimeoutError:
            text = "the state directory does not answer; check its disk\n"
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text=text, headers={"Retry-After": "10"})
        return web.Response(body=msgspec.json.encode(found), content_type="application/json", charset="utf-8")

    async def _status_page(self, _request: web.Request) -> web.Response:
        return _file("index.html", {"Content-Security-Policy": page.CONTENT_SECURITY_POLICY})

    async def _asset(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in page.FILES:
            raise web.HTTPNotFound
        return _file(name, {})


def _query(given: Mapping[str, str]) -> Query:
    """Return the selection of dropouts in the parameters `since` (Unix seconds), `cause`, `id` and `most`.

    Raises:
        ValueError: A parameter is unknown or has another form.
    """
    if unknown := sorted(set(given) - {"since", "cause", "id", "most"}):
        raise ValueError(f"expected the parameters since, cause, id and most, got {', '.join(unknown)}")
    since, most = float(given.get("since") or 0), int(given.get("most") or MOST_EVENTS)
    if not math.isfinite(since) or not 1 <= most <= MOST_EVENTS:
        raise ValueError(f"expected a finite time and a number from 1 to {MOST_EVENTS}, got {since} and {most}")
    cause = Cause(given["cause"]) if given.get("cause") else None
    return Query(since=since, cause=cause, id=given.get("id", ""), most=most)


def _file(name: str, headers: dict[str, str]) -> web.Response:
    """Return a response with one of the page's files."""
    content_type = page.CONTENT_TYPES[Path(name).suffix]
    return web.Response(body=page.FILES[name], content_type=content_type, charset="utf-8", headers=headers)
