"""The content of remote-write requests, and a receiver in this process that answers as it is asked to."""

from __future__ import annotations

import contextlib
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import cramjam


class Sample(NamedTuple):
    """One sample. Its value is the number of the bits, so that each NaN is itself."""

    labels: tuple[tuple[str, str], ...]
    time: int
    bits: int

    @property
    def name(self) -> str:
        """The name of the metric."""
        return dict(self.labels)["__name__"]

    @property
    def value(self) -> float:
        """The value as a number."""
        return float(struct.unpack("<d", struct.pack("<Q", self.bits))[0])


STALE = 0x7FF0000000000002
"""The bits of a stale marker."""


def decoded(body: bytes) -> list[Sample]:
    """Return the samples of a request, in its order."""
    message = bytes(cramjam.snappy.decompress_raw(body))
    samples = []
    for _, series in _fields(message):
        labels: list[tuple[str, str]] = []
        for number, part in _fields(bytes(series)):
            fields = dict(_fields(bytes(part)))
            if number == 1:
                labels.append((bytes(fields[1]).decode(), bytes(fields.get(2, b"")).decode()))
            else:
                bits = int.from_bytes(bytes(fields.get(1, bytes(8))), "little")
                samples.append(Sample(tuple(labels), int(fields.get(2, 0)), bits))
    return samples


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            number, at = _varint(message, at)
            yield tag >> 3, number
            continue
        size, at = (8, at) if kind == 1 else _varint(message, at)
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


class Reply(NamedTuple):
    """An answer."""

    status: int
    text: str = ""
    headers: Mapping[str, str] = {}


Rule = Callable[[list[Sample]], Reply]


class Receiver:
    """A receiver that stores what its rule accepts with 204."""

    def __init__(self) -> None:
        self.rule: Rule = lambda _: Reply(204)
        self.requests: list[tuple[int, list[Sample]]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    @property
    def stored(self) -> list[Sample]:
        """The samples of all accepted requests, in order, without the agent's probe."""
        found = [one for status, samples in list(self.requests) if status == 204 for one in samples]
        return [one for one in found if one.name != "wr_agent_remote_write_probe"]

    def take(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Return the answer to a request, and note the request."""
        samples = decoded(body)
        reply = self.rule(samples)
        self.headers.append(dict(headers))
        self.requests.append((reply.status, samples))
        return reply


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    """Yield a receiver on a free port of loopback."""
    its = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = its.take(body, dict(self.headers))
            content = reply.text.encode()
            with contextlib.suppress(OSError):
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(b"" if reply.status == 204 else content)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    its.url = f"http://127.0.0.1:{server.server_port}/api/v1/write"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield its
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
