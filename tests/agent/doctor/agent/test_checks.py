import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from agent.config.loader import parse
from agent.config.schema import Config
from agent.doctor.agent import loki
from agent.doctor.agent.checks import OwnChecks
from agent.doctor.agent.settings import Settings
from collectors.findings import Finding
from collectors.logs.loki.config import PUSH_PATH, LokiConfig, LokiUrl
from collectors.logs.loki.encode import EMPTY
from tests.agent.doctor.support import codes

LOGS = """
loki.url = "{url}"
[[logs.sources]]
name = "engine"
paths = ["{paths}"]
labels = {{ service = "engine", room = "a" }}
stages = [
  {{ json = {{ fields = ["level", "trace"] }} }},
  {{ labels = {{ fields = ["level"] }} }},
  {{ structured_metadata = {{ fields = ["trace"] }} }},
]
"""

NO_STREAMS = "error at least one valid stream is required for ingestion"


def source(paths: str) -> Config:
    return parse(LOGS.format(url="http://127.0.0.1:1", paths=paths), "test")


class FakeLoki:
    """An HTTP server with given answers, which remembers its requests."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str]] = {PUSH_PATH: (422, NO_STREAMS)}
        self.asked: list[tuple[str, str, bytes]] = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                owner.asked.append((self.command, self.path, body))
                code, text = owner.answers.get(self.path, (404, "404 page not found"))
                self.send_response(code)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def config(self) -> LokiConfig:
        return LokiConfig(url=LokiUrl(self.url))


@pytest.fixture(scope="module")
def serving() -> Iterator[FakeLoki]:
    fake = FakeLoki()
    thread = threading.Thread(target=fake.server.serve_forever)
    thread.start()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()
    thread.join()


@pytest.fixture
def lokid(serving: FakeLoki) -> FakeLoki:
    """A Loki that takes everything and tells no limits."""
    serving.answers = {PUSH_PATH: (422, NO_STREAMS)}
    serving.asked.clear()
    return serving


def look(config: Config, status: object = None) -> dict[str, list[Finding]]:
    checks = OwnChecks(Settings(None, config), status).checks()  # type: ignore[arg-type]  # what is used of a status
    return {check.name: list(check.run()) for check in checks if not check.skip}


def test_loki_is_asked_through_the_proxy_of_the_agent(lokid: FakeLoki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    (found,) = loki.check_access(lokid.config)

    assert found.code == "loki-unreachable"
    assert "cannot connect to the proxy 127.0.0.1:1: Connection refused" in found.detail
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert loki.check_access(lokid.config) == []


@pytest.mark.parametrize(
    "text",
    [
        "b0: &b0 [1]\n" + "".join(f"b{n}: &b{n} [{f'*b{n - 1}, ' * 9}]\n" for n in range(1, 9)),
        "a: &a {b: *a}\n",
        "[" * 500 + "]" * 500,
        "max_line_size: 256KB\nmax_line_size: 1KB\n",
        f"max_line_size: 256KB\nmore: {'x' * 400_000}\n",
        "max_line_size: [",
        "day: 2026-13-45\n",
    ],
    ids=["bomb", "loop", "deep", "twice", "long", "broken", "no date"],
)
def test_a_page_that_is_out_of_bounds_tells_no_limits(lokid: FakeLoki, text: str) -> None:
    lokid.answers[loki.LIMIT_PATHS[0]] = (200, text)

    assert loki.limits(lokid.config) == {}


def test_a_loki_that_takes_entries_is_well_and_gets_none(lokid: FakeLoki) -> None:
    assert loki.check_access(lokid.config) == []
    ((method, path, body),) = lokid.asked
    assert (method, path) == ("POST", "/loki/api/v1/push")
    assert body == EMPTY


@pytest.mark.parametrize(("code", "expected"), [(401, "loki-refuses"), (404, "loki-refuses")])
def test_a_loki_that_refuses_is_a_finding(lokid: FakeLoki, code: int, expected: str) -> None:
    lokid.answers[PUSH_PATH] = (code, "not you")

    assert codes(loki.check_access(lokid.config)) == [expected]


def test_a_loki_that_is_not_there_is_a_finding() -> None:
    assert codes(loki.check_access(LokiConfig(url=LokiUrl("http://127.0.0.1:1")))) == ["loki-unreachable"]


def test_a_token_that_cannot_be_read_is_a_finding(lokid: FakeLoki) -> None:
    config = msgspec.structs.replace(lokid.config, token_file="/no/such/token")  # noqa: S106 - a path

    (found,) = loki.check_access(config)

    assert "/no/such/token" in found.detail
    assert lokid.asked == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/config/tenant/v1/limits", "max_line_size: 256KB\n"),
        ("/config", "server: {}\nlimits_config:\n  max_line_size: 256KB\n"),
    ],
)
def test_limits_are_read_where_loki_tells_them(lokid: FakeLoki, path: str, text: str) -> None:
    lokid.answers[path] = (200, text)

    assert loki.limits(lokid.config) == {"max_line_size": "256KB"}


@pytest.mark.parametrize("text", ["", "a: [", "just text", "- a list"])
def test_limits_that_are_no_limits_are_none(lokid: FakeLoki, text: str) -> None:
    lokid.answers["/config"] = (200, text)

    assert loki.limits(lokid.config) == {}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, []),
        (
            {
                "ingestion_burst_size_mb": 6,
                "max_label_names_per_series": 15,
                "allow_structured_metadata": True,
                "max_line_size": "256KB",
            },
            [],
        ),
        ({"ingestion_burst_size_mb": 0.01}, ["loki-batch-too-large"]),
        ({"max_label_names_per_series": 3}, ["loki-too-many-labels"]),
        ({"allow_structured_metadata": False}, ["loki-no-structured-metadata"]),
        ({"max_line_size": "16KB"}, ["loki-lines-too-long"]),
        ({"max_line_size": 16384}, ["loki-lines-too-long"]),
        ({"max_line_size": "16KB", "max_line_size_truncate": True}, []),
        ({"max_line_size": 0}, []),
    ],
)
def test_findings_where_the_configuration_goes_beyond_lokis_limits(
    told: dict[str, object], expected: list[str]
) -> None:
    config = source("/var/log/*.log")

    assert codes(loki.check_limits(told, config.loki, config.logs)) == expected


def test_a_running_agent_is_not_asked_again_for_what_it_knows(lokid: FakeLoki) -> None:
    config = parse(LOGS.format(url=lokid.url, paths="/var/log/*.log"), "test")

    found = look(config, SimpleNamespace(pid=os.getpid(), version="0"))

    assert set(found) == {"agent.config", "agent.versions", "agent.clock", "agent.loki"}
    assert [path for _, path, _ in lokid.asked] == list(loki.LIMIT_PATHS)
    assert codes(found["agent.versions"]) == ["agent-version-differs"]


def test_without_an_agent_everything_is_asked(lokid: FakeLoki, tmp_path: Path) -> None:
    config = parse(f'state_dir = "{tmp_path}"\n' + LOGS.format(url=lokid.url, paths=f"{tmp_path}/*.log"), "test")

    found = look(config)

    assert codes(found["agent.log-files"]) == ["log-no-match"]
    assert codes(found["agent.state"]) == []
    assert codes(found["agent.loki"]) == []
    assert set(found) - {"agent.loki", "agent.log-files", "agent.state"} == {
        "agent.config",
        "agent.versions",
        "agent.clock",
        "agent.port",
    }


def test_without_loki_nobody_asks_for_it() -> None:
    checks = {check.name: check.skip for check in OwnChecks(Settings(None, Config()), None).checks()}

    assert checks["agent.loki"] == "loki.url is not set"
