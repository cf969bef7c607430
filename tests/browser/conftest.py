from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Visit, chromium, visit
from tests.support.playing_studio import Studio, playing_studio


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """No longer than a module: while Playwright runs, no test can run an event loop of its own."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio that has played for long enough that there is something to see."""
    with playing_studio(tmp_path_factory.mktemp("studio")) as playing:
        yield playing


@pytest.fixture
def opened(browser: Browser, studio: Studio) -> Iterator[Visit]:
    """The status page, with the device on it, which must not complain nor ask anybody else."""
    with visit(browser, studio.agent.url) as seen:
        seen.page.get_by_role("group", name="usb").wait_for()
        yield seen
        assert seen.complaints == []
        assert [url for url in seen.requests if not url.startswith(f"{studio.agent.url}/")] == []
