"""The status page as somebody in the studio sees it: a real browser, agent and audio server."""

from __future__ import annotations

import re
import signal
import socket
import time

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it carries no types
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import Visit, visit
from tests.support.playing_studio import Studio
from tests.support.waiting import PATIENCE, eventually

expect.set_options(timeout=1000 * PATIENCE)

LINES = ".timing svg[role=img] polyline"


def plotted(page: Page) -> int:
    """Return the number of points of the longest line of the buffer timing."""
    lines = page.locator(LINES).evaluate_all("lines => lines.map((line) => line.points.numberOfItems)")
    return max(lines, default=0)


def dropouts_drawn(page: Page) -> int:
    return page.locator(".dropouts rect.dropout").count()


def announced(page: Page) -> str:
    return page.locator("#announcer").inner_text()


def accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()


def test_it_shows_the_device_and_its_timing_as_it_goes_on(opened: Visit) -> None:
    page = opened.page

    expect(page).to_have_title(f"{socket.gethostname()}: wr-agent")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"wr-agent {socket.gethostname()}")
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.locator(".facts")).to_contain_text("48 kHz · 256 frames · 5.33 ms per buffer")
    expect(page.locator(".timing figcaption")).to_contain_text("99th percentile")
    before = eventually(lambda: plotted(page), "a line")
    eventually(lambda: plotted(page) >= before + 2, "the line grows")
    assert page.locator(".timing svg line.limit").count() == 1


def test_it_shows_the_levels_of_the_sound(opened: Visit, studio: Studio) -> None:
    page = opened.page
    first, second = (page.get_by_role("meter", name=f"Channel {number}") for number in (1, 2))

    expect(first).to_have_attribute("aria-valuetext", "-6.0 dB")
    expect(first).to_have_attribute("aria-valuenow", "90")
    expect(second).to_have_attribute("aria-valuetext", re.compile("silent"))
    expect(second).to_have_attribute("aria-valuenow", "0")
    studio.usb.tell("tone 1")
    expect(first).to_have_attribute("aria-valuenow", "100")
    studio.usb.tell("tone 0.5")


def test_it_shows_load_plugins_logs_and_the_machine(opened: Visit, studio: Studio) -> None:
    page = opened.page

    expect(page.get_by_role("meter", name="Graph load")).to_have_attribute("aria-valuetext", re.compile(r"\d %"))
    plugin = page.get_by_role("row", name="reverb")
    expect(plugin).to_contain_text("1 of 1")
    expect(plugin).to_contain_text("72 %3.85 ms5.33 ms")
    for name in ("Processors", "CPU pressure", "Disk /"):
        expect(page.get_by_role("meter", name=name)).to_have_attribute("aria-valuetext", re.compile(r"\d %"))
    with studio.log_file.open("a") as log:
        log.write('{"msg": "blend"}\n' * 1000)
    source = page.get_by_role("row", name="engine")
    expect(source).to_contain_text("0 B")
    expect(source.locator("td").first).to_have_text(re.compile("[1-9]"))


def test_a_dropout_is_drawn_and_told_within_seconds_and_its_cause_is_found(opened: Visit, studio: Studio) -> None:
    page = opened.page
    before = dropouts_drawn(page)

    studio.jackd.freeze()
    began = time.monotonic()
    try:
        page.get_by_role("heading", name="frozen").wait_for()
        finding = page.locator("article", has=page.get_by_role("heading", name="frozen"))
        assert finding.get_attribute("class") == "failure"
        eventually(lambda: "new finding" in announced(page), "the finding is announced")
        command = finding.locator("code").first.inner_text()
        finding.get_by_role("button", name="Copy").first.click()
        expect(finding.get_by_role("button", name="Copy").first).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == command
    finally:
        studio.jackd.thaw()
    eventually(lambda: dropouts_drawn(page) > before, "the dropout is on the time line")
    assert time.monotonic() - began < PATIENCE
    expect(page.locator(".dropouts figcaption")).to_contain_text(re.compile(r"[1-9]\d* dropouts? in the last hour"))
    expect(page.locator("#past figcaption")).to_contain_text(re.compile(r"[1-9]\d* dropouts? in the last 24 hours"))
    newest = page.locator("#past .list article").first
    expect(newest.locator("summary")).to_contain_text("usb")
    expect(newest.locator(".sentence")).to_contain_text(re.compile(r"\w+.*\."))
    assert page.locator("#past rect.unwatched").count() > 0, "the day before the agent's start is marked"
    finding.wait_for(state="detached")


