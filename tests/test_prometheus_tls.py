"""A real Prometheus scrapes a guarded agent over mutual TLS with a password, while certificates rotate."""

from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from agent.web.security.certificate import expiries
from tests.conftest import StartAgent
from tests.support.agent import AgentProcess
from tests.support.certificates import Authority, Certificate
from tests.support.prometheus import Prometheus, prometheus
from tests.support.waiting import eventually

EXPIRY = 'wr_agent_web_certificate_expiry_timestamp_seconds{certificate="server"}'
FINDINGS = 'wr_agent_finding{{code="{}"}}'


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def shown(authority: Authority) -> Certificate:
    return authority.issue("server", days=5)


@pytest.fixture
def guarded(start_agent: StartAgent, authority: Authority, shown: Certificate, tmp_path: Path) -> AgentProcess:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(10)).decode()
    web = tmp_path / "web.yml"
    web.write_text(f"""
tls_server_config:
  cert_file: {shown.cert.name}
  key_file: {shown.key.name}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: {authority.cert.name}
basic_auth_users: {{prometheus: {hashed}}}
""")
    agent = start_agent(f'web.config_file = "{web}"\nhost.enabled = false')
    assert agent.url.startswith("https://")
    return agent


@pytest.fixture
def how(authority: Authority) -> str:
    client = authority.issue("client", "DNS:prometheus.example")
    return job(authority, f"cert_file: {client.cert}, key_file: {client.key}", "secret")


def job(authority: Authority, shown: str, password: str) -> str:
    tls = f"tls_config: {{ca_file: {authority.cert}, {shown}}}"
    patience = "scrape_interval: 3s, scrape_timeout: 3s"  # a machine that is busy needs more than a second
    return f"scheme: https, {patience}, {tls}, basic_auth: {{username: prometheus, password: {password}}}"


@pytest.fixture
def server(tmp_path: Path, guarded: AgentProcess, how: str) -> Iterator[Prometheus]:
    with prometheus(tmp_path, guarded.url.removeprefix("https://"), how=how) as running:
        yield running


def test_prometheus_scrapes_and_goes_on_while_the_certificate_is_replaced(
    server: Prometheus, guarded: AgentProcess, authority: Authority, shown: Certificate
) -> None:
    eventually(lambda: server.value("up") == 1, "the agent is scraped")
    assert eventually(lambda: server.value(EXPIRY), "the expiry is scraped") == expiries(shown.cert.read_text())[0]
    expires = FINDINGS.format("agent-web-certificate-expires")
    eventually(lambda: server.value(expires), "that it ends soon is a finding")

    authority.issue("server", days=90)

    new = expiries(shown.cert.read_text())[0]
    eventually(lambda: server.value(EXPIRY) == new, "the new certificate holds")
    eventually(lambda: server.value(f"absent({expires})") == 1, "the finding is gone")
    shown.cert.write_text("half a certif")
    eventually(lambda: server.value(FINDINGS.format("agent-web-config-refused")), "a broken one is a finding")
    assert server.value("up") == 1
    assert server.value("min_over_time(up[1m])") == 1
    assert guarded.command("status").returncode == 0


@pytest.mark.parametrize("lacks", ["password", "certificate"])
def test_prometheus_is_kept_out_without_the_password_or_the_certificate(
    tmp_path: Path, guarded: AgentProcess, authority: Authority, how: str, lacks: str
) -> None:
    without = how.replace("secret", "guess") if lacks == "password" else job(authority, "", "secret")

    with prometheus(tmp_path, guarded.url.removeprefix("https://"), how=without) as running:
        eventually(lambda: running.query("up"), "it was tried")
        assert running.value("up") == 0

    assert ("login failed" in guarded.log()) == (lacks == "password")
