"""A real browser for the tests of pages: headless Chromium, as Debian's package installs it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page, Response

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = "Chromium is not here: `apt-get install chromium`, or another way to put `chromium` on the PATH"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NEAR = ("127.0.0.1", "localhost", "::1", "")
"""Hosts of this machine; files and data have none."""


class Watch:
    """What a page should not do: complain on the console, fail, miss a file of its own, or call another host."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", lambda request: self._request(request.url))
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # A refused fetch is told here too, whatever the page makes of it; refused markup is an exception besides.
        told_elsewhere = message.text.startswith("Failed to load resource") or "TrustedHTML" in message.text
        if message.type in ("error", "warning") and not told_elsewhere:
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, url: str) -> None:
        if (urlsplit(url).hostname or "") not in NEAR:
            self.complaints.append(f"called another host: {url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type not in ("fetch", "xhr"):
            self.complaints.append(f"{response.status} for {response.url}")


@pytest.fixture
def chromium_page() -> Iterator[Page]:
    """A page of a fresh headless Chromium, 1280 wide. The test fails in the end when the page complained.

    For tests that are no coroutines: playwright runs a loop of its own meanwhile. `page.set_viewport_size(…)` makes it
    a phone, and `page.emulate_media(color_scheme="dark")` makes it night.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="the tests of pages need playwright")
    if CHROMIUM is None:
        pytest.skip(MISSING)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(10_000)
        watch = Watch(page)
        yield page
        browser.close()
    assert not watch.complaints, watch.complaints
