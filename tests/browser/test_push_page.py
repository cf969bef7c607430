"""The status page of an agent that pushes its metrics."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it carries no types
from playwright.sync_api import Browser, expect

from tests.conftest import StartAgent
from tests.support.browser import visit
from tests.support.waiting import PATIENCE

expect.set_options(timeout=1000 * PATIENCE)

URL = "http://127.0.0.1:1/api/v1/write"


def test_it_shows_what_waits_and_why(browser: Browser, start_agent: StartAgent) -> None:
    agent = start_agent(f'remote_write.url = "{URL}"\nremote_write.interval = "500ms"\n')
    with visit(browser, agent.url) as seen:
        expect(seen.page.get_by_role("heading", name="Pushed metrics")).to_be_visible()
        expect(seen.page.locator("#push-summary")).to_contain_text("cannot connect to 127.0.0.1:1")
        row = seen.page.locator("#push tbody tr")
        expect(row.locator("th")).to_have_text(URL)
        expect(row).to_contain_text("KiB")
        assert Axe().run(seen.page).response["violations"] == []
        assert seen.complaints == []


def test_it_shows_no_push_where_there_is_none(browser: Browser, start_agent: StartAgent) -> None:
    with visit(browser, start_agent().url) as seen:
        expect(seen.page.locator("#connection")).to_have_text("Live")
        expect(seen.page.get_by_role("meter", name="Disk /")).to_be_visible()
        assert seen.page.get_by_role("heading", name="Pushed metrics").count() == 0
