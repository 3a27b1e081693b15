"""Builds the site of these pages: `python -m docs.build` into build/docs; with `--serve`, serves it on this machine.

The pages are copied to build/pages first. There they get what a site needs and a reader of the repository does not:
links into the repository become addresses, and the pages of the Python reference are added.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from docs.python_pages import python_pages

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"
BUILD: Final = ROOT / "build"
"""Where it is built: `pages` are the sources, `docs` is the site."""
REPOSITORY: Final = "https://github.com/wren-async/wren-async/blob/main/"

PYTHON: Final = python_pages()
"""Pages of the Python reference, and what stands on each."""


def slug(title: str) -> str:
    """A title as the name of a file."""
    return title.lower().replace(" ", "-")


SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Start": ("index", "get-started-wren", "get-started-cnaught"),
    "Use": (
        "place-orders-safely",
        "errors",
        "paging",
        "webhooks",
        "outbox",
        "command-line",
        "scripts-and-notebooks",
        "data-frames",
    ),
    "Many orders": ("batches", "many-workers"),
    "Test": ("test-your-app", "sandbox"),
    "Run": ("run-in-production", "logging", "telemetry", "performance"),
    "Reference": (
        "reference/index",
        "reference/wren/*",
        "reference/cnaught/*",
        *(f"python/{slug(title)}" for title in PYTHON),
    ),
    "Behind it": ("why", "change-the-contract", "upgrade-the-generator"),
}
"""Where each page stands. A page that is not there is left out, and one that no section names comes last."""


_LINK: Final = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
_FENCE: Final = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)


def lay_out(pages: Path) -> None:
    """Lay out the sources of the site."""
    shutil.rmtree(pages, ignore_errors=True)
    for path in sorted(DOCS.rglob("*")):
        target = pages / path.relative_to(DOCS)
        if path.suffix == ".md":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(readdressed(path))
        elif path.suffix in (".svg", ".png", ".css"):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for title, names in PYTHON.items():
        target = pages / "python" / f"{slug(title)}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n\n".join([f"# {title}", *(f"::: {name}" for name in names)]) + "\n")


def readdressed(page: Path) -> str:
    """The text of a page, whose links to files that are not on the site lead to the repository."""

    def address(found: re.Match[str]) -> str:
        target, hash, anchor = found[2].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return found[0]
        there = (page.parent / target).resolve()
        if DOCS in there.parents and there.suffix != ".py":
            return found[0]
        return f"[{found[1]}]({REPOSITORY}{there.relative_to(ROOT).as_posix()}{hash}{anchor})"

    parts = _FENCE.split(page.read_text())
    return "".join(part if number % 2 else _LINK.sub(address, part) for number, part in enumerate(parts))


def navigation(root: Path) -> Iterator[tuple[str, list[str]]]:
    """The sections with the pages that are there, by their paths."""
    left = {path.relative_to(root).as_posix() for path in root.rglob("*.md")}
    for title, names in SECTIONS.items():
        found = [path for name in names for path in sorted(left) if Path(path).match(f"{name}.md")]
        # `match` looks at the end of a path, and `index` is the end of others too.
        found = [path for path in dict.fromkeys(found) if any(_is_at(path, name) for name in names)]
        left -= set(found)
        if found:
            yield title, found
    if left:
        yield "More", sorted(left)


def _is_at(path: str, name: str) -> bool:
    return path.count("/") == name.count("/") and Path(path).match(f"{name}.md")


FOLDERS: Final = {"reference/wren": "Wren", "reference/cnaught": "CNaught", "python": "Python"}
"""Folders whose pages stand in a section of their own."""


def nested(root: Path, pages: list[str]) -> str:
    """The pages of a section in the words of the configuration."""
    entries: list[str] = []
    for folder in dict.fromkeys(page.rpartition("/")[0] for page in pages):
        listed = ", ".join(_entry(root, page) for page in pages if page.rpartition("/")[0] == folder)
        entries.append(f'{{ "{FOLDERS[folder]}" = [{listed}] }}' if folder in FOLDERS else listed)
    return ", ".join(entries)


def _entry(pages: Path, page: str) -> str:
    """A page as the navigation lists it: an operation without the name of its API, which its section has."""
    found = re.search(r"^# `\w+?\.(.+)`$", (pages / page).read_text(), re.MULTILINE)
    return f'{{ "{found[1]}" = "{page}" }}' if found else f'"{page}"'


def settings(pages: Path) -> str:
    """The configuration: `docs/zensical.toml`, with the navigation, and with paths from the project's root."""
    listed = ",\n".join(f'  {{ "{title}" = [{nested(pages, inside)}] }}' for title, inside in navigation(pages))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    text = (DOCS / "zensical.toml").read_text().replace('"ROOT', f'"{ROOT.as_posix()}')
    head = "[project]\n"
    return text.replace(head, f'{head}nav = [\n{listed},\n]\nsite_description = "wren-async {version}"\n', 1)


def build(folder: Path = BUILD) -> int:
    """Build the site, and return the exit status: a warning is a failure."""
    lay_out(folder / "pages")
    shutil.rmtree(folder / "docs", ignore_errors=True)
    config = folder / "zensical.toml"
    config.write_text(settings(folder / "pages"))
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "-f", str(config)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def serve(site: Path, port: int) -> None:
    """Serve what was built, on this machine only; the search works when it is served."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


def main() -> int:
    """Build, and serve where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help="serve the site after building it")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--into", type=Path, default=BUILD, help="the folder to build in (default: %(default)s)")
    options = parser.parse_args()
    status = build(options.into.resolve())
    if status == 0 and options.serve:
        serve(options.into / "docs", options.port)
    return status


if __name__ == "__main__":
    sys.exit(main())
