"""The texts of requests that have no answer."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from collectors.http_push.answer import NO_ANSWER
from collectors.http_push.poster import Poster
from collectors.logs.loki.config import LokiConfig, LokiUrl
from collectors.units import Duration
from tests.support.waiting import PATIENCE


@pytest.mark.parametrize(
    ("scheme", "answer", "text"),
    [
        ("http", b"", "the server closed the connection before the end of its answer"),
        ("http", b"220 mail.example ready\r\n", "the answer is no HTTP: bad status line"),
        (
            "http",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            "the server closed the connection before the end",
        ),
        (
            "https",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "cannot connect to 127.0.0.1:{port}: TLS failed: wrong version number",
        ),
    ],
)
async def test_a_request_without_an_answer_says_what_happened(scheme: str, answer: bytes, text: str) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(16)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"{scheme}://127.0.0.1:{port}"
        async with Poster(LokiConfig(url=LokiUrl(url)), url, {}) as poster:
            found = await poster.post(b"{}")

    assert found.code == NO_ANSWER
    assert found.text.startswith(text.format(port=port))


@pytest.mark.parametrize("head", [b"Server: caf\xe9 \xff", b"Caf\xe9: \xff", b"Server: \xff\r\nContent-Length: \xff"])
async def test_a_header_that_is_not_utf8_gives_a_text_that_is(head: bytes) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(16)
        writer.write(b"HTTP/1.1 502 caf\xe9\r\n" + head + b"\r\n\r\n\xff")
        writer.close()

    async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Poster(LokiConfig(url=LokiUrl(url)), url, {}) as poster:
            found = await poster.post(b"{}")

    assert found.shown().encode()


async def test_a_receiver_that_does_not_listen_refuses() -> None:
    async with Poster(LokiConfig(url=LokiUrl("http://127.0.0.1:1")), "http://127.0.0.1:1", {}) as poster:
        found = await poster.post(b"{}")

    assert (found.code, found.text) == (NO_ANSWER, "cannot connect to 127.0.0.1:1: Connection refused")


INTERIM, CHUNK = b"HTTP/1.1 100 Continue\r\n\r\n", b"1\r\nx\r\n"


@pytest.mark.parametrize(
    ("begin", "flood"),
    [
        (b"", INTERIM),
        (b"HTTP/1.1 400 Bad Request\r\n", b"X-A: b\r\n"),
        (b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n", CHUNK),
        (b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n"),
        (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", b"x"),
    ],
    ids=["interim answers", "headers", "one-byte chunks", "trailers", "upgrade"],
)
async def test_an_endless_answer_ends_and_lets_other_tasks_run(begin: bytes, flood: bytes) -> None:
    """Count the loop's turns: a stalled loop takes a handful, with any load of the machine."""
    with ThreadPoolExecutor() as threads, socket.create_server(("127.0.0.1", 0)) as server:
        served = threads.submit(_flood, server, begin, flood * (65_536 // len(flood)))
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        turns = 0
        async with Poster(LokiConfig(url=LokiUrl(url), timeout=Duration(2 * PATIENCE)), url, {}) as poster:
            posted = asyncio.ensure_future(poster.post(b"{}"))
            while not posted.done():
                turns += 1
                await asyncio.sleep(0)
        sent = served.result(PATIENCE)

    assert posted.result().code in {NO_ANSWER, 101, 400}
    assert sent < FLOOD_BYTES, "the agent closes the connection"
    assert turns > 10


FLOOD_BYTES = 64 << 20


def _flood(server: socket.socket, begin: bytes, flood: bytes) -> int:
    """Answer one request without an end; return the bytes that the client took."""
    peer, _ = server.accept()
    peer.settimeout(PATIENCE)
    sent = 0
    with peer, suppress(OSError):
        peer.recv(1024)
        peer.sendall(begin)
        while sent < FLOOD_BYTES:
            sent += peer.send(flood)
    return sent


async def test_answers_on_a_kept_connection_have_a_limit_each() -> None:
    body = b"x" * 60_000

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while await reader.read(4096):
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()
        await writer.wait_closed()

    connections: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Poster(LokiConfig(url=LokiUrl(url)), url, {}) as poster:
            for _ in range(10):
                assert (await poster.post(b"{}")).text == body.decode()

    assert len(connections) == 1
