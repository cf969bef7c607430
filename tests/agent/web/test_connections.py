"""The limits of a peer with bare sockets, while a good scraper gets its answers."""

import asyncio
import contextlib
import errno
import socket
import ssl
import struct
import time
import zlib
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import web

from agent.config.loader import parse
from agent.core.collectors import Collectors
from agent.core.status import Status
from agent.web.connections import Connection, Connections, Limits
from agent.web.server import WebServer
from collectors.address import Address
from collectors.base import Collector
from collectors.metrics import Family, gauge
from tests.support.certificates import Authority
from tests.support.waiting import PATIENCE, eventually

PATIENT = Limits(total=12, of_one=8, request=PATIENCE, answer=PATIENCE, idle=2 * PATIENCE)
"""Connections end by crowding alone, however slow the machine is."""

SLOW_REQUEST = replace(PATIENT, request=0.5)
SLOW_READER = replace(PATIENT, answer=0.5)
IDLE = replace(PATIENT, answer=0.2, idle=0.5)
"""Short timeouts of one kind. A connection is idle once the time for its answer is over."""

HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
METRICS = b"GET /metrics?collect[]=big HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Big(Collector):
    """A page that no socket's buffers hold."""

    name = "big"

    def __init__(self) -> None:
        self._families = [gauge("big_value", "B.", {(f"{n:0100}",): 1.0 for n in range(100_000)}, ("n",))]

    def collect(self) -> list[Family]:
        return self._families


