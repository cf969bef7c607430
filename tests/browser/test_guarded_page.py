"""The status page of an agent that asks who calls, over TLS."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import StartAgent
from tests.support.agent import AgentProcess, agent
from tests.support.browser import visit
from tests.support.certificates import Authority
from tests.support.waiting import PATIENCE


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[AgentProcess]:
    server = Authority(tmp_path).issue("server")
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    web = tmp_path / "web.yml"
    tls = f"{{cert_file: {server.cert}, key_file: {server.key}}}"
    web.write_text(f"tls_server_config: {tls}\nbasic_auth_users: {{engineer: {hashed}}}\n")
    with agent(tmp_path, f'web.config_file = "{web}"') as running:
        yield running


def test_whoever_has_the_password_sees_the_page_live(browser: Browser, guarded: AgentProcess) -> None:
    with visit(browser, guarded.url, user=("engineer", "secret")) as seen:
        expect(seen.page.locator("#connection")).to_have_text("Live", timeout=1000 * PATIENCE)
        expect(seen.page.get_by_role("meter", name="Disk /")).to_be_visible(timeout=1000 * PATIENCE)


def test_whoever_has_not_sees_nothing(browser: Browser, guarded: AgentProcess) -> None:
    with visit(browser, guarded.url, user=("engineer", "guess")) as seen:
        assert "password" in seen.page.inner_text("body")
        assert seen.page.locator("#connection").count() == 0


def test_an_open_page_asks_anew_when_the_rules_change(browser: Browser, start_agent: StartAgent) -> None:
    running = start_agent()
    web = running.folder / "web.yml"
    with visit(browser, running.url) as seen:
        expect(seen.page.locator("#connection")).to_have_text("Live", timeout=1000 * PATIENCE)
        web.write_text(f"basic_auth_users: {{engineer: {bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}}}\n")
        running.write_config(f'web.config_file = "{web}"')
        running.signal(signal.SIGHUP)
        expect(seen.page.locator("#connection")).to_contain_text("does not answer", timeout=1000 * PATIENCE)
