"""What the agent answers over HTTP, and the server that answers it.

`GET /metrics`, `/-/healthy`, `/-/ready`, `/-/status` (JSON, for the commands), `/` (for a person).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from agent import page
from agent.address import Address
from agent.exposition.formats import Encoding
from agent.exposition.negotiate import choose_encoding, choose_format
from agent.exposition.shared import SharedExposition
from agent.listener import ListenError, bound_address, open_socket
from agent.selection import SelectionError, select
from agent.sources import Sources
from agent.status import Status

SHUTDOWN_TIMEOUT = 1.0
"""Seconds that answers under way have when the server stops."""


class Pages:
    """The request handlers.

    Args:
        sources: What is measured.
        status: What the agent says of itself now.
    """

    def __init__(self, sources: Sources, status: Callable[[], Awaitable[Status]]) -> None:
        self._sources = sources
        self._status = status
        self._exposition = SharedExposition(sources.snapshot, sources.supervisor.judge_rendering)

    def application(self) -> web.Application:
        """The handlers by path."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/-/healthy", self._healthy),
                web.get("/-/ready", self._ready),
                web.get("/-/status", self._status_document),
                web.get("/", self._status_page),
            ]
        )
        return app

    async def _metrics(self, request: web.Request) -> web.Response:
        known = tuple(self._sources.supervisor.supervised)
        try:
            names = select(request.query.getall("collect[]", []), request.query.getall("exclude[]", []), known)
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

    async def _ready(self, _request: web.Request) -> web.Response:
        if self._sources.supervisor.supervised:
            return web.Response(text="wr-agent is ready.\n")
        return web.Response(status=503, text="wr-agent is starting.\n")

    async def _status_document(self, _request: web.Request) -> web.Response:
        body = msgspec.json.encode(await self._status())
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    async def _status_page(self, _request: web.Request) -> web.Response:
        return web.Response(text=page.render(await self._status()), content_type="text/html", charset="utf-8")


class WebServer:
    """The HTTP server, which can move to another address while it runs."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_TIMEOUT)
        self._site: web.BaseSite | None = None
        self._address: Address | None = None

    @property
    def url(self) -> str:
        """Where it answers on this machine, without a trailing slash; empty while it does not."""
        return self._address.url if self._address else ""

    async def listen(self, address: Address) -> None:
        """Answer on `address`, and no longer on the one before.

        Raises:
            ListenError: The address cannot be listened on; the one before stays.
        """
        if self._runner.server is None:
            await self._runner.setup()
        if self._address and self._address.port == address.port:  # one port on two addresses is in its own way
            await self._swap(address, self._address)
            return
        before = self._site
        await self._open(address)
        if before:
            await before.stop()

    async def stop(self) -> None:
        """Answer no more."""
        self._address = None
        await self._runner.cleanup()

    async def _swap(self, address: Address, before: Address) -> None:
        if self._site:
            await self._site.stop()
        try:
            await self._open(address)
        except ListenError:
            await self._open(before)
            raise

    async def _open(self, address: Address) -> None:
        listening = open_socket(address)
        self._site = web.SockSite(self._runner, listening)
        await self._site.start()
        self._address = bound_address(listening, address)
