"""The page that tells how to add an operation is walked on a copy of the project, and what is left out is told by name."""

# ruff: noqa: E501  what is printed stands here as it is printed
from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegen.__main__ import main
from codegen.add.stub import Stub
from codegen.contract import Contract
from codegen.diff.command import between
from codegen.lint import lint
from codegen.missing import missing
from codegen.revisions import APIS

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("openapi", "codegen", "wren_async", "tests", "docs", "pyproject.toml", "README.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def copied(parts: tuple[str, ...], to: Path) -> Path:
    skipped = shutil.ignore_patterns("__pycache__", ".*")
    for part in parts:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, to / part, ignore=skipped)
        else:
            shutil.copy(ROOT / part, to)
    return to


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copied(("openapi", "wren_async", "tests/contract"), tmp_path)


def test_the_page_on_changes_can_be_walked(tmp_path: Path) -> None:
    copied(PARTS, tmp_path)
    said: list[str] = []
    for kind, text in BLOCK.findall((ROOT / "docs" / "change-the-contract.md").read_text(encoding="utf-8")):
        if kind == "console":
            said += [run(tmp_path, *words(line)) for line in text.splitlines()]
        elif kind == "diff":
            for file, hunk in hunks(text):
                patch(tmp_path / file, hunk)
        elif kind == "python":
            said.append(run(tmp_path, sys.executable, "-c", text))
    assert said[3].count("TODO") == 7, said[3]
    assert "Still to be done" not in said[4]
    assert said[5] == "No drift.\n"
    assert re.search(r"\d+ passed", said[6])
    found = between(str(ROOT / "openapi"), str(tmp_path / "openapi"), tmp_path)
    assert {str(each.verdict) for each in found} <= {"additive", "neutral"}
    assert {each.text for each in found if each.kind == "operation-added"} == {
        "`WrenClient.impact_reports.list` is new.",
        "`WrenClient.impact_reports.get` is new.",
        "`WrenClient.impact_reports.create` is new.",
    }
    run(tmp_path, sys.executable, "-m", "mypy", "wren_async/wren.py", "wren_async/sandbox/wren/api.py")
    run(tmp_path, sys.executable, "-m", "ruff", "check", "--no-cache", "wren_async", "tests/contract")
    run(tmp_path, sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "wren_async", "tests/contract")


def words(line: str) -> list[str]:
    prompt, *rest = shlex.split(line)
    assert prompt == "$"
    return [sys.executable if word == "python" else word for word in rest]


def run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder), "COVERAGE_PROCESS_START": ""}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def hunks(text: str) -> Iterator[tuple[str, list[str]]]:
    for part in text.split("--- ")[1:]:
        file, *lines = part.splitlines()
        yield file, lines


def patch(path: Path, lines: list[str]) -> None:
    before = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    after = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    assert before in text, f"{path}\n{before}"
    path.write_text(text.replace(before, after), encoding="utf-8")


# --- stubs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "method", "path", "more"),
    [
        ("cnaught", "get", "/impact-reports", ["--paged"]),
        ("cnaught", "get", "/impact-reports/{id}", []),
        ("cnaught", "delete", "/subaccounts/{id}/notes/{note_id}", []),
        ("cnaught", "put", "/orders/{id}/label", []),
        ("wren", "get", "/api/categories", []),
        ("wren", "post", "/api/tree-orders/{id}/gift", ["--source", "https://example.com/docs"]),
        ("wren", "patch", "/api/portfolios/{id}", ["--effect", "repeatable"]),
    ],
)
def test_stubs_are_free_of_faults(
    project: Path, capsys: pytest.CaptureFixture[str], api: str, method: str, path: str, more: list[str]
) -> None:
    assert main(["--root", str(project), "add", method, path, *more]) == 0
    assert "Fill in each TODO" in capsys.readouterr().out
    contract = Contract.load(project / "openapi" / f"{api}.yaml")
    assert lint(contract.document) == []
    assert main(["--root", str(project)]) == 0
    left = [line for line in missing(project, [contract]) if "TODO" not in line]
    assert left == []
    for file in (f"wren_async/{api}.py", *(p.as_posix() for p in (project / "wren_async/sandbox" / api).rglob("*.py"))):
        compile((project / file).read_text(), file, "exec")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["get", "/api/portfolios"], "openapi/wren.yaml has get /api/portfolios already"),
        (["get", "/api/portfolios/"], "has an operation listPortfolios already; add this one by hand"),
        (["post", "/api/things", "--paged"], "only a get of many things has pages"),
        (["get", "/"], "/ is no path"),
    ],
)
def test_what_cannot_be_added(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["--root", str(project), "add", *arguments]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "path", "operation", "model", "tag"),
    [
        ("get", "/api/impact-reports", "listImpactReports", "ImpactReport", "impact_reports"),
        ("get", "/categories/{id}", "getCategory", "Category", "categories"),
        ("post", "/subaccounts/{id}/logo", "createLogo", "Logo", "subaccounts"),
    ],
)
def test_names_of_stubs(method: str, path: str, operation: str, model: str, tag: str) -> None:
    stub = Stub(api="wren", method=method, path=path, effect="read")
    assert (stub.operation, stub.model, stub.tag) == (operation, model, tag)


