"""The site of the pages: it builds without a warning, asks no other host for anything, and its links lead somewhere."""

from __future__ import annotations

import contextlib
import functools
import http.server
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

import wren_async

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium")
LOOKED_AT = (
    "index",
    "errors",
    "performance",
    "run-in-production",
    "reference/index",
    "reference/cnaught/orders-create",
)
REPOSITORY = "https://github.com/wren-async/wren-async/blob/main/"


class Page(HTMLParser):
    """What a page loads, where it links to, and which places it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.places |= {str(given[name]) for name in ("id", "name") if given.get(name)}
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        elif tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload", "preconnect", "dns-prefetch"):
            self.loads.append(str(given.get("href")))
        elif tag in ("script", "img", "iframe", "source", "video", "audio", "embed") and given.get("src"):
            self.loads.append(str(given["src"]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    plain = {**os.environ, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "docs.build", "--into", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout + done.stderr
    return folder / "docs"


@pytest.mark.slow
def test_the_site_is_whole_and_stands_alone(site: Path) -> None:
    # One test, because the site takes some seconds to build.
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    assert missing(site, pages) == set()
    assert foreign(site, pages) == []
    assert broken(pages) == []
    assert gone(pages) == set()
    check_python(site / "python")
    assert (
        public() - {name for page in pages.values() for place in page.places for name in [place.split(".")[-1]]}
        == set()
    )
    index = json.dumps(json.loads((site / "search.json").read_text()))
    assert "OutcomeUnknown" in index
    assert "place-orders-safely" in index


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
def test_nothing_is_wider_than_a_phone_and_the_search_finds_a_page(site: Path) -> None:
    from playwright.sync_api import sync_playwright

    with served(site) as address, sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for name in LOOKED_AT:
            page.goto(f"{address}/{name}.html")
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wider <= 0, name
            assert page.evaluate("document.body.dataset.mdColorScheme") == "slate"
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(f"{address}/index.html")
        page.locator(".md-search__button").first.click()
        page.get_by_role("combobox").fill("PaymentRequired")
        page.get_by_text("402: the wallet").first.wait_for()
        browser.close()
    assert [url for url in asked if not url.startswith(address)] == []


@contextlib.contextmanager
def served(site: Path) -> Iterator[str]:
    """The site on a port of this machine."""
    handler = functools.partial(QuietHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files, and tells nobody."""

    def log_message(self, *words: object) -> None:
        pass


def missing(site: Path, pages: Mapping[Path, Page]) -> set[Path]:
    """Pages that are not on the site, or not in its navigation."""
    written = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    listed = {Path(link) for link in pages[site / "index.html"].links}
    return {path for path in written if site / path not in pages or path not in listed}


def foreign(site: Path, pages: Mapping[Path, Page]) -> list[str]:
    """What would be loaded from another host."""
    styles = "\n".join(path.read_text() for path in site.rglob("*.css"))
    asked = re.findall(r"url\([\"']?(?:https?:)?//[^)]*\)|@import[^;]*//", styles)
    # The theme's script asks this component's host for numbers about the repository.
    asked += [path.name for path in pages if 'data-md-component="source"' in path.read_text()]
    return asked + [source for page in pages.values() for source in page.loads if re.match(r"(https?:)?//", source)]


def broken(pages: Mapping[Path, Page]) -> list[str]:
    """Links within the site that lead nowhere."""
    found = []
    for path, page in pages.items():
        for link in page.links:
            target, _, place = link.partition("#")
            if re.match(r"[a-z]+:|//", link) or path.name == "404.html":
                continue
            there = (path.parent / unquote(target)).resolve() if target else path
            there = there / "index.html" if there.is_dir() else there
            known = pages[there].places if there in pages else set()
            if not there.exists() or (place and there.suffix == ".html" and unquote(place) not in known):
                found.append(f"{path.name}: {link}")
    return found


def gone(pages: Mapping[Path, Page]) -> set[str]:
    """Files of the repository that are linked to and are not there."""
    links = [link for page in pages.values() for link in page.links if link.startswith(REPOSITORY)]
    linked = {link.removeprefix(REPOSITORY).partition("#")[0] for link in links}
    assert "openapi/EXTENSIONS.md" in linked
    return {each for each in linked if not (ROOT / each).exists()}


def public() -> set[str]:
    """What the public modules offer by name."""
    modules = [
        wren_async,
        *(importlib.import_module(f"wren_async.{name}") for name in ("batch", "reconcile", "sandbox")),
    ]
    return {name for module in modules for name in module.__all__} - {"__version__"}


def check_python(folder: Path) -> None:
    """The reference of Python shows what `bound` binds as methods, and attributes by their defaults."""
    text = re.sub(r"<[^>]+>", "", (folder / "methods-of-wrenclient.html").read_text())
    assert re.search(r"create\(\s*\*,\s*tons: Decimal\s*\|\s*int", text)
    assert "Weight to offset, in tonnes of CO2e" in text
    assert "attrs.field(" not in (folder / "models-of-wren.html").read_text()
