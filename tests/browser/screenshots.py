"""Takes the pictures of the status page that the documentation shows.

Run: python -m tests.browser.screenshots [FOLDER]

They are of a studio that plays for a minute and a half, loses a moment of sound twice, and then its audio server hangs.
The agent is that of the Debian package, which is built and installed in a private copy of the file system, so that the
page shows the paths of an installed agent. Needs root.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser

from tests.support.browser import chromium, visit
from tests.support.playing_studio import Studio, playing_studio
from tests.support.systemd import COPY_OF_EVERYTHING

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "docs/images"
_WIDTH = 1280


_INSTALLED = "--installed"
_CONFIGURATION = Path("/etc/wr-agent")
_INSTALL = COPY_OF_EVERYTHING + 'dpkg --install "$PACKAGE" >&2; exec "$PYTHON" -m tests.browser.screenshots "$@"'


def main(folder: Path) -> None:
    """Build the package, and take the pictures where it is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        build = [sys.executable, "-m", "packages.debian.build", "--compression", "none", "--output", scratch]
        package = subprocess.run(build, cwd=_ROOT, check=True, capture_output=True, text=True).stdout.strip()
        shared = {"PACKAGE": package, "PYTHON": sys.executable, "SHARED": str(folder.resolve())[1:]}
        subprocess.run(
            ["unshare", "--mount", "--uts", "bash", "-ec", _INSTALL, "bash", _INSTALLED, str(folder.resolve())],
            cwd=_ROOT,
            env=os.environ | shared,
            check=True,
        )


def take_installed(folder: Path) -> None:
    """Play, and take all pictures."""
    os.chdir(_ROOT)
    socket.sethostname("studio-3")
    with playing_studio(_CONFIGURATION, program=["wr-agent"], server="default") as studio, chromium() as browser:
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
        desk.page.screenshot(path=folder / "status-page.png", full_page=True)
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
    if sys.argv[1:2] == [_INSTALLED]:
        take_installed(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]) if sys.argv[1:] else _FOLDER)
