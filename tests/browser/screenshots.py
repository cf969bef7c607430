"""Takes the pictures of the status page that the documentation shows.

Run: python -m tests.browser.screenshots [FOLDER]

They are of a studio that plays for a minute and a half, loses a moment of sound twice, and then its audio server hangs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser

from tests.support.browser import chromium, visit
from tests.support.playing_studio import Studio, playing_studio

_FOLDER = Path(__file__).parents[2] / "docs/images"
_WIDTH = 900


def main(folder: Path) -> None:
    """Play, and take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, playing_studio(Path(scratch)) as studio, chromium() as browser:
        _take(browser, studio, folder)
    for path in sorted(folder.glob("status-page*.png")):
        sys.stdout.write(f"{path} {path.stat().st_size} bytes\n")


def _take(browser: Browser, studio: Studio, folder: Path) -> None:
    phone = visit(browser, studio.agent.url, width=360, scheme="dark")
    with visit(browser, studio.agent.url, width=_WIDTH) as desk, phone as hand:
        time.sleep(40)
        _lose_a_moment(studio)
        time.sleep(20)
        _lose_a_moment(studio)
        time.sleep(25)
        desk.page.screenshot(path=folder / "status-page.png")
        hand.page.screenshot(path=folder / "status-page-phone.png", full_page=True)
        studio.jackd.freeze()
        try:
            desk.page.get_by_role("heading", name="frozen").wait_for()
            finding = desk.page.get_by_role("region", name="Findings")
            finding.screenshot(path=folder / "status-page-finding.png")
        finally:
            studio.jackd.thaw()


def _lose_a_moment(studio: Studio) -> None:
    studio.jackd.freeze()
    time.sleep(0.3)
    studio.jackd.thaw()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else _FOLDER)
