"""The gateway: it admits pushes with a certificate and a password, and nothing else."""

from __future__ import annotations

import base64
import http.client
import ssl
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.support.gateway import PASSWORD, USER, Keys, gateway_keys
from tests.support.prometheus import Prometheus, free_port
from tests.support.remote_write import Pushed, body
from tests.support.stack import stack
from tests.support.waiting import PATIENCE, eventually


class Gateway(NamedTuple):
    """A running gateway.

    Attributes:
        port: Its port on loopback.
        prometheus: The Prometheus behind it.
        keys: The keys that an agent needs.
    """

    port: int
    prometheus: Prometheus
    keys: Keys

    def ask(
        self, method: str, path: str, sent: bytes = b"", *, certificate: bool = True, password: str = PASSWORD
    ) -> int:
        """Return the status of an answer.

        Raises:
            ssl.SSLError, ConnectionError: The connection is refused.
        """
        context = ssl.create_default_context(cafile=str(self.keys.authority))
        if certificate:
            context.load_cert_chain(self.keys.client.cert, self.keys.client.key)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=context)
        login = base64.b64encode(f"{USER}:{password}".encode()).decode()
        try:
            connection.request(method, path, sent, {"Authorization": f"Basic {login}"} if password else {})
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Yield a gateway in front of the stack."""
    folder = tmp_path_factory.mktemp("gateway")
    keys = gateway_keys(folder / "keys")
    port = free_port()
    (folder / "agents.yml").write_text("[]")
    settings = {
        "GATEWAY_KEYS": str(folder / "keys"),
        "GATEWAY_LISTEN": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AGENTS_FILE": str(folder / "agents.yml"),
    }
    with stack(folder, settings) as running:
        ready = Gateway(port, running.prometheus, keys)
        eventually(lambda: _answers(ready), "the gateway answers")
        yield ready


def _answers(gateway: Gateway) -> bool:
    try:
        return gateway.ask("GET", "/") == 404
    except OSError:
        return False


def pushed(name: str) -> bytes:
    labels = {"__name__": name, "job": "wr-agent", "host": "studio-7", "instance": "studio-7"}
    return body([Pushed(labels, [(int(time.time() * 1000), 1)])])


def test_a_push_with_a_certificate_and_a_password_is_stored(gateway: Gateway) -> None:
    assert gateway.ask("POST", "/api/v1/write", pushed("admitted")) == 204
    assert gateway.prometheus.value('admitted{host="studio-7"}') == 1


def test_a_push_without_a_certificate_is_refused(gateway: Gateway) -> None:
    try:
        refused = gateway.ask("POST", "/api/v1/write", pushed("no_certificate"), certificate=False) == 400
    except (ssl.SSLError, ConnectionError):
        refused = True

    assert refused
    assert gateway.prometheus.query("no_certificate") == []


@pytest.mark.parametrize("password", ["", "another"])
def test_a_push_without_the_password_is_refused(gateway: Gateway, password: str) -> None:
    assert gateway.ask("POST", "/api/v1/write", pushed("no_password"), password=password) == 401
    assert gateway.prometheus.query("no_password") == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/query?query=up", 404),
        ("POST", "/-/reload", 404),
        ("POST", "/api/v1/write/../../-/reload", 404),
        ("POST", "/api/v1/write/x", 404),
        ("GET", "/api/v1/write", 403),
        ("GET", "/loki/api/v1/push", 403),
        ("GET", "/loki/api/v1/query?query=up", 404),
    ],
)
def test_an_agent_can_neither_read_nor_control_the_servers(
    gateway: Gateway, method: str, path: str, status: int
) -> None:
    assert gateway.ask(method, path) == status


def test_log_lines_have_a_way_too(gateway: Gateway) -> None:
    """No Loki runs here, so the gateway answers that it cannot reach it: the agent tries again."""
    assert gateway.ask("POST", "/loki/api/v1/push", b"{}") == 502


def test_a_large_push_is_admitted_and_a_larger_one_is_refused(gateway: Gateway) -> None:
    assert gateway.ask("POST", "/api/v1/write", bytes(8 << 20)) == 400, "Prometheus answers that it is no snappy"
    assert gateway.ask("POST", "/api/v1/write", bytes(17 << 20)) == 413
