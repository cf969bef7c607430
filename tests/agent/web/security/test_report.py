"""The agent's report of its own security."""

import time
from pathlib import Path

import bcrypt
import pytest

from agent.web.security.report import SecurityReport
from agent.web.security.web_security import WebSecurity
from collectors.address import Address
from collectors.findings import Severity
from tests.support.certificates import Authority, Certificate

EVERYWHERE = Address("", 9787)
USERS = f"basic_auth_users: {{alice: {bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}}}\n"


def report(web_file: Path, text: str, listen: Address = EVERYWHERE) -> SecurityReport:
    web_file.write_text(text)
    return SecurityReport(WebSecurity.of(web_file), lambda: listen)


def codes(of: SecurityReport) -> list[str]:
    return [finding.code for check in of.checks() for finding in check.run()]


def tls(made: Certificate, more: str = "") -> str:
    return f"tls_server_config: {{cert_file: {made.cert}, key_file: {made.key}{more}}}\n"


def test_who_can_read_the_agent_is_a_finding(web_file: Path, authority: Authority, server: Certificate) -> None:
    sure = f", client_ca_file: {authority.cert}, client_auth_type: RequireAndVerifyClientCert"
    perhaps = f", client_ca_file: {authority.cert}, client_auth_type: VerifyClientCertIfGiven"

    assert codes(report(web_file, "")) == ["agent-web-open"]
    assert codes(report(web_file, "", Address("127.0.0.1", 9787))) == []
    assert codes(report(web_file, tls(server))) == ["agent-web-open"]
    assert codes(report(web_file, tls(server, perhaps))) == ["agent-web-open"]
    assert codes(report(web_file, tls(server, sure))) == []
    assert codes(report(web_file, USERS)) == ["agent-web-cleartext"]
    assert codes(report(web_file, USERS, Address("::1", 9787))) == []
    assert codes(report(web_file, tls(server) + USERS)) == []


def test_a_file_that_cannot_be_used_is_a_finding(web_file: Path) -> None:
    of = report(web_file, "basic_auth_user: {}", Address("127.0.0.1", 9787))

    (finding,) = [finding for check in of.checks() for finding in check.run()]
    assert finding.code == "agent-web-config-refused"
    assert "basic_auth_user: unknown key; did you mean basic_auth_users?" in finding.detail


def test_a_certificate_that_ends_is_a_finding(
    web_file: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = report(web_file, tls(authority.issue("ending", days=20)) + USERS)
    assert codes(of) == []
    now = time.time()

    monkeypatch.setattr(time, "time", lambda: now + 8 * 86400)
    (soon,) = [finding for check in of.checks() for finding in check.run()]
    assert (soon.code, soon.severity) == ("agent-web-certificate-expires", Severity.WARNING)
    assert "cert_file is valid until 20" in soon.detail

    monkeypatch.setattr(time, "time", lambda: now + 21 * 86400)
    (over,) = [finding for check in of.checks() for finding in check.run()]
    assert (over.code, over.severity) == ("agent-web-certificate-expired", Severity.FAILURE)


@pytest.mark.parametrize(("mode", "expected"), [(0o644, ["agent-web-key-readable"]), (0o640, [])])
def test_a_key_that_others_may_read_is_a_finding(
    web_file: Path, authority: Authority, mode: int, expected: list[str]
) -> None:
    made = authority.issue("readable")
    made.key.chmod(mode)

    assert codes(report(web_file, tls(made) + USERS)) == expected


def test_a_key_that_is_gone_is_refused_and_no_crash(web_file: Path, authority: Authority) -> None:
    made = authority.issue("leaving")
    of = report(web_file, tls(made) + USERS)
    made.key.unlink()

    assert codes(of) == []


def test_what_is_turned_away_is_counted(web_file: Path, server: Certificate) -> None:
    web_file.write_text(tls(server))
    security = WebSecurity.of(web_file)
    security.failed_logins = 3
    security.ended["slow_request"] = 2

    families = {it.name: it.samples for it in SecurityReport(security, lambda: EVERYWHERE).families()}

    assert families["wr_agent_web_login_failures_total"] == {(): 3}
    assert families["wr_agent_web_connections_ended_total"] == {("slow_request",): 2}
    assert set(families["wr_agent_web_certificate_expiry_timestamp_seconds"]) == {("server",)}
