"""A proxy before a receiver of remote write, which answers by itself, hangs, or hides answers."""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, get_args
from urllib.parse import urlsplit

import cramjam

Fault = Literal[
    "", "refuse", "limit", "error", "unavailable", "hang", "reset", "hide", "mixed", "poison", "poison_error"
]
"""The fault of a proxy: its own 400, 429, 500 or 503; no answer; a closed connection before or after the receiver
stored the request; one of these by chance; 400 or 500 for requests with the series `bench_poison`."""

FAULTS = tuple(fault for fault in get_args(Fault) if fault)
_BY_CHANCE: tuple[Fault, ...] = ("", "", "", "limit", "error", "unavailable", "reset", "hide")
_HANG = 3.0


class WriteProxy:
    """The state of a proxy: its receiver, its fault, and what it did."""

    def __init__(self, target: str, seed: int) -> None:
        self.fault: Fault = ""
        self.url = ""
        self.did: Counter[str] = Counter()
        self._target = urlsplit(target)
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request as the fault demands."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        fault = self._random.choice(_BY_CHANCE) if self.fault == "mixed" else self.fault
        self.did[fault or "forward"] += 1
        if fault in {"poison", "poison_error"}:
            fault = fault if b"bench_poison" in bytes(cramjam.snappy.decompress_raw(body)) else ""
        own = {
            "refuse": (400, "the gateway is being configured"),
            "limit": (429, "slow down"),
            "error": (500, "internal error"),
            "unavailable": (503, "unavailable"),
            "poison": (400, "a label is not allowed here"),
            "poison_error": (500, 'label name "x" is not unique'),
        }
        if fault == "hang":
            time.sleep(_HANG)
        elif fault == "reset":
            handler.close_connection = True
        elif fault in own:
            _reply(handler, *own[fault], retry_after="1" if fault == "limit" else "")
        else:
            self._forward(handler, body, hidden=fault == "hide")

    def _forward(self, handler: BaseHTTPRequestHandler, body: bytes, *, hidden: bool) -> None:
        try:
            connection = http.client.HTTPConnection(self._target.hostname or "", self._target.port, timeout=10)
            headers = {name: value for name, value in handler.headers.items() if name != "Host"}
            connection.request("POST", self._target.path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            connection.close()
        except OSError:
            _reply(handler, 502, "bad gateway")
            return
        if hidden:
            handler.close_connection = True
        else:
            self.did[str(answer.status)] += 1
            _reply(handler, answer.status, text)


def _reply(handler: BaseHTTPRequestHandler, status: int, text: str, retry_after: str = "") -> None:
    content = b"" if status == 204 else text.encode()
    handler.send_response(status)
    if retry_after:
        handler.send_header("Retry-After", retry_after)
    if status != 204:
        handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@contextlib.contextmanager
def write_proxy(target: str, seed: int = 0) -> Iterator[WriteProxy]:
    """Yield a proxy on a free port of loopback, before the receiver at a URL."""
    proxy = WriteProxy(target, seed)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def do_POST(self) -> None:
            with contextlib.suppress(OSError):
                proxy.answer(self)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """Keep quiet: peers are killed."""

    server = Server(("127.0.0.1", 0), Handler)
    proxy.url = f"http://127.0.0.1:{server.server_port}/api/v1/write"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
