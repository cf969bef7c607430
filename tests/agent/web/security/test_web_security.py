"""Reading the files, and reading them again."""

import asyncio
import os
import ssl
import threading
from pathlib import Path

import pytest

from agent.config.decode import ConfigError
from agent.web.security import web_file as web_file_module
from agent.web.security import web_security
from agent.web.security.certificate import expiries
from agent.web.security.web_security import WebSecurity
from tests.support.certificates import Authority, Certificate
from tests.support.threads import no_threads_left
from tests.support.waiting import soon

USER = f"basic_auth_users: {{a: {'$2y$04$' + 'a' * 53}}}\n"


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_security, "INTERVAL", 0.02)


def write_tls(web_file: Path, made: Certificate, more: str = "") -> None:
    web_file.write_text(f"tls_server_config: {{cert_file: {made.cert}, key_file: {made.key}{more}}}\n")


def replace(web_file: Path, text: str | None) -> None:
    """Write the file; without a text, make it one whose reader waits for a writer."""
    web_file.unlink(missing_ok=True)
    if text is None:
        os.mkfifo(web_file)
    else:
        web_file.write_text(text)


def test_without_a_file_everyone_gets_in() -> None:
    now = WebSecurity(None)

    assert now.problem is None
    assert now.current.tls is None
    assert not now.current.knows_callers


@pytest.mark.parametrize(
    ("more", "mode", "known"),
    [
        ("", ssl.CERT_NONE, False),
        (", client_auth_type: VerifyClientCertIfGiven, client_ca_file: CA", ssl.CERT_OPTIONAL, False),
        (", client_auth_type: RequireAndVerifyClientCert, client_ca_file: CA", ssl.CERT_REQUIRED, True),
    ],
)
def test_the_context_asks_for_what_the_file_says(
    web_file: Path,
    authority: Authority,
    server: Certificate,
    more: str,
    mode: ssl.VerifyMode,
    known: bool,  # noqa: FBT001 - a table of cases
) -> None:
    write_tls(web_file, server, more.replace("CA", str(authority.cert)))

    now = WebSecurity.of(web_file).current

    assert now.tls is not None
    assert now.tls.context.verify_mode is mode
    assert now.knows_callers is known
    assert set(now.tls.expiries) == ({"server", "client_ca"} if more else {"server"})


def test_a_chain_ends_with_its_first_certificate_and_authorities_with_their_last(
    web_file: Path, tmp_path: Path, authority: Authority, server: Certificate
) -> None:
    short = authority.issue("intermediate", days=5)
    chain, authorities = tmp_path / "chain.pem", tmp_path / "authorities.pem"
    chain.write_text(server.cert.read_text() + short.cert.read_text())
    authorities.write_text(short.cert.read_text() + authority.cert.read_text())
    more = f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {authorities}"
    write_tls(web_file, Certificate(chain, server.key), more)

    now = WebSecurity.of(web_file).current.tls

    assert now is not None
    assert now.expiries == {
        "server": expiries(short.cert.read_text())[0],
        "client_ca": expiries(authority.cert.read_text())[0],
    }


def test_versions_suites_and_curve_reach_openssl(web_file: Path, server: Certificate) -> None:
    more = ", max_version: TLS12, prefer_server_cipher_suites: false, curve_preferences: [CurveP384]"
    write_tls(web_file, server, f"{more}, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]")

    now = WebSecurity.of(web_file).current.tls
    assert now is not None

    assert now.context.maximum_version is ssl.TLSVersion.TLSv1_2
    assert not now.context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    offered = [it["name"] for it in now.context.get_ciphers() if it["protocol"] != "TLSv1.3"]
    assert offered == ["ECDHE-ECDSA-AES256-GCM-SHA384"]


def test_certificates_that_cannot_be_used_are_refused_by_their_key(
    web_file: Path, authority: Authority, server: Certificate, client: Certificate
) -> None:
    def refusal(**files: Path | str) -> str:
        keys = {"cert_file": server.cert, "key_file": server.key} | files
        web_file.write_text("tls_server_config:\n" + "".join(f"  {key}: {value}\n" for key, value in keys.items()))
        return str(WebSecurity.of(web_file).problem)

    required = {"client_auth_type": "RequireAndVerifyClientCert"}
    assert "tls_server_config.cert_file: nothing cannot be read" in refusal(cert_file="nothing").replace(
        f"{web_file.parent}/", ""
    )
    assert "tls_server_config.key_file: expected the private key of" in refusal(key_file=client.key)
    assert "tls_server_config.key_file: expected the private key of" in refusal(key_file=server.cert)
    assert "tls_server_config.key_file: " in refusal(key_file="nothing")
    assert "tls_server_config.client_ca_file: expected certificates" in refusal(client_ca_file=server.key, **required)
    assert refusal(client_ca_file=authority.cert, **required) == "None"