class Server:
    """A server with tight limits, in a thread of its own."""

    def __init__(self, config: str = "", limits: Limits = PATIENT) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = Thread(target=self.loop.run_forever)
        self._thread.start()
        off = "host.enabled = false\nplugins.enabled = false\naudio.enabled = false\nweb.collect_timeout = '60s'"
        self.sources: Collectors
        self.web: WebServer
        self.sources, self.web = self._call(self._start(f"{off}\n{config}", limits))
        self.port = int(self.web.url.rsplit(":", 1)[1])

    async def _start(self, config: str, limits: Limits) -> tuple[Collectors, WebServer]:
        sources = Collectors(parse(config, "test"))
        await sources.security.read()
        sources.supervisor.add(Big())
        web = WebServer(sources.pages(self._status), sources.security, limits=limits)
        await web.listen(Address("127.0.0.1", 0))
        return sources, web

    async def _status(self) -> Status:
        raise NotImplementedError

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever the work gives
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def answers(self) -> bool:
        """Tell if a new caller gets its answer."""
        with self.connect() as good:
            return answered(good)

    def served(self) -> socket.socket:
        """Return a new connection that has got an answer: a busy machine may need a few."""
        return eventually(self._try_to_serve, "a good caller is answered")

    def _try_to_serve(self) -> socket.socket | None:
        peer = self.connect()
        if answered(peer):
            return peer
        peer.close()
        return None

    def ended(self, reason: str) -> int:
        return self.sources.security.ended[reason]

    def ended_in_all(self) -> int:
        return sum(self.sources.security.ended.values())

    def retire(self) -> None:
        self.loop.call_soon_threadsafe(self.web.retire)

    def close(self) -> None:
        self._call(self.web.stop())
        self._call(self.sources.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture(params=[PATIENT])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    running = Server(limits=request.param)
    yield running
    running.close()


def limits(of_server: Limits) -> pytest.MarkDecorator:
    """Return the mark that gives the server of a test these limits."""
    return pytest.mark.parametrize("server", [of_server], indirect=True, ids=[""])


async def answer_nothing(_request: web.BaseRequest) -> web.StreamResponse:
    raise NotImplementedError


def answered(connected: socket.socket, request: bytes = HEALTHY) -> bool:
    """Tell if the server answers a request on this connection."""
    try:
        connected.sendall(request)
        return connected.recv(65536).startswith(b"HTTP/1.1 200 ")
    except ConnectionError:
        return False


def closed(connected: socket.socket) -> bool:
    """Wait for the server to close the connection, and tell if it did. Ignore earlier data."""
    try:
        while connected.recv(1 << 20):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


@limits(SLOW_REQUEST)
@pytest.mark.parametrize("sent", [b"", b"GET /metrics HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_half_a_request_ends_in_time(server: Server, sent: bytes) -> None:
    with server.connect() as peer:
        peer.sendall(sent)
        eventually(server.answers, "a good caller is answered")
        assert closed(peer)

    assert server.ended("slow_request") >= 1


@limits(SLOW_REQUEST)
def test_a_header_that_drips_for_ever_ends_in_time(server: Server) -> None:
    def drip(peer: socket.socket) -> None:
        peer.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(600):
            peer.sendall(b"X: y\r\n")
            time.sleep(0.05)

    with server.connect() as peer, pytest.raises(ConnectionError):
        drip(peer)

    assert server.ended("slow_request") == 1


@limits(SLOW_REQUEST)
def test_a_second_request_has_its_own_time(server: Server) -> None:
    with server.served() as peer:
        before = server.ended("slow_request")
        peer.sendall(HEALTHY[:10])
        assert closed(peer)

    assert server.ended("slow_request") == before + 1


@limits(replace(PATIENT, request=0.2, answer=0.2))
def test_a_connection_is_kept_for_the_next_scrape(server: Server) -> None:
    with server.served() as peer:
        time.sleep(0.7)  # longer than a request and its answer may take: it is idle
        assert answered(peer)


@limits(IDLE)
def test_a_connection_is_not_kept_without_a_scrape(server: Server) -> None:
    with server.connect() as peer:
        assert answered(peer)
        assert closed(peer)

    assert server.ended("idle") == 1


@limits(SLOW_READER)
def test_a_reader_that_stops_is_let_go(server: Server) -> None:
    with server.connect() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.sendall(METRICS)
        assert server.answers()
        eventually(lambda: server.ended("slow_reader"), "the reader that takes nothing is let go")


def test_requests_in_one_go_are_answered_one_by_one(server: Server) -> None:
    with server.connect() as peer:
        peer.sendall(HEALTHY * 200)
        got = b""
        while got.count(b"wr-agent is healthy.") < 200:
            received = peer.recv(65536)
            assert received, "the server closed the connection"
            got += received
        assert server.answers()


@limits(replace(PATIENT, request=0.5, answer=0.5))
def test_a_reader_of_requests_in_one_go_that_stops_is_let_go(server: Server) -> None:
    with server.connect() as peer:
        # Small buffers fill up early: the server answers few of the requests before it waits for the reader.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.settimeout(1)
        with pytest.raises((TimeoutError, ConnectionError)):
            peer.sendall(HEALTHY * 1_000_000)
        eventually(lambda: server.ended("slow_reader") + server.ended("slow_request"), "it is let go")
    eventually(server.answers, "a good caller is answered")


@pytest.mark.parametrize(
    "request_",
    [b"GET /" + b"a" * 20_000, b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 90],
)
def test_large_heads_are_refused(server: Server, request_: bytes) -> None:
    with server.connect() as peer:
        peer.sendall(request_ + b"\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.0 400 ")
        assert closed(peer)


@pytest.mark.parametrize(
    "request_",
    [b"\0\1\2\3", b"GET", b"GET / HTTP/9.9", b"GET / HTTP/1.1\r\nContent-Length: x", b"PRI * HTTP/2.0\r\n\r\nSM"],
)
def test_what_is_no_http_is_refused_and_cannot_fill_the_log(
    server: Server, caplog: pytest.LogCaptureFixture, request_: bytes
) -> None:
    with server.connect() as peer:
        peer.sendall(request_ + b"\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.0 400 ")
        assert closed(peer)

    assert caplog.text == ""


def test_a_mistake_of_the_agent_itself_is_logged(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with server.connect() as peer:
        assert not answered(peer, HEALTHY.replace(b"healthy", b"status"))

    assert "NotImplementedError" in caplog.text


def test_accepting_goes_on_after_the_system_had_no_room(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real = server.loop.sock_accept
    failures = iter([OSError(errno.EMFILE, "Too many open files"), ConnectionAbortedError()])

    async def accept(listening: socket.socket) -> tuple[socket.socket, Any]:
        for failure in failures:
            raise failure
        return await real(listening)

    monkeypatch.setattr(server.loop, "sock_accept", accept)
    for _ in range(3):
        with server.connect() as peer:
            assert answered(peer)
    assert next(failures, None) is None


@limits(replace(PATIENT, request=0.5, answer=0.5))
def test_a_body_that_never_ends_is_let_go(server: Server) -> None:
    with server.connect() as peer:
        peer.sendall(b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 405 ")
        assert closed(peer)


def bomb() -> bytes:
    """Return 128 MiB of zeros as 128 KiB of gzip."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(deflater.compress(bytes(1 << 20)) for _ in range(128)), deflater.flush()])


BOMB = bomb()
CHUNKED = b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        CHUNKED + b"Content-Encoding: gzip\r\n\r\n" + b"%x\r\n" % len(BOMB) + BOMB + b"\r\n0\r\n\r\n",
        CHUNKED + b"Content-Encoding: gzip\r\n\r\n9\r\nnot gzip!\r\n0\r\n\r\n",
        CHUNKED + b"Content-Encoding: br\r\n\r\n9\r\nnot brotl\r\n0\r\n\r\n",
        CHUNKED + b"\r\n" + b"1\r\nx\r\n" * 200_000,
        CHUNKED + b"\r\nzz\r\n",
        CHUNKED + b"Trailer: x\r\n\r\n0\r\n" + b"X: y\r\n" * 100_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + bytes(1 << 20),
        b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n" + bytes(1 << 20),
        b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=a\r\n"
        b"Content-Length: 1000000\r\n\r\n" + b"--a\r\n\r\n" * 100_000,
    ],
    ids=["bomb", "no gzip", "no brotli", "tiny chunks", "no chunk", "trailers", "upgrade", "connect", "multipart"],
)  # fmt: skip
def test_bodies_cost_next_to_nothing(server: Server, caplog: pytest.LogCaptureFixture, sent: bytes) -> None:
    spent = time.process_time()
    for _ in range(10):
        with server.connect() as peer, contextlib.suppress(ConnectionError):
            peer.sendall(sent)
            assert closed(peer)
    with server.connect() as good:
        assert answered(good)

    assert time.process_time() - spent < 1
    assert caplog.records == []


@pytest.mark.parametrize("path", [b"/metrics", b"/-/healthy"])
def test_a_short_body_is_skipped(server: Server, path: bytes) -> None:
    with server.connect() as peer:
        peer.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhe")
        time.sleep(0.1)
        peer.sendall(b"llo")
        assert peer.recv(65536).startswith(b"HTTP/1.1 405 ")
        assert answered(peer)


def test_a_connection_that_served_outlasts_those_that_never_did(server: Server) -> None:
    with ExitStack() as held:
        good = held.enter_context(server.connect())
        assert answered(good)
        for _ in range(4 * PATIENT.total):
            held.enter_context(server.connect())
        crowded_out = 4 * PATIENT.total + 1 - PATIENT.of_one
        eventually(lambda: server.ended("crowded_out") == crowded_out, "others made room")

        assert answered(good)


def test_one_caller_cannot_keep_a_good_one_out(server: Server) -> None:
    with ExitStack() as held:
        peers = [held.enter_context(server.connect()) for _ in range(4 * PATIENT.total)]
        good = held.enter_context(server.connect())

        assert answered(good)
        assert closed(peers[0])
        crowded_out = 4 * PATIENT.total + 1 - PATIENT.of_one
        eventually(lambda: server.ended("crowded_out") == crowded_out, "the oldest made room")
        assert server.ended_in_all() == crowded_out


async def test_only_connections_that_nobody_answers_make_room_for_new_ones() -> None:
    ended: Counter[str] = Counter()
    connections = Connections(Limits(total=3, of_one=2), ended)
    inner = web.Server(answer_nothing)

    first, second = connections.add("a", inner()), connections.add("a", inner())
    assert first
    assert second
    first.begin_work()
    third = connections.add("a", inner())  # in the second one's place
    assert third
    assert ended["crowded_out"] == 0, "it is counted when it is gone"
    second.connection_lost(None)
    assert ended == {"crowded_out": 1}
    third.begin_work()
    assert connections.add("a", inner()) is None
    assert connections.add("b", inner())
    assert ended["refused"] == 1


async def test_a_connection_that_made_room_before_it_was_open_is_closed() -> None:
    ended: Counter[str] = Counter()
    connections = Connections(Limits(total=1, of_one=1), ended)
    inner, transport = web.Server(answer_nothing), Mock(spec=asyncio.Transport)
    first = connections.add("a", inner())
    assert first
    assert connections.add("a", inner())

    first.connection_made(transport)

    transport.abort.assert_called_once_with()
    first.connection_lost(None)
    assert ended == {"crowded_out": 1}


async def test_a_connection_that_fails_to_open_is_counted_once() -> None:
    ended: Counter[str] = Counter()
    connections = Connections(Limits(total=1, of_one=1), ended)
    inner = web.Server(answer_nothing)
    first = connections.add("a", inner())
    assert first
    first.opening = asyncio.create_task(asyncio.sleep(PATIENCE))
    assert connections.add("a", inner())
    with contextlib.suppress(asyncio.CancelledError):
        await first.opening

    first.connection_made(Mock(spec=asyncio.Transport))
    connections.fail(first)
    first.connection_lost(None)

    assert ended == {"crowded_out": 1}


async def test_a_connection_that_made_room_just_after_it_opened_is_closed() -> None:
    connections = Connections(Limits(total=1, of_one=1), Counter())
    inner, transport = web.Server(answer_nothing), Mock(spec=asyncio.Transport)
    first = connections.add("a", inner())
    assert first
    first.connection_made(transport)
    first.opening = asyncio.create_task(asyncio.sleep(0))
    await first.opening  # done, but its callbacks have not run
    assert connections.add("a", inner())

    transport.abort.assert_called_once_with()


def test_a_full_buffer_stops_aiohttp_from_answering_more() -> None:
    inner = Mock(spec=web.RequestHandler)
    connection = Connection("a", inner, PATIENT, Mock())

    connection.pause_writing()
    inner.pause_writing.assert_called_once_with()
    connection.resume_writing()
    inner.resume_writing.assert_called_once_with()


@limits(replace(PATIENT, answer=0.2))
def test_connections_of_older_rules_end_after_the_answer(server: Server) -> None:
    with server.served() as idle:
        time.sleep(0.5)  # until it counts as idle
        fresh = server.connect()
        assert answered(fresh)
        server.retire()
        assert closed(idle)
    with fresh:
        fresh.sendall(HEALTHY)
        assert b"Connection: close" in fresh.recv(65536)
        assert closed(fresh)
    with server.connect() as new:
        assert answered(new)


@pytest.fixture(params=[PATIENT])
def tls_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, ssl.SSLContext]]:
    authority = Authority(tmp_path)
    made = authority.issue("server")
    (tmp_path / "web.yml").write_text(f"tls_server_config: {{cert_file: {made.cert}, key_file: {made.key}}}")
    running = Server(f'web.config_file = "{tmp_path}/web.yml"', request.param)
    yield running, ssl.create_default_context(cafile=str(authority.cert))
    running.close()


Break = Callable[[socket.socket], None]


def say_nothing(_peer: socket.socket) -> None:
    pass


def send_half_a_hello(peer: socket.socket) -> None:
    peer.sendall(b"\x16\x03\x01\x02\x00\x01\x00")


def speak_http(peer: socket.socket) -> None:
    peer.sendall(HEALTHY)


@pytest.mark.parametrize("tls_server", [SLOW_REQUEST], indirect=True)
@pytest.mark.parametrize("misbehave", [say_nothing, send_half_a_hello, speak_http])
def test_broken_handshakes_end_in_time_and_hold_up_nobody(
    tls_server: tuple[Server, ssl.SSLContext], misbehave: Break
) -> None:
    server, context = tls_server
    with ExitStack() as held:
        peers = [held.enter_context(server.connect()) for _ in range(PATIENT.of_one - 2)]
        for peer in peers:
            misbehave(peer)
        eventually(lambda: _is_answered(server, context), "a good caller is answered")
        eventually(lambda: server.ended("handshake") >= len(peers), "the broken handshakes ended")


def test_peers_that_are_gone_before_they_are_accepted_hold_up_nobody(
    tls_server: tuple[Server, ssl.SSLContext],
) -> None:
    server, context = tls_server
    for _ in range(4 * PATIENT.total):
        with server.connect() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, at the close
    with context.wrap_socket(server.connect(), server_hostname="localhost") as good:
        assert answered(good)


def _is_answered(server: Server, context: ssl.SSLContext) -> bool:
    """Tell if a new caller gets its answer: its handshake may be too slow on a busy machine."""
    with contextlib.suppress(OSError), context.wrap_socket(server.connect(), server_hostname="localhost") as good:
        return answered(good)
    return False


def test_handshakes_count_as_connections(tls_server: tuple[Server, ssl.SSLContext]) -> None:
    server, context = tls_server
    with ExitStack() as held:
        for _ in range(4 * PATIENT.total):
            held.enter_context(server.connect())
        with context.wrap_socket(server.connect(), server_hostname="localhost") as good:
            assert answered(good)
        crowded_out = 4 * PATIENT.total + 1 - PATIENT.of_one
        eventually(lambda: server.ended("crowded_out") == crowded_out, "the oldest made room")
