from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collectors.unix_http import Connection, Fault, HungUpError, ResponseError, connect, get_once, request

MAX = 1_000


@contextlib.asynccontextmanager
async def responding(path: Path, *responses: bytes, hang_up: bool = True) -> AsyncIterator[list[bytes]]:
    """Respond to each request of one connection in turn; yields the requests."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            for response in responses:
                requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(response)
                await writer.drain()
            if not hang_up:
                await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(serve, path):
        yield requests


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


async def fault_of(path: Path, response: bytes) -> Fault:
    async with responding(path, response):
        with pytest.raises(ResponseError) as caught:
            await get_once(str(path), "/", MAX)
    assert str(caught.value)
    return caught.value.fault


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
    ],
)
async def test_a_body_is_framed_in_each_way_of_http(path: Path, response: bytes) -> None:
    async with responding(path, response) as requests:
        assert await get_once(str(path), "/page", MAX, "somebody") == b"hello"

    assert requests[0].startswith(b"GET /page HTTP/1.1\r\nHost: somebody\r\n")


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        (b"\x00\x01 noise\r\n\r\n", Fault.NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", Fault.NOT_HTTP),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", Fault.NOT_HTTP),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", Fault.STATUS),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", Fault.ENCODING),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", Fault.TOO_LARGE),
        (b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 1001, Fault.TOO_LARGE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", Fault.TRUNCATED),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Fault.TRUNCATED),
    ],
)
async def test_a_response_that_cannot_be_used_has_its_fault(path: Path, response: bytes, fault: Fault) -> None:
    assert await fault_of(path, response) is fault


async def test_a_connection_is_used_again_while_its_length_is_known(path: Path) -> None:
    kept = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
    async with responding(path, kept, kept, b"HTTP/1.0 200 OK\r\n\r\nb"):
        connection = Connection(connect(str(path)))
        try:
            for _ in range(2):
                assert (await connection.get(request("/", "x"), MAX)).whole
                assert connection.reusable
            response = await connection.get(request("/", "x"), MAX)
        finally:
            connection.close()

    assert (response.body, response.whole, connection.reusable) == (b"b", False, False)


async def test_a_peer_that_closes_without_a_response_has_hung_up(path: Path) -> None:
    async with responding(path, b""):
        with pytest.raises(HungUpError):
            await get_once(str(path), "/", MAX)


async def test_a_full_queue_is_waited_for(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening, contextlib.ExitStack() as waiting:
        listening.bind(str(path))
        listening.listen(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                waiting.enter_context(connect(str(path)))
        asked = asyncio.create_task(get_once(str(path), "/", MAX))
        await asyncio.sleep(0.05)
        assert not asked.done()
        waiting.close()
        listening.listen(16)
        listening.setblocking(False)
        body = b""
        while not asked.done():
            with contextlib.suppress(BlockingIOError, ConnectionError):
                accepted, _ = listening.accept()
                with accepted:
                    accepted.setblocking(True)
                    if await asyncio.to_thread(accepted.recv, 4096):
                        accepted.sendall(b"HTTP/1.0 200 OK\r\n\r\nhere")
            await asyncio.sleep(0.01)
        body = await asked

    assert body == b"here"
