"""The contract for other tools is valid, says without our words what they say, and its clients refuse nothing new."""

from __future__ import annotations

import copy
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from codegen.__main__ import main
from codegen.compare import Part, parts
from codegen.contract import Contract, operations, resolve
from codegen.export import exported
from codegen.revisions import APIS
from codegen.walk import maps_names, nodes

ROOT = Path(__file__).resolve().parents[2]
SMALL = Path(__file__).parent / "shop.yaml"


@pytest.fixture(scope="module", params=APIS)
def contract(request: pytest.FixtureRequest) -> Contract:
    return Contract.load(ROOT / "openapi" / f"{request.param}.yaml")


@pytest.fixture(scope="module")
def shop() -> dict[str, Any]:
    return exported(Contract.load(SMALL))


def accepts(document: dict[str, Any], schema: str, value: object) -> bool:
    rooted = {"components": document["components"], "$ref": f"#/components/schemas/{schema}"}
    return bool(Draft202012Validator(rooted).is_valid(value))


def test_the_contracts_are_what_other_tools_ask_for(contract: Contract) -> None:
    assert contract.document["info"]["contact"]["name"]
    assert contract.document["info"]["license"]["identifier"] == "MIT"
    assert list(OpenAPIV31SpecValidator(contract.document).iter_errors()) == []


def test_an_export_is_valid_and_holds_none_of_our_words(contract: Contract) -> None:
    before = copy.deepcopy(contract.document)
    document = exported(contract)
    assert contract.document == before
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    words = [
        key for path, node in nodes(document) for key in node if str(key).startswith("x-") and not maps_names(path)
    ]
    assert words == []
    assert {each.id for each in operations(document)} == {each.id for each in contract.operations()}


def test_every_example_of_the_contract_fits_its_export(contract: Contract) -> None:
    document = exported(contract)
    for operation in operations(document):
        for carrier in (operation.node.get("requestBody", {}), *operation.node["responses"].values()):
            for kind, media in resolve(document, carrier).get("content", {}).items():
                rooted = {"components": document["components"], "allOf": [media["schema"]]}
                for example in media.get("examples", {}).values() if kind.endswith("json") else ():
                    assert not list(Draft202012Validator(rooted).iter_errors(resolve(document, example)["value"]))


def test_an_open_enum_takes_what_is_not_listed_and_a_closed_one_does_not(shop: dict[str, Any]) -> None:
    assert accepts(shop, "State", "new")
    assert accepts(shop, "State", "unheard-of")
    assert not accepts(shop, "State", 3)
    assert not accepts(shop, "Colour", "unheard-of")
    assert shop["components"]["schemas"]["StateKnown"]["enum"] == ["new", "old", "sold"]


def test_aliases_bare_arrays_and_leniency(shop: dict[str, Any]) -> None:
    thing = {"id": "a", "name": "Ann"}
    assert set(shop["components"]["schemas"]["Thing"]["properties"]) >= {"nickname", "nick_name", "nick"}
    assert not accepts(shop, "Thing", {**thing, "nick": 3})
    assert accepts(shop, "Thing", {**thing, "count": {"odd": True}})
    assert accepts(shop, "ThingList", {"data": [thing]})
    assert accepts(shop, "ThingList", [thing])
    assert not accepts(shop, "ThingList", [{"id": "a"}])


@pytest.mark.parametrize(("loose", "state"), [(True, "unheard-of"), (False, "ValueError")])
def test_a_client_that_another_generator_makes_reads_a_new_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loose: bool, state: str
) -> None:
    """The stock templates of the generator stand for other generators. Without the export their client refuses."""
    contract = Contract.load(SMALL)
    name = f"client_{'of_export' if loose else 'of_contract'}"
    (tmp_path / "api.json").write_text(json.dumps(exported(contract) if loose else contract.document))
    (tmp_path / "settings.json").write_text('{"post_hooks": []}')
    command = ["generate", "--path", "api.json", "--meta", "none", "--config", "settings.json", "--output-path", name]
    program = [sys.executable, "-m", "openapi_python_client"]
    subprocess.run([*program, *command], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    thing = importlib.import_module(f"{name}.models.thing").Thing
    try:
        found = str(thing.from_dict({"id": "a", "name": "Ann", "state": "unheard-of"}).state)
    except ValueError:
        found = "ValueError"
    assert found == state


def test_the_command_writes_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--to", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cnaught.json", "wren.json"]
    assert main(["compare", str(tmp_path / "wren.json")]) == 1
    theirs, _, ours = capsys.readouterr().out.partition("Only in ours:\n")
    assert "  GET /api/offset-orders: answer offsetOrders[].amountPaidByCustomer\n" in theirs
    assert "offsetOrders" not in ours


def test_another_file_of_the_same_api_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "openapi" / "cnaught.yaml").read_text()
    assert main(["compare", str(ROOT / "openapi" / "cnaught.yaml")]) == 0
    assert capsys.readouterr().out == "Both files have the same.\n"
    other = tmp_path / "other.yaml"
    other.write_text(text.replace("  /portfolios/{id}:", "  /portfolios/{portfolio}/:").replace("/quotes:", "/prices:"))
    assert main(["compare", str(other)]) == 1
    assert capsys.readouterr().out == "Only in the other file:\n  POST /prices\nOnly in ours:\n  POST /quotes\n"


@pytest.mark.parametrize("text", ["a: [", "[]", "openapi: 3.1.0"])
def test_what_cannot_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "other.yaml").write_text(text)
    assert main(["compare", str(tmp_path / "other.yaml")]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert main(["compare", str(tmp_path / "missing.yaml")]) == 2


def test_parts_of_an_operation() -> None:
    found = {each.part for each in parts(Contract.load(SMALL).document) if each.operation == "POST /things"}
    assert found >= {"", "header parameter Idempotency-Key", "status 201", "request weightKg", "answer id"}
    assert Part("GET /things/{}/parts/{}", "answer parent") in parts(Contract.load(SMALL).document)
