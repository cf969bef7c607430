"""The texts of requests that have no answer."""

from __future__ import annotations

import asyncio

import pytest

from collectors.http_push.answer import NO_ANSWER
from collectors.http_push.poster import Poster
from collectors.logs.loki.config import LokiConfig, LokiUrl


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
