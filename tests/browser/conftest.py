"""A real browser for the pages: Debian's Chromium, driven by Playwright, with no way out of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_INSTALL: Final = "apt-get install chromium"


@pytest.fixture(scope="module")  # while it runs, an event loop does, which other tests would trip over
def browser() -> Generator[Browser]:
    """Return a running browser; skip where none is installed, but never where everything should be."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"no browser is installed: {_INSTALL}")
        pytest.skip(f"needs a browser: {_INSTALL}")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=found,
            args=["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        yield running
        running.close()


@pytest.fixture
def addresses() -> tuple[str, ...]:
    """Return how addresses begin that a page may ask for; a test of a server adds its own."""
    return ("file:", "data:", "blob:")


@pytest.fixture
def page(browser: Browser, addresses: tuple[str, ...]) -> Generator[Page]:
    """Return an empty page that fails the test if anything complains on it, or asks for something elsewhere."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
    opened.on(
        "request",
        lambda request: None if request.url.startswith(addresses) else complaints.append(request.url),
    )
    yield opened
    context.close()
    assert complaints == []
