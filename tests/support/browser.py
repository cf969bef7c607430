"""A real, headless Chromium, with the messages and requests of a page."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.support.waiting import PATIENCE

_OPTIONS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True)
class Visit:
    """An open page.

    Attributes:
        complaints: The lines of the browser's console, and errors that no script caught.
        requests: The address of everything that it asked for.
    """

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def _program() -> str:
    """Return the path of the system's browser: Debian's Chromium, or Chrome where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), "chromium")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Yield the system's browser, with a new empty profile."""
    with sync_playwright() as driver:
        # Tests may run as root, which has no sandbox.
        browser = driver.chromium.launch(
            executable_path=_program(), args=_OPTIONS, chromium_sandbox=False, timeout=1000 * PATIENCE
        )
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def visit(
    browser: Browser,
    url: str,
    *,
    width: int = 1200,
    scheme: Literal["light", "dark"] = "light",
    user: tuple[str, str] | None = None,
) -> Iterator[Visit]:
    """Open a page as a user who prefers a colour scheme, and has the password of a protected page."""
    credentials = {"username": user[0], "password": user[1]} if user else None
    context = browser.new_context(
        viewport=ViewportSize(width=width, height=900),
        color_scheme=scheme,
        ignore_https_errors=user is not None,
        http_credentials=credentials,  # type: ignore[arg-type]  # a TypedDict that the library does not export
        permissions=["clipboard-read", "clipboard-write"],
    )
    try:
        page = context.new_page()
        seen = Visit(page)
        page.set_default_timeout(1000 * PATIENCE)
        page.on("console", lambda message: seen.complaints.append(message.text))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto(url)
        yield seen
    finally:
        context.close()
