"""The names by which callers may address the agent."""

import socket
from pathlib import Path

import pytest

from agent.config.decode import ConfigError
from agent.config.loader import parse
from agent.web.security.certificate import host_names
from agent.web.security.hosts import is_allowed
from tests.support.agent import AgentProcess
from tests.support.certificates import Authority
from tests.support.waiting import PATIENCE, eventually

NAMES = {"studio7.example", "*.lan.example"}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.1:9787", "192.0.2.7:9787", "[::1]", "[::1]:9787", "[fe80::1%eth0]:9787", "localhost",
        "LOCALHOST:9787", "localhost.", "studio7.example", "Studio7.Example.:9787", "a.lan.example",
    ],
)  # fmt: skip
def test_addresses_and_known_names_are_answered(host: str) -> None:
    assert is_allowed(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "", ":9787", "evil.example", "studio7.example.evil.example", "evil-studio7.example", "lan.example",
        "a.b.lan.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil.localhost", "2130706433", "0x7f.1",
        "127.0.0.1@evil.example", "[::1].evil.example", "evil.example#127.0.0.1", "127.0.0.1, evil.example", "*",
        "*.lan.example.evil", "[studio7.example]x",
    ],
)  # fmt: skip
def test_other_names_are_refused(host: str) -> None:
    assert not is_allowed(host, NAMES)


def status(agent: AgentProcess, *hosts: str) -> tuple[int, str]:
    with socket.create_connection(("127.0.0.1", int(agent.url.rsplit(":", 1)[1])), timeout=PATIENCE) as peer:
        lines = "".join(f"Host: {host}\r\n" for host in hosts)
        peer.sendall(f"GET /-/status HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: peer.recv(65536), b""))
    return int(answer.split()[1]), answer.decode()


def test_a_web_page_cannot_read_the_agent_through_a_name_of_its_own(tmp_path: Path) -> None:
    agent = AgentProcess(tmp_path, 'web.hosts = ["studio7.example"]')
    try:
        code, text = status(agent, "rebound.example:9787")
        assert code == 421
        assert "rebound.example" in text
        assert "add it to web.hosts" in text
        assert status(agent, "studio7.example")[0] == 200
        assert status(agent, "127.0.0.1", "rebound.example")[0] in (400, 421)

        agent.write_config('web.hosts = ["rebound.example"]')
        agent.process.send_signal(1)
        eventually(lambda: status(agent, "rebound.example")[0] == 200, "the new name is answered")
        assert status(agent, "studio7.example")[0] == 421
    finally:
        agent.process.terminate()
        agent.process.wait(PATIENCE)


def test_the_names_of_a_certificate(tmp_path: Path) -> None:
    made = Authority(tmp_path).issue("studio7", "IP:192.0.2.7,DNS:Studio7.example,DNS:*.lan.example,email:a@b.c")

    assert host_names(made.cert.read_text()) == {"studio7", "studio7.example", "*.lan.example"}
    assert host_names("") == frozenset()
    with pytest.raises(ValueError, match=r"expected an X\.509 certificate"):
        host_names("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----")


@pytest.mark.parametrize("name", ["", "a:1", "http://a", "*", "a..b", "-a", "a b", "x" * 300])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"web.hosts\[0\]: expected a host name without a port"):
        parse(f"web.hosts = [{name!r}]", "test")