def test_it_begins_with_what_was_before_it_was_opened(browser: Browser, studio: Studio, opened: Visit) -> None:
    studio.jackd.freeze()
    time.sleep(0.3)
    studio.jackd.thaw()
    eventually(lambda: dropouts_drawn(opened.page), "a dropout")
    opened.page.get_by_role("button", name="1 hour").click()

    expect(opened.page.get_by_role("button", name="1 hour")).to_have_attribute("aria-pressed", "true")
    expect(opened.page.locator(".timing svg[role=img]")).to_contain_text("30 min")
    with visit(browser, studio.agent.url) as other:
        eventually(lambda: dropouts_drawn(other.page), "the same dropout on a page that was not open then")


def test_it_can_be_paused(opened: Visit) -> None:
    page = opened.page
    eventually(lambda: plotted(page) > 1, "a line")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#connection")).to_have_text("Paused")
    asked = len(opened.requests)

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#connection")).to_have_text("Live")

    assert [url for url in opened.requests[asked:] if url.endswith("/-/events")] != []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_users_colours_and_is_accessible(browser: Browser, studio: Studio, scheme: str) -> None:
    with visit(browser, studio.agent.url, scheme="dark" if scheme == "dark" else "light") as seen:
        eventually(lambda: plotted(seen.page) > 1, "the plot")
        brightness = seen.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0]")
        assert (int(brightness) > 128) == (scheme == "light")

        accessible(seen.page)


def test_it_is_readable_and_accessible_on_a_phone(browser: Browser, studio: Studio) -> None:
    with visit(browser, studio.agent.url, width=320) as seen:
        eventually(lambda: plotted(seen.page) > 1, "the plot")
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 320

        accessible(seen.page)


def test_findings_are_accessible(browser: Browser, studio: Studio) -> None:
    studio.jackd.freeze()
    try:
        with visit(browser, studio.agent.url, width=320) as seen:
            seen.page.get_by_role("heading", name="frozen").wait_for()
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= 320

            accessible(seen.page)
    finally:
        studio.jackd.thaw()


def test_the_keyboard_reaches_everything_in_the_order_of_the_page(opened: Visit) -> None:
    page = opened.page
    page.get_by_role("row", name="engine").wait_for()
    page.get_by_role("row", name="reverb").wait_for()
    said = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    reached: list[str] = []
    while "Status as JSON" not in reached:
        page.keyboard.press("Tab")
        reached.append(page.evaluate(said))
        assert len(reached) < 100, reached
    reached = [name for name in reached if " · usb" not in name]  # on a machine with dropouts of its own
    remedies = [name for name in reached if name.startswith("Copy: ")]  # of what this machine really lacks

    before = ["2 minutes", "1 hour", "Pause"]
    past = ["Dropouts over the last 24 hours"]
    device = ["Distance of buffers from their deadline", "Dropouts over the last hour", *past]
    side = ["Plugins, as a table", "Processors, memory and pressure over time", "Logs, as a table"]
    after = [*device, *side, "Metrics", "Status as JSON"]
    assert reached == [*before, *remedies, *after]
    page.get_by_role("button", name="1 hour").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="1 hour")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="1 hour")).to_be_focused()


def test_plots_tell_values_by_pointer_and_by_keyboard(opened: Visit) -> None:
    page = opened.page
    eventually(lambda: plotted(page) > 3, "a line")
    timing = page.locator(".timing svg[role=img]")
    value = page.locator(".timing output")
    said = re.compile(r"^\d+:\d\d:\d\d: median .*, 99th percentile .*, worst ")

    timing.hover()
    expect(value).to_have_text(said)
    page.mouse.move(0, 0)
    expect(value).to_be_hidden()
    timing.focus()
    expect(value).to_have_text(said)
    last = value.inner_text().split(": ")[0]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert value.inner_text().split(": ")[0] < last


def test_a_wide_window_has_two_columns(browser: Browser, studio: Studio) -> None:
    with visit(browser, studio.agent.url, width=1300) as seen:
        eventually(lambda: plotted(seen.page) > 1, "the plot")
        audio, plugins = (
            seen.page.locator(f"section[aria-labelledby={name}-title]") for name in ("devices", "plugins")
        )
        left, right = audio.bounding_box(), plugins.bounding_box()

        assert left is not None
        assert right is not None
        assert right["x"] >= left["x"] + left["width"]
        accessible(seen.page)


def test_it_says_that_the_agent_is_away_and_comes_back_with_it(browser: Browser, studio: Studio) -> None:
    with visit(browser, studio.agent.url) as seen:
        expect(seen.page.locator("#connection")).to_have_text("Live")
        studio.agent.signal(signal.SIGSTOP)
        try:
            expect(seen.page.locator("#connection")).to_have_text(re.compile("does not answer"))
        finally:
            studio.agent.signal(signal.SIGCONT)
        expect(seen.page.locator("#connection")).to_have_text("Live")