async def test_rotated_certificates_and_changed_users_hold_without_a_restart(
    web_file: Path, tmp_path: Path, authority: Authority
) -> None:
    here = Certificate(tmp_path / "here.pem", tmp_path / "here.key")
    write_tls(web_file, here)

    def place(made: Certificate) -> None:
        for source, target in ((made.key, here.key), (made.cert, here.cert)):
            (tmp_path / "new").write_bytes(source.read_bytes())
            (tmp_path / "new").rename(target)

    place(authority.issue("first", days=5))
    watched = WebSecurity.of(web_file)
    first = watched.current.tls
    assert first is not None
    changes: list[int] = []
    watching = asyncio.create_task(watched.watch(lambda: changes.append(1)))
    try:
        place(authority.issue("second", days=50))
        await soon(lambda: watched.current.tls is not first and not watched.problem)
        second = watched.current.tls
        assert second is not None
        assert second.expiries["server"] > first.expiries["server"] + 40 * 86400
        assert changes

        here.cert.write_text("half a certif")
        await soon(lambda: watched.problem)
        assert watched.current.tls is second
        place(authority.issue("third"))
        await soon(lambda: not watched.problem)

        write_tls(web_file, here, more=f"}}\n{USER}#")
        await soon(lambda: watched.current.file.basic_auth_users)
        later = Certificate(tmp_path / "later.pem", tmp_path / "later.key")
        write_tls(web_file, later)
        await soon(lambda: watched.problem)
        assert watched.current.file.basic_auth_users, "what held before holds on"
        later.key.write_bytes(here.key.read_bytes())
        later.cert.write_bytes(here.cert.read_bytes())
        await soon(lambda: not watched.problem)
        assert not watched.current.file.basic_auth_users
    finally:
        watching.cancel()


async def test_a_file_of_another_kind_is_a_problem_until_it_is_replaced(web_file: Path) -> None:
    replace(web_file, "")
    watched = WebSecurity.of(web_file)
    replace(web_file, None)
    watching = asyncio.create_task(watched.watch(lambda: None))
    try:
        await soon(lambda: "expected a regular file, found a FIFO" in str(watched.problem))
        replace(web_file, USER)
        await soon(lambda: not watched.problem and watched.current.file.basic_auth_users)
    finally:
        watching.cancel()


async def test_a_file_is_prepared_before_it_takes_effect(web_file: Path) -> None:
    replace(web_file, USER)
    watched = WebSecurity(None)

    reading = await watched.prepare(web_file)
    assert not watched.current.knows_callers
    before = watched.adopt(reading)
    assert watched.current.knows_callers
    watched.adopt(before)
    assert not watched.current.knows_callers


async def test_a_file_that_cannot_be_read_in_time_is_refused(web_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace(web_file, USER)
    watched = WebSecurity(None)
    let_go = threading.Event()
    monkeypatch.setattr(web_security, "DEADLINE", 0.1)
    monkeypatch.setattr(web_file_module, "read", lambda _: let_go.wait())

    with pytest.raises(ConfigError, match=r"cannot be read within 0\.1 s"):
        await watched.prepare(web_file)
    let_go.set()


async def test_a_hung_reading_does_not_keep_later_ones_from_the_files(
    web_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(web_file, USER)
    watched = WebSecurity.of(web_file)
    let_go, real, hangs = threading.Event(), web_file_module.read, iter([True, True])
    monkeypatch.setattr(web_security, "DEADLINE", 0.1)
    monkeypatch.setattr(web_file_module, "read", lambda path: let_go.wait() if next(hangs, False) else real(path))
    watching = asyncio.create_task(watched.watch(lambda: None))
    try:
        replace(web_file, "rate_limit: {interval: 1s, burst: 9}\n")
        await soon(lambda: "cannot be read within" in str(watched.problem))
        await soon(lambda: not watched.problem and watched.current.file.rate_limit.burst == 9)
    finally:
        watching.cancel()
        let_go.set()


async def test_a_machine_without_threads_still_reads_the_file(web_file: Path) -> None:
    replace(web_file, USER)
    read_here = WebSecurity(web_file)

    with no_threads_left():
        await read_here.read()

    assert read_here.problem is None
    assert read_here.current.knows_callers
