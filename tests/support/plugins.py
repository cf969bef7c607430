"""Sockets of plugins, well-behaved or not, and the collector that polls them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from agent.exposition.formats import Format
from agent.exposition.render import Renderer
from collectors.plugins.collector import PluginsCollector
from collectors.plugins.config import PluginsConfig
from collectors.plugins.push.listener import PushListener
from collectors.units import Duration
from tests.support.waiting import PATIENCE, soon

Talk = Callable[[socket.socket], None]

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def answer(page: bytes, content_type: str = TEXT, *, status: str = "200 OK", extra: str = "") -> bytes:
    """Return an HTTP answer with a length."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(page)}\r\n{extra}\r\n"
    return head.encode() + page


class Listener:
    """A Unix socket with a thread for each connection."""

    def __init__(self, path: Path, talk: Talk) -> None:
        self.path = path
        self._talk = talk
        self._connections: list[socket.socket] = []
        self._lock = threading.Lock()
        self._closed = False
        self._socket = socket.socket(socket.AF_UNIX)
        path.unlink(missing_ok=True)
        self._socket.bind(str(path))
        self._socket.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self, *, leave_file: bool = False) -> None:
        """Stop listening, and close all connections."""
        with self._lock:
            self._closed = True
        for each in (self._socket, *self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        if not leave_file:
            self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._socket.accept()
                with self._lock:
                    if self._closed:
                        connection.close()
                        return
                    self._connections.append(connection)
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the other end may close at any time
            self._talk(connection)


class Engine(Listener):
    """A well-behaved plugin: answers each question with its page.

    Attributes:
        page: The page of its answers. It may change at any time.
        polls: The number of polls.
        connections: The number of connections.
    """

    def __init__(self, directory: Path, page: str | bytes, name: str = "engine.1", content_type: str = TEXT) -> None:
        self.page = page
        self.polls = 0
        self.connections = 0
        self._content_type = content_type
        super().__init__(directory / f"{name}.sock", self._answer_all)

    def _answer_all(self, connection: socket.socket) -> None:
        self.connections += 1
        while request := read_request(connection):
            assert request.startswith(b"GET /metrics HTTP/1.1\r\n")
            page = self.page if isinstance(self.page, bytes) else self.page.encode()
            connection.sendall(answer(page, self._content_type))
            self.polls += 1


def read_request(connection: socket.socket) -> bytes:
    """Return one request without a body, empty when the other end has closed."""
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        received = connection.recv(4096)
        if not received:
            return b""
        request += received
    return request


class Watch:
    """A collector that runs."""

    def __init__(self, collector: PluginsCollector) -> None:
        self.collector = collector

    def page(self) -> str:
        """Return the exported page as text."""
        rendered = Renderer().render([("plugins", list(self.collector.collect()))], Format.TEXT)
        assert rendered.errors == {}
        return rendered.body.decode()

    def samples(self) -> dict[str, float]:
        """Return the exported values by the text before them."""
        lines = (line.rpartition(" ") for line in self.page().splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def shows(self, name: str, value: float) -> bool:
        """Tell if it exports this."""
        return self.samples().get(name) == value

    def rejected(self, plugin: str = "engine") -> dict[str, float]:
        """Return the number of refusals by reason."""
        prefix = f'wr_agent_plugin_rejected_total{{plugin="{plugin}",reason="'
        return {
            name.removeprefix(prefix).removesuffix('"}'): value
            for name, value in self.samples().items()
            if name.startswith(prefix)
        }

    async def eventually(self, look: Callable[[], object], what: str) -> None:
        """Wait until `look` returns something true."""
        try:
            await soon(look, what)
        except AssertionError as error:
            error.add_note(self.page())
            raise

    async def polled(self, *engines: Engine, times: int = 2) -> None:
        """Wait for so many further polls of these: the totals then have their earlier pages."""
        wanted = [(engine, engine.polls + times) for engine in engines]
        await self.eventually(lambda: all(engine.polls >= polls for engine, polls in wanted), "the engines are polled")


@contextlib.asynccontextmanager
async def watching(
    config: PluginsConfig, state_directory: Path | None = None, listener: PushListener | None = None
) -> AsyncIterator[Watch]:
    """Yield a collector that polls and receives pushes, and stop it afterwards."""
    collector = PluginsCollector(config, state_directory, listener)
    collector.prepare()
    collector.restore()
    running = asyncio.create_task(collector.run())
    try:
        yield Watch(collector)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def quickly(directory: Path, **settings: object) -> PluginsConfig:
    """Return a configuration that polls the sockets of one directory ten times a second, with a long timeout."""
    defaults = {"directories": [str(directory)], "interval": Duration(0.1), "timeout": Duration(PATIENCE)}
    return PluginsConfig(**(defaults | settings))  # type: ignore[arg-type]  # each test gives the types of its keys


@contextlib.contextmanager
def closing(*listeners: Listener) -> Iterator[None]:
    """Close listeners afterwards."""
    try:
        yield
    finally:
        for listener in listeners:
            listener.close()
