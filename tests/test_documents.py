"""The documents cannot rot: what they link to is there, and what ARCHITECTURE.md names is defined somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import wren_async

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".github/*.md")])
NAMING = ("ARCHITECTURE.md", "CONTRIBUTING.md")
"""Documents all of whose names in code are looked for."""

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
BLOCKS = {"python", "sh", "console", "# conftest.py", "<!-- file: orders.csv -->", '<!-- skip: next "the reason" -->'}
"""What CONTRIBUTING.md says of blocks of code."""
ELSEWHERE = {
    *BLOCKS,
    "build/docs",
    ".venv",
    "int",
    "Decimal",
    "utils",
    "helpers",
    "manager",
    "pypi",
    "v0.1.0",
    "-x",
    "--lf",
    "-n 2",
}
"""Code that names nothing of this project."""


def prose(document: Path) -> str:
    return FENCE.sub("", document.read_text())


def pieces(name: str) -> set[str]:
    """What stands between backticks, the links' own texts left to the links."""
    found = CODE.findall(prose(ROOT / name))
    return {each.rstrip("/") for each in found} - ELSEWHERE


def anchors(document: Path) -> set[str]:
    """The places in a document that a link may lead to."""
    titles = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def defined() -> str:
    """All the code in which a name may be defined, the contract's extensions included."""
    folders = ("wren_async", "codegen", "openapi")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".yaml")]
    return "\n".join(file.read_text() for file in files if "_generated" not in file.parts)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in LINK.findall(prose(document)):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (document.parent / path) if path else document
        assert there.exists(), f"{document.name} links to {target}"
        assert not anchor or anchor in anchors(there), f"{document.name} links to {target}"


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/**/*.md")), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_page_has_one_title_and_says_something(page: Path) -> None:
    assert len(re.findall(r"^# .+$", prose(page), re.MULTILINE)) == 1
    assert len(prose(page).split()) > 50


@pytest.mark.parametrize("name", NAMING)
def test_a_link_to_a_file_is_called_by_that_files_name(name: str) -> None:
    for text, target in re.findall(r"\[`([^`\]]+\.\w+|[^`\]]+/)`\]\(([^)\s]+)\)", prose(ROOT / name)):
        assert target.rstrip("/").endswith(text.rstrip("/")), f"{name} calls {target} by the name {text}"


@pytest.mark.parametrize("name", NAMING)
def test_every_name_in_code_is_defined_or_is_a_path_or_a_target(name: str) -> None:
    code, makefile = defined(), (ROOT / "Makefile").read_text()
    linked = {Path(target).name for target in LINK.findall(prose(ROOT / name))}
    for piece in sorted(pieces(name)):
        if piece.startswith("make "):
            assert re.search(rf"^{re.escape(piece[5:])}:", makefile, re.MULTILINE), f"{name}: no target `{piece}`"
        elif NAME.fullmatch(piece):
            pattern = rf"\b(class|def) {piece}\b|^{piece}\b.*=|^{piece}\b:"
            known = re.search(pattern, code, re.MULTILINE) or piece in linked or (ROOT / piece).exists()
            assert known, f"{name}: nothing defines `{piece}`"
        elif re.fullmatch(r"x-[a-z-]+", piece):
            assert f"{piece}:" in code, f"{name}: no contract says `{piece}`"
        elif piece.startswith("wren-async ") or "(" in piece:
            continue  # a command line, or a call: the README runs them
        else:
            assert (ROOT / piece).exists() or Path(piece).name in linked, f"{name}: there is no `{piece}`"


def test_every_room_stands_in_the_architecture() -> None:
    packages = {file.parent.relative_to(ROOT).as_posix() for file in (ROOT / "wren_async").rglob("__init__.py")}
    rooms = {each for each in packages if "_generated" not in each and "sandbox/" not in each}
    told = {target.rstrip("/") for target in LINK.findall((ROOT / "ARCHITECTURE.md").read_text())}
    assert rooms - told <= {"wren_async", "wren_async/models", "wren_async/batch"}


def test_make_help_lists_every_target_that_a_developer_calls() -> None:
    makefile = (ROOT / "Makefile").read_text()
    # A make inside a make would tell its directory too.
    alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    told = subprocess.run(["make", "help"], cwd=ROOT, env=alone, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    assert phony
    targets = set(phony[1].replace("\\", " ").split()) - {"FORCE", "plain-tests"}
    assert {line.split()[0] for line in told.splitlines()} == targets


def test_the_version_is_the_same_wherever_it_stands() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    released = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert version == wren_async.__version__ == released[0]


@pytest.mark.slow
def test_on_the_page_of_an_index_the_links_of_the_readme_lead_to_the_repository(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        (metadata,) = (opened.read(name).decode() for name in opened.namelist() if name.endswith("/METADATA"))
    targets = LINK.findall(FENCE.sub("", metadata))
    assert len(targets) > 10
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    assert "(https://github.com/wren-async/wren-async/blob/main/docs/performance.md)" in metadata


def test_the_hooks_run_what_make_lint_runs() -> None:
    (recipe,) = re.findall(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    tools = re.findall(r"\$\(BIN\)/(\S+(?: check| format)?)", recipe)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert len(tools) == 4
    assert [tool for tool in tools if f"entry: .venv/bin/{tool}" not in hooks] == []


def test_every_table_of_the_performance_page_has_its_results() -> None:
    tables = re.findall(r'^    "(\w+)": \("(\w+)", \w+\),$', (ROOT / "benchmarks/tables.py").read_text(), re.MULTILINE)
    places = re.findall(r"<!-- results: (\w+) -->", (ROOT / "docs/performance.md").read_text())
    steps = (ROOT / "benchmarks/run.py").read_text()
    assert {name for name, _ in tables} | {"versions"} == set(places)
    for _, source in tables:
        assert (ROOT / f"benchmarks/results/{source}.json").exists(), f"nobody measured {source}"
        assert re.search(rf'Step\(\s*"{source}"', steps), f"make bench measures no {source}"
