"""The stand-in's HTTP side, a process of its own: the push API, with faults on command.

Commands come as JSON lines on standard input, `{"do": NAME, …}`, one answer each on standard output, as
`tests.support.loki` speaks them. Ends with its standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from tests.support.loki_body import BodyError, Pushed, count, decode
from tests.support.loki_store import Limits, Store

PUSH = "/loki/api/v1/push"


class Fault(msgspec.Struct):
    """A fault of requests, instead of the normal answer or before it.

    Attributes:
        kind: `answer` gives a status and text, and stores nothing; `slow` waits first; `drop-before` and `drop-after`
            break the connection before or after storing; `poison` answers 400 to requests with the line "poison".
        times: The number of requests that it affects. None means all until it is cleared.
    """

    kind: str
    times: int | None = None
    seconds: float = 0.0
    status: int = 503
    text: str = ""
    headers: dict[str, str] = {}


class Seen(msgspec.Struct):
    """One request and its answer."""

    status: int
    entries: int
    streams: list[dict[str, str]]
    wire_bytes: int
    headers: dict[str, str]


class Server:
    """A Loki that keeps all entries."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.store = Store(Limits())
        self.fault: Fault | None = None
        self.seen: list[Seen] = []
        self.counted = Counter(requests=0, entries=0, wire_bytes=0)
        self.overlaps = 0
        self.most_at_once = 0
        self.at_once: Counter[str] = Counter()
        self.runner: web.AppRunner | None = None
        self.reserved = _reserved(options.port)
        self.port: int = self.reserved.getsockname()[1]

    # HTTP

    async def up(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post(PUSH, self._count if self.options.counting else self._push)
        app.router.add_get("/ready", self._ready)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.0, auto_decompress=False)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port, ssl_context=self._tls(), reuse_port=True).start()

    async def down(self) -> None:
        """Break all connections and stop listening."""
        if self.runner is None:
            return
        if self.runner.server is not None:
            for connection in self.runner.server.connections:
                if connection.transport is not None:
                    connection.transport.abort()
        await self.runner.cleanup()
        self.runner = None

    def _tls(self) -> ssl.SSLContext | None:
        if not self.options.cert:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.options.client_ca)
        context.load_cert_chain(self.options.cert, self.options.key)
        if self.options.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    async def _ready(self, _: web.Request) -> web.Response:
        return web.Response(text="ready\n")

    async def _count(self, request: web.Request) -> web.Response:
        body = await request.read()
        entries = count(body, request.content_type, request.headers.get("Content-Encoding", ""))
        self.counted.update(requests=1, entries=entries, wire_bytes=len(body))
        return web.Response(status=204)

    async def _push(self, request: web.Request) -> web.Response:
        body = await request.read()
        fault = self._struck()
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind == "drop-before":
            return self._dropped(request)
        if fault and fault.kind == "answer":
            return self._said(request, body, [], (fault.status, fault.text), fault.headers)
        status, text, streams = await self._judged(request, body, fault)
        if fault and fault.kind == "drop-after":
            return self._dropped(request)
        return self._said(request, body, streams, (status, text), {})

    async def _judged(self, request: web.Request, body: bytes, fault: Fault | None) -> tuple[int, str, list[Pushed]]:
        if not self._authorized(request):
            return 401, "no org id", []
        try:
            streams = decode(body, request.content_type, request.headers.get("Content-Encoding", ""))
        except BodyError as error:
            return 400, str(error), []
        if fault and fault.kind == "poison" and any(it.line == "poison" for one in streams for it in one.entries):
            return 400, fault.text, streams
        return *await self._stored(streams), streams

    async def _stored(self, streams: list[Pushed]) -> tuple[int, str]:
        names = [repr(it.labels) for it in streams]
        self.at_once.update(names)
        self.overlaps += sum(self.at_once[name] > 1 for name in names)
        self.most_at_once = max(self.most_at_once, self.at_once.total())
        await asyncio.sleep(self.options.latency)
        self.at_once.subtract(names)
        return self.store.push(streams, time.time_ns())

    def _struck(self) -> Fault | None:
        fault = self.fault
        if fault is None or fault.times is None:
            return fault
        if fault.times <= 0:
            return None
        fault.times -= 1
        return fault

    def _dropped(self, request: web.Request) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    def _said(
        self, request: web.Request, body: bytes, streams: list[Pushed], answer: tuple[int, str], more: dict[str, str]
    ) -> web.Response:
        status, text = answer
        headers = {name: request.headers[name] for name in self.options.show if name in request.headers}
        entries = sum(len(it.entries) for it in streams)
        self.seen.append(Seen(status, entries, [dict(it.labels) for it in streams], len(body), headers))
        if status == 204:
            return web.Response(status=204)
        return web.Response(status=status, text=text + "\n", headers=more)

    def _authorized(self, request: web.Request) -> bool:
        said = request.headers.get("Authorization", "")
        if self.options.token:
            return said == f"Bearer {self.options.token}"
        if self.options.user:
            return said == "Basic " + base64.b64encode(self.options.user.encode()).decode()
        return not self.options.tenants or "X-Scope-OrgID" in request.headers

    # Commands

    async def obey(self, command: dict[str, Any]) -> object:
        """Carry out one command, and return its answer."""
        what = command.pop("do")
        if what in {"up", "down"}:
            await (self.up() if what == "up" else self.down())
            return self.port
        commands: dict[str, Callable[..., object]] = {
            "fault": self._begin_fault,
            "limits": self._change_limits,
            "forget": self._forget,
            "entries": lambda: list(self.store.entries()),
            "requests": lambda: self.seen,
            "report": self.store.report,
            "refused": lambda: self.store.refused,
            "counted": lambda: self.counted,
            "concurrency": lambda: {"overlaps": self.overlaps, "most_at_once": self.most_at_once},
        }
        return commands[what](**command)

    def _begin_fault(self, **fault: object) -> None:
        self.fault = msgspec.convert(fault, Fault) if fault else None

    def _change_limits(self, **limits: float) -> None:
        for name, value in limits.items():
            setattr(self.store.limits, name, value)

    def _forget(self) -> None:
        self.store = Store(self.store.limits)
        self.seen.clear()


def _reserved(port: int) -> socket.socket:
    """Return a socket that keeps the port while the server does not listen: other programs get free ones."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(("127.0.0.1", port))
    return reserved


async def _main(options: argparse.Namespace) -> None:
    server = Server(options)
    await server.up()
    print(server.port, flush=True)  # noqa: T201 - the parent waits for it
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.buffer.readline):
        said = msgspec.json.encode(await server.obey(msgspec.json.decode(line)))
        sys.stdout.buffer.write(said + b"\n")
        sys.stdout.buffer.flush()
    await server.down()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--counting", action="store_true")
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--token")
    parser.add_argument("--user", help="NAME:PASSWORD")
    parser.add_argument("--tenants", action="store_true", help="refuse requests without a tenant")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--client-ca")
    parser.add_argument("--show", nargs="*", default=["Authorization", "X-Scope-OrgID", "Content-Encoding"])
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(_main(_options()))
