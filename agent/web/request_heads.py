"""The splitter of a connection's bytes into requests, which have a body only where the server wants one.

A parser does expensive work for a body: it inflates it and calls back for each chunk. So aiohttp receives one request
at a time. A body that the server wants is whole, uncompressed and of an announced length. Without one, the headers that
announce a body are removed. A short unwanted body is skipped. The connection closes after the response to any other
request with a body, an upgrade or an unusual method.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_HELD = 64 * 1024
"""The maximum number of bytes to hold for one connection, and of a body to skip."""

_UNKNOWN = 1 << 62
_END = b"\r\n\r\n"
_METHOD = re.compile(rb"(?!PRI )[A-Z][A-Z-]{0,31}(?: |$)")  # PRI begins HTTP/2, which the parser refuses later
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_REUSABLE = re.compile(rb"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) ")
_LENGTH = re.compile(rb"[ \t]*\d{1,12}[ \t]*")
_BODY = re.compile(
    rb"(?<=[\r\n])(content-length|transfer-encoding|content-encoding|expect|upgrade)[ \t]*:"
    rb"([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)(?:\r\n)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Head:
    """One request as the parser receives it.

    Attributes:
        data: The request line, the headers and a wanted body, or malformed bytes for the parser to refuse.
        last: True if the connection must close after the response.
    """

    data: bytes
    last: bool


Bodies = Callable[[bytes], int]
"""Returns the limit of bytes of the body that the server wants after a head; 0 for no body."""


def no_bodies(_head: bytes) -> int:
    """Return 0: the server wants no body."""
    return 0


class RequestHeads:
    """The bytes of one connection that the parser has not received.

    Args:
        bodies: Returns the limit of a request's body.
    """

    def __init__(self, bodies: Bodies = no_bodies) -> None:
        self._bodies = bodies
        self._held = bytearray()
        self._body = 0
        self._searched = 0
        self._skip = 0
        self._head: Head | None = None
        self._ended = False

    def __len__(self) -> int:
        """Return the number of held bytes."""
        return len(self._held)

    @property
    def full(self) -> bool:
        """True if no more bytes should be added until some are removed."""
        return len(self._held) > MAX_HELD + self._body

    def feed(self, data: bytes) -> None:
        """Add received bytes, unless they follow the last request."""
        if self._ended:
            return
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._held += data[skipped:]

    def next(self) -> Head | None:
        """Remove and return the next head; `None` if it is incomplete, or its body is."""
        if self._head is None:
            self._head = self._split()
        if self._head is None or self._skip or len(self._held) < self._body:
            return None
        head, self._head = self._head, None
        self._ended = head.last
        body, self._body = self._take(self._body), 0
        if self._ended:
            self._held.clear()
        return Head(head.data + body, head.last) if body else head

    def _split(self) -> Head | None:
        held = self._held
        if held.startswith((b"\r", b"\n")):  # RFC 9112, 2.2: empty lines before a request
            self._take(len(held) - len(held.lstrip(b"\r\n")))
        start = max(0, self._searched - len(_END))
        end = held.find(_END, start)
        limit = len(held) if end < 0 else end
        if held and (not _METHOD.match(held[:33]) or _BARE_LINE_FEED.search(held, start, limit)):
            return Head(self._take(len(held)), last=True)
        self._searched = len(held)
        if end < 0:
            return None
        return self._without_body(self._take(end + len(_END)))

    def _without_body(self, data: bytes) -> Head:
        announced = _BODY.findall(data)
        if not announced:
            return Head(data, last=not _REUSABLE.match(data))
        short = len(announced) == 1 and announced[0][0].lower() == b"content-length"
        length = int(announced[0][1]) if short and _LENGTH.fullmatch(announced[0][1]) else _UNKNOWN
        if 0 < length <= self._bodies(data):
            self._body = length
            return Head(data, last=not _REUSABLE.match(data))
        if length <= MAX_HELD:
            self._skip = length - len(self._take(length))
        return Head(_BODY.sub(b"", data), last=length > MAX_HELD or not _REUSABLE.match(data))

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        self._searched = 0
        return taken
