"""The pages that are made from the contract: they are up to date, and leave nothing out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codegen.__main__ import main
from codegen.contract import Contract
from codegen.lint.vocabulary import EFFECTS, KNOWN
from codegen.pages import pages
from codegen.revisions import APIS
from codegen.walk import nodes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def contracts() -> list[Contract]:
    return [Contract.load(ROOT / "openapi" / f"{api}.yaml") for api in APIS]


def test_the_pages_are_what_the_contracts_give(contracts: list[Contract]) -> None:
    for path, text in pages(contracts).items():
        assert (ROOT / path).read_text(encoding="utf-8") == text, "run `make generate`"


def test_every_extension_that_is_used_is_on_the_page(contracts: list[Contract]) -> None:
    page = pages(contracts)["openapi/EXTENSIONS.md"]
    assert all(f"| `{word}` |" in page for word in (*KNOWN, *EFFECTS))
    used = {key for each in contracts for _, node in nodes(each.document) for key in node if str(key).startswith("x-")}
    assert used - {"x-www-form-urlencoded"} <= set(KNOWN)


def test_every_operation_and_attribute_has_its_source(contracts: list[Contract]) -> None:
    page = pages(contracts)["openapi/SOURCES.md"]
    for contract in contracts:
        for operation in contract.operations():
            assert f"| `{operation.method.upper()} {operation.path}`<br>{operation.id} | " in page
        for name, schema in contract.schemas.items():
            assert f"| **{name}** | " in page
            assert all(f"| {name}.`{wire}` | " in page for wire in schema.get("properties", {}))


def test_every_reading_of_ours_is_a_question(contracts: list[Contract]) -> None:
    page = pages(contracts)["openapi/SOURCES.md"]
    assert "Does `GET /api/offset-orders` answer 401?" in page
    assert "- `TreePreview.priceInUSD`: we take it for this: “Price in US money, passed through as it comes" in page
    assert page.index("### Question 1\n") < page.index("### Question 10\n") < page.index("### Not numbered\n")


def test_a_page_that_was_edited_is_drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "openapi", tmp_path / "openapi")
    shutil.copytree(ROOT / "wren_async" / "_generated", tmp_path / "wren_async" / "_generated")
    page = tmp_path / "openapi" / "EXTENSIONS.md"
    page.write_text(page.read_text().replace("| `once` | a write", "| `once` | the write"))
    (tmp_path / "openapi" / "SOURCES.md").unlink()
    assert main(["--root", str(tmp_path), "--check"]) == 1
    said = capsys.readouterr().out
    assert "differs: openapi/EXTENSIONS.md" in said
    assert "missing: openapi/SOURCES.md" in said
    assert main(["--root", str(tmp_path)]) == 0
    assert main(["--root", str(tmp_path), "--check"]) == 0
