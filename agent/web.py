"""What the agent answers over HTTP, and the server that answers it.

`GET /metrics`, `/-/healthy`, `/-/ready`, `/-/status` (JSON, for the commands), `/` (for a person) with what it needs:
`/-/assets/…` and `/-/events`.
"""

from __future__ import annotations

import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import structlog
from aiohttp import web

from agent import control, page
from agent.address import Address
from agent.connections import Connections, Limits
from agent.exposition.formats import Encoding
from agent.exposition.negotiate import choose_encoding, choose_format
from agent.exposition.shared import SharedExposition
from agent.http_server import HttpServer
from agent.listener import ListenError, bound_address, open_socket
from agent.live.events import EventStreams
from agent.live.standing import standing
from agent.selection import SelectionError, select
from agent.sources import Sources
from agent.status import Status
from agent.websecurity.guard import Guard, network
from agent.websecurity.security import WebSecurity

log = structlog.get_logger()


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
        self.streams = EventStreams(sources.sampler, lambda: standing(sources))

    def control(self) -> web.Application:
        """The handlers that commands on this machine need."""
        app = web.Application()
        app.add_routes([web.get("/-/status", self._status_document), web.get("/metrics", self._metrics)])
        return app

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
                web.get("/-/assets/{name}", self._asset),
                web.get("/-/events", self.streams.handle, allow_head=False),
            ]
        )
        return app

    async def _metrics(self, request: web.Request) -> web.Response:
        collect, exclude = (request.query.getall(key, []) for key in ("collect[]", "exclude[]"))
        try:
            names = select(collect, exclude, self._sources.names, self._sources.parts)
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
        return _file("index.html", {"Content-Security-Policy": page.CONTENT_SECURITY_POLICY})

    async def _asset(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in page.FILES:
            raise web.HTTPNotFound
        return _file(name, {})


class WebServer:
    """The HTTP server on the agent's port, which can move to another address while it runs.

    Args:
        pages: What is answered.
        security: Who is answered.
        limits: What connections may take.
    """

    def __init__(self, pages: Pages, security: WebSecurity, limits: Limits | None = None) -> None:
        app = pages.application()
        self._streams = pages.streams
        guard = Guard(security)
        app.middlewares.append(guard.middleware)
        app.on_response_prepare.append(guard.add_headers)
        self._security = security
        self._server = HttpServer(app, caller_of, self._context, Connections(limits or Limits(), security.ended))
        self._listening: socket.socket | None = None
        self._address: Address | None = None

    @property
    def url(self) -> str:
        """Where it answers on this machine, without a trailing slash; empty while it does not."""
        scheme = "https" if self._security.current.tls else "http"
        return f"{scheme}://{self._address.local}" if self._address else ""

    async def listen(self, address: Address) -> None:
        """Answer on `address`, and no longer on the one before.

        Raises:
            ListenError: The address cannot be listened on; the one before stays.
        """
        before, old = self._listening, self._address
        if before and old and old.port == address.port:  # one port on two addresses is in its own way
            await self._server.leave(before)
            try:
                await self._open(address)
            except ListenError:
                await self._open(old)
                raise
            return
        await self._open(address)
        if before:
            await self._server.leave(before)

    def retire(self) -> None:
        """Have connections that were made under older rules end, each after the answer that it waits for."""
        self._server.connections.retire()
        self._streams.end()

    async def stop(self) -> None:
        """Answer no more."""
        self._address = None
        await self._server.stop()

    async def _open(self, address: Address) -> None:
        self._listening = open_socket(address)
        await self._server.listen(self._listening)
        self._address = bound_address(self._listening, address)

    def _context(self) -> ssl.SSLContext | None:
        tls = self._security.current.tls
        return tls.context if tls else None


class ControlServer:
    """The HTTP server on the control socket.

    Args:
        pages: What is answered.
    """

    def __init__(self, pages: Pages) -> None:
        self._server = HttpServer(pages.control(), control.admit, lambda: None, Connections(Limits(), Counter()))

    async def listen(self, directory: Path) -> None:
        """Answer on the control socket in `directory`; say so in the log if there can be none."""
        try:
            await self._server.listen(control.open_socket(directory))
        except control.ControlError as error:
            log.warning("wr-agent status and doctor cannot ask this agent", problem=str(error))

    async def stop(self) -> None:
        """Answer no more."""
        await self._server.stop()


def _file(name: str, headers: dict[str, str]) -> web.Response:
    """One of the page's files."""
    content_type = page.CONTENT_TYPES[Path(name).suffix]
    return web.Response(body=page.FILES[name], content_type=content_type, charset="utf-8", headers=headers)


def caller_of(connected: socket.socket) -> str | None:
    """The network at the other end of a TCP connection; `None` if it is gone already."""
    try:
        return network(str(connected.getpeername()[0]))
    except OSError:
        return None
