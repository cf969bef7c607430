"""One kept-open connection to a plugin, and HTTP over it: a question, an answer within limits.

Owns HTTP/1.0 and 1.1 (RFC 9112) as far as `GET /metrics` needs it, and no more. Over the bare socket, because an
exchange of 6.5 kB over a kept-open connection then takes a quarter of the processor time that it takes with aiohttp's
client (27 and 115 µs), and because whoever listens can be looked at before a byte is sent. Compressed answers are not
asked for and not taken: on one machine they cost more than they save, and what is not unpacked cannot be a bomb.
"""

from __future__ import annotations

import asyncio
import socket
from typing import NamedTuple

from collectors.plugins.refusals import Reason, RefusedError

_REQUEST = (
    b"GET /metrics HTTP/1.1\r\nHost: plugin\r\nUser-Agent: wr-agent\r\n"
    b"Accept: text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.9\r\n"
    b"Accept-Encoding: identity\r\n\r\n"
)
_HEAD_BYTES = 16 << 10
_MOST_CHUNKS = 4_096  # each costs time, however small it is
_MOST_TRAILERS = 64
_RECEIVE = 64 << 10
_BLANK_LINE = b"\r\n\r\n"


class HungUpError(ConnectionError):
    """The other end closed the connection before it answered: on a kept-open connection, because it was idle."""


class Answer(NamedTuple):
    """A page, and whether it is OpenMetrics rather than text 0.0.4."""

    body: bytes
    openmetrics: bool


class _Head(NamedTuple):
    http11: bool
    status: int
    fields: dict[str, str]


class Connection:
    """A connection. Every deadline is the caller's."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._over = False

    async def get(self, max_bytes: int) -> Answer:
        """Ask for the metrics.

        Raises:
            HungUpError: There was no answer at all.
            RefusedError: What came is no answer that can be taken.
            OSError: The connection broke.
        """
        try:
            await self._loop.sock_sendall(self._socket, _REQUEST)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise HungUpError from error
        head = _head(await self._head_bytes())
        openmetrics = _check(head)
        body = await self._body(head, max_bytes)
        return Answer(body, openmetrics)

    @property
    def reusable(self) -> bool:
        """Whether another question may be asked."""
        return not self._over and not self._received

    def close(self) -> None:
        """Close it."""
        self._over = True
        self._socket.close()

    async def _head_bytes(self) -> bytes:
        while (end := self._received.find(_BLANK_LINE)) < 0:
            if len(self._received) > _HEAD_BYTES:
                raise RefusedError(Reason.NOT_HTTP, f"the head of the answer is longer than {_HEAD_BYTES} bytes")
            if not await self._receive():
                if not self._received:
                    raise HungUpError
                raise RefusedError(Reason.TRUNCATED, "the answer ends within its head")
        return self._taken(end + len(_BLANK_LINE))

    async def _body(self, head: _Head, max_bytes: int) -> bytes:
        self._over = not _keeps_open(head)
        if head.fields.get("transfer-encoding", "identity").lower() != "identity":
            return await self._chunked(max_bytes)
        if "content-length" not in head.fields:
            self._over = True
            return await self._rest(max_bytes)
        length = _length(head.fields["content-length"], 10)
        _check_size(length, max_bytes)
        return await self._exactly(length)

    async def _chunked(self, max_bytes: int) -> bytes:
        body = bytearray()
        for _ in range(_MOST_CHUNKS):
            length = _length((await self._line()).partition(b";")[0].decode("latin-1").strip(), 16)
            _check_size(len(body) + length, max_bytes)
            if length == 0:
                await self._trailers()
                return bytes(body)
            body += await self._exactly(length)
            if await self._line():
                raise RefusedError(Reason.NOT_HTTP, "a chunk is longer than it says")
        raise RefusedError(Reason.TOO_LARGE, f"the answer has more than {_MOST_CHUNKS} chunks")

    async def _trailers(self) -> None:
        for _ in range(_MOST_TRAILERS):
            if not await self._line():
                return
        raise RefusedError(Reason.NOT_HTTP, f"the answer has more than {_MOST_TRAILERS} trailers")

    async def _line(self) -> bytes:
        while (end := self._received.find(b"\r\n")) < 0:
            if len(self._received) > _HEAD_BYTES:
                raise RefusedError(Reason.NOT_HTTP, f"expected a chunk's length, got more than {_HEAD_BYTES} bytes")
            await self._must_receive()
        return self._taken(end + 2)[:-2]

    async def _exactly(self, length: int) -> bytes:
        while len(self._received) < length:
            await self._must_receive()
        return self._taken(length)

    async def _rest(self, max_bytes: int) -> bytes:
        while await self._receive():
            _check_size(len(self._received), max_bytes)
        return self._taken(len(self._received))

    def _taken(self, length: int) -> bytes:
        taken = bytes(self._received[:length])
        del self._received[:length]
        return taken

    async def _must_receive(self) -> None:
        if not await self._receive():
            raise RefusedError(Reason.TRUNCATED, "the answer ends before its end")

    async def _receive(self) -> bool:
        try:
            data = await self._loop.sock_recv(self._socket, _RECEIVE)
        except ConnectionResetError:
            data = b""
        self._received += data
        return bool(data)


def _head(raw: bytes) -> _Head:
    status_line, *lines = raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    version, _, status = status_line.partition(" ")
    if not version.startswith("HTTP/1.") or not status[:3].isdecimal():
        raise RefusedError(Reason.NOT_HTTP, f"expected an answer such as HTTP/1.1 200 OK, got {status_line[:80]!r}")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return _Head(version == "HTTP/1.1", int(status[:3]), fields)


def _check(head: _Head) -> bool:
    """Whether the answer is OpenMetrics.

    Raises:
        RefusedError: It is no page of metrics.
    """
    if head.status != 200:  # noqa: PLR2004 - RFC 9110's OK
        raise RefusedError(Reason.HTTP_STATUS, f"expected 200 for GET /metrics, got {head.status}")
    if (encoding := head.fields.get("content-encoding", "identity").lower()) != "identity":
        raise RefusedError(Reason.CONTENT_ENCODING, f"expected a plain answer, as was asked for, got {encoding[:40]!r}")
    said = head.fields.get("content-type", "")
    kind = said.partition(";")[0].strip().lower()
    if kind not in ("text/plain", "application/openmetrics-text"):
        raise RefusedError(
            Reason.CONTENT_TYPE, f"expected text/plain or application/openmetrics-text, got {said[:80]!r}"
        )
    return kind != "text/plain"


def _keeps_open(head: _Head) -> bool:
    said = head.fields.get("connection", "").lower()
    return "close" not in said if head.http11 else "keep-alive" in said


def _length(text: str, base: int) -> int:
    try:
        length = int(text, base)
    except ValueError:
        length = -1
    if length < 0:
        raise RefusedError(Reason.NOT_HTTP, f"expected a length, got {text[:40]!r}")
    return length


def _check_size(length: int, max_bytes: int) -> None:
    if length > max_bytes:
        raise RefusedError(Reason.TOO_LARGE, f"expected at most {max_bytes} bytes (plugins.max_size), got {length}")
