"""The site of the pages: it builds without a warning, asks no other host for anything, and its links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parent.parent
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


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_stands_alone(tmp_path: Path) -> None:
    # One test, because the site takes some seconds to build.
    plain = {**os.environ, "NO_COLOR": "1"}
    command = [sys.executable, "docs/build.py", "--into", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout + done.stderr
    site = tmp_path / "docs"
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    assert missing(site, pages) == set()
    assert foreign(site, pages) == []
    assert broken(pages) == []
    assert gone(pages) == set()
    check_python(site / "python")
    index = json.dumps(json.loads((site / "search.json").read_text()))
    assert "OutcomeUnknown" in index
    assert "place-orders-safely" in index


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


def check_python(folder: Path) -> None:
    """The reference of Python shows what `bound` binds as methods, and attributes by their defaults."""
    text = re.sub(r"<[^>]+>", "", (folder / "methods-of-wrenclient.html").read_text())
    assert re.search(r"create\(\s*\*,\s*tons: Decimal\s*\|\s*int", text)
    assert "Weight to offset, in tonnes of CO2e" in text
    assert "attrs.field(" not in (folder / "models-of-wren.html").read_text()
