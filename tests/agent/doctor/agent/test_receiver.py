"""Requests of doctor with the access of a receiver."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.doctor.agent.receiver import ask
from collectors.http_push.answer import NO_ANSWER, NOT_SENT
from collectors.logs.loki.config import LokiConfig, LokiUrl


class _Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, b"x" * (2 << 20) if self.path == "/large" else b"page")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(202, f"{self.headers['Authorization']} {self.headers['X-More']} {body.decode()}".encode())

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_a_page_is_read_up_to_a_mebibyte(url: str) -> None:
    config = LokiConfig(url=LokiUrl(url))

    assert (ask(config, f"{url}/small", None, {}).code, ask(config, f"{url}/small", None, {}).text) == (200, "page")
    assert 1 << 20 <= len(ask(config, f"{url}/large", None, {}).text) < 2 << 20


def test_a_body_is_posted_with_the_credentials(url: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    config = LokiConfig(url=LokiUrl(url), token_file=str(tmp_path / "token"))

    answer = ask(config, f"{url}/push", b"body", {"X-More": "more"})
    assert (answer.code, answer.text) == (202, "Bearer secret more body")


def test_what_prevents_an_answer_is_told(url: str) -> None:
    nowhere = LokiConfig(url=LokiUrl("http://127.0.0.1:1"))
    tokenless = LokiConfig(url=LokiUrl(url), token_file="/nowhere/token")  # noqa: S106 - a path

    assert ask(nowhere, "http://127.0.0.1:1/", None, {}).code == NO_ANSWER
    assert ask(tokenless, url, None, {}).code == NOT_SENT