# --- what is missing ------------------------------------------------------------------------------------------------


def without(root: Path, file: str, pattern: str) -> None:
    text = (root / file).read_text(encoding="utf-8")
    assert len(re.findall(pattern, text, re.M)) == 1, pattern
    (root / file).write_text(re.sub(pattern, "", text, flags=re.M), encoding="utf-8")


def handlers(root: Path, name: str) -> str:
    folder = root / "wren_async" / "sandbox"
    return next(p for p in folder.rglob("*.py") if f'"{name}":' in p.read_text()).relative_to(root).as_posix()


def test_nothing_is_missing(project: Path) -> None:
    assert missing(project, [Contract.load(project / "openapi" / f"{api}.yaml") for api in APIS]) == []


def test_all_that_is_missing_is_told_in_one_list(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    without(project, "wren_async/wren.py", r"^    preview = bound\(.*\n")
    without(project, "wren_async/cnaught.py", r"^    get = bound\(orders\.get_order\)\n")
    without(project, handlers(project, "previewTreeOrder"), r'^ *"previewTreeOrder": .*\n')
    without(project, handlers(project, "getOrder"), r'^ *"getOrder": .*\n')
    without(project, "tests/contract/test_every_operation.py", r'^    "createRideOrder": \[\n.*\n    \],\n')
    facade = project / "wren_async" / "cnaught.py"
    facade.write_text(facade.read_text().replace("bound(orders.cancel_order)", "bound(orders.stop_order)"))
    assert main(["--root", str(project), "--check"]) == 1
    said = re.sub(r"py:\d+", "py:N", capsys.readouterr().out)
    # Before it stands what the facade's missing methods change in the list of commands.
    assert said[said.index("Still to be") :].splitlines() == [
        "Still to be done by hand:",
        (
            "wren_async/wren.py: no method calls tree_orders.preview_tree_order (POST /api/tree-orders/preview); add "
            "`… = bound(tree_orders.preview_tree_order)`"
        ),
        "wren_async/sandbox/wren: no handler for previewTreeOrder (POST /api/tree-orders/preview); add it beside the others",
        (
            "tests/contract/test_every_operation.py: no arguments for previewTreeOrder (POST /api/tree-orders/preview); give "
            "all of them examples in the contract, or add a row"
        ),
        "wren_async/cnaught.py: no method calls orders.get_order (GET /orders/{id}); add `… = bound(orders.get_order)`",
        (
            "wren_async/cnaught.py: no method calls orders.cancel_order (POST /orders/{id}/cancel); add "
            "`… = bound(orders.cancel_order)`"
        ),
        "wren_async/cnaught.py:N: CNaughtClient.orders.cancel calls orders.stop_order, which no operation makes",
        "wren_async/sandbox/cnaught: no handler for getOrder (GET /orders/{id}); add it beside the others",
        (
            "tests/contract/test_every_operation.py: no arguments for createRideOrder (POST /orders/ride); give all of them "
            "examples in the contract, or add a row"
        ),
    ]
