"""The dropouts of the status page, with their causes and their evidence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it carries no types
from playwright.sync_api import Browser, Page, expect

from collectors.audio.causes.event import Cause, Contribution, Culprit, Event
from collectors.audio.causes.reading import EVENTS
from tests.support.agent import AgentProcess, agent
from tests.support.browser import Visit, visit
from tests.support.waiting import PATIENCE

expect.set_options(timeout=1000 * PATIENCE)

HOSTILE = "<img src=x onerror=alert(1)>"
SENTENCE = f"{HOSTILE} (pid 14420, real-time priority 80) held CPU 1 for 38 ms while the server was to run."


def dropout(minutes_ago: float, cause: Cause, text: str, culprit: Culprit | None = None) -> Event:
    at = datetime.fromtimestamp(time.time() - 60 * minutes_ago, UTC)
    return Event(
        id=f"{at:%Y%m%d-%H%M%S}-{at.microsecond // 1000:03}",
        at=f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06}000Z",
        duration_ms=38.2,
        device="usb",
        cause=cause,
        confidence=0.93,
        level=1,
        culprit=culprit,
        victim="server",
        late_ms=38.0,
        explained_ms=37.5,
        others=(Contribution(cause=Cause.MEMORY, ms=2.0),),
        evidence=(f"{HOSTILE} ran 38 ms on CPU 1.",),
        missing=("Without kernel tracing a short program could have been missed.",),
        text=text,
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    """An agent with dropouts of an earlier run: three within the day, one before it."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "state").mkdir()
    culprit = Culprit(kind="process", name=HOSTILE, pid=14420, policy="fifo", priority=80, cpu=1)
    events = [
        dropout(2000, Cause.IO, "Too old for the page."),
        dropout(600, Cause.UNKNOWN, "Not known: nothing unusual was seen."),
        dropout(300, Cause.CLIENT_CPU, "reverb needed 14.2 ms for a buffer of 5.3 ms, in its own callback."),
        dropout(5, Cause.PREEMPTED, SENTENCE, culprit),
    ]
    (folder / "state" / EVENTS).write_bytes(b"".join(msgspec.json.encode(event) + b"\n" for event in events))
    with agent(folder, 'audio.observers = "passive"\naudio.jack_server = "none-of-this-name"\n') as running:
        yield running


@pytest.fixture
def seen(browser: Browser, recorded: AgentProcess) -> Iterator[Visit]:
    with visit(browser, recorded.url) as visited:
        visited.page.locator("#past .list article").first.wait_for()
        yield visited
        assert visited.complaints == []


def accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()


def test_the_newest_dropouts_are_listed_with_cause_and_sentence(seen: Visit) -> None:
    dropouts = seen.page.locator("#past .list article")

    expect(dropouts).to_have_count(3)
    expect(dropouts.first.locator("summary")).to_contain_text("preempted")
    expect(dropouts.first.locator("summary")).to_contain_text("38.2 ms · usb")
    expect(dropouts.first.locator(".sentence")).to_have_text(SENTENCE)
    expect(dropouts.last.locator(".sentence")).to_have_text("Not known: nothing unusual was seen.")
    assert seen.page.locator("#past img").count() == 0, "a name is no markup"


def test_the_strip_shows_each_cause_by_colour_letter_and_words(seen: Visit) -> None:
    page = seen.page

    assert page.locator("#past rect.dropout").count() == 3
    letters = page.locator("#past svg.timeline text").evaluate_all("them => them.map((it) => it.textContent)")
    assert [letter for letter in letters if len(letter) == 1] == ["U", "C", "P"]
    colours = page.locator("#past rect.dropout").evaluate_all("them => them.map((it) => getComputedStyle(it).fill)")
    assert len(set(colours)) == 3
    expect(page.locator("#past .legend")).to_contain_text("P other programs")
    page.locator("#past svg.timeline").focus()
    expect(page.locator("#past output")).to_contain_text("preempted, usb")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#past output")).to_contain_text("client_cpu, usb")


def test_a_dropout_opens_to_its_evidence_by_keyboard(seen: Visit) -> None:
    page = seen.page
    first = page.locator("#past .list article").first
    first.locator("summary").focus()
    page.keyboard.press("Enter")

    evidence = first.locator(".evidence")
    for part in (
        "93 %",
        f"process {HOSTILE}, pid 14420, fifo 80, CPU 1",
        "server, 38.0 ms late, 37.5 ms of it explained",
        "memory 2.00 ms",
        "level 1 of 2",
        "wr-agent dropouts show",
        f"{HOSTILE} ran 38 ms on CPU 1.",
        "Without kernel tracing a short program could have been missed.",
    ):
        expect(evidence).to_contain_text(part)
    assert page.locator("#past img").count() == 0
    accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1300])
def test_it_is_accessible_and_fits(browser: Browser, recorded: AgentProcess, scheme: str, width: int) -> None:
    with visit(browser, recorded.url, width=width, scheme="dark" if scheme == "dark" else "light") as visited:
        page = visited.page
        page.locator("#past .list summary").first.click()
        expect(page.locator("#past .evidence li").first).to_be_visible()

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        accessible(page)
