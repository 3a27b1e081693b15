"""Generation loses nothing, is reproducible, and gives what is committed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from codegen import generate as generating
from codegen.__main__ import main
from codegen.commands import commands
from codegen.contract import Contract, narrow
from codegen.generate import generate
from codegen.parsed import GenerationFailed, generator_config, parse
from codegen.revisions import APIS
from codegen.tree import committed, drift, write

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "wren_async" / "_generated"
HASH = """
import hashlib, pathlib, sys
from codegen.contract import Contract
from codegen.generate import generate
files = generate([Contract.load(pathlib.Path(path)) for path in sys.argv[1:]])
print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())
"""


def contract(document: dict[str, Any]) -> Contract:
    return Contract(api="small", source="openapi/small.yaml", document=document, sha256="0" * 64)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return generate([Contract.load(ROOT / "openapi" / f"{api}.yaml") for api in APIS])


def test_the_committed_tree_is_what_the_contracts_give(files: dict[str, str]) -> None:
    contracts = [Contract.load(ROOT / "openapi" / f"{api}.yaml") for api in APIS]
    assert drift(GENERATED, files | commands(ROOT, contracts)) == []


@pytest.mark.parametrize("seed", ["0", "1", "20261121"])
def test_the_bytes_do_not_depend_on_hashing_or_the_working_folder(
    files: dict[str, str], seed: str, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    contracts = [str(ROOT / "openapi" / f"{api}.yaml") for api in APIS]
    done = subprocess.run(
        [sys.executable, "-c", HASH, *contracts],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


def test_one_file_names_the_contracts(files: dict[str, str]) -> None:
    for api in APIS:
        digest = hashlib.sha256((ROOT / "openapi" / f"{api}.yaml").read_bytes()).hexdigest()
        assert [path for path, text in files.items() if digest in text] == ["__init__.py"]
        assert f"# openapi/{api}.yaml sha256 {digest}\n" in files["__init__.py"]
    assert all("by `make generate`" in text.partition("\n\n")[0] for text in files.values())


def test_a_change_of_one_schema_changes_the_files_that_it_concerns(document: dict[str, Any]) -> None:
    before = generate([contract(document)])
    thing = document["components"]["schemas"]["Thing"]
    thing["properties"]["size"] = {"type": "integer", "description": "Its size."}
    after = generate([attrs.evolve(contract(document), sha256="1" * 64)])
    assert {path for path, text in after.items() if before[path] != text} == {"__init__.py", "small/models/thing.py"}


def test_no_line_is_longer_than_the_house_allows(files: dict[str, str]) -> None:
    long = [line for text in files.values() for line in text.splitlines() if len(line) > 120]
    assert long == []


def test_a_lint_problem_fails_the_run(document: dict[str, Any]) -> None:
    del document["paths"]["/things"]["get"]["x-effect"]
    with pytest.raises(GenerationFailed, match="needs x-effect"):
        generate([contract(document)])


def plant_conflict(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["thing"] = document["components"]["schemas"]["Thing"]


def plant_default(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["Thing"]["properties"]["id"]["default"] = 3
    document["components"]["schemas"]["Thing"]["properties"]["id"]["format"] = "date-time"


def plant_parameter(document: dict[str, Any]) -> None:
    document["components"]["parameters"]["Key"]["schema"]["format"] = "date-time"


@pytest.mark.parametrize("plant", [plant_conflict, plant_default, plant_parameter])
def test_a_warning_of_the_generator_fails_the_run(
    document: dict[str, Any], plant: Callable[[dict[str, Any]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(document)
    monkeypatch.setattr(generating, "mistakes", lambda _: [])
    planted = contract(document)
    with pytest.raises(GenerationFailed, match="WARNING"):
        parse(planted, generator_config(planted, tmp_path))
    with pytest.raises(GenerationFailed, match="WARNING"):
        generate([planted])


def test_an_operation_that_is_lost_silently_fails_the_run(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    document["paths"]["/things"]["get"]["operationId"] = "create_thing"
    monkeypatch.setattr(generating, "mistakes", lambda _: [])
    with pytest.raises(GenerationFailed, match=r"'operations': 3.*the generator made.*'operations': 2"):
        generate([contract(document)])


def test_models_that_hold_each_other_fail_the_run(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    reference = {"$ref": "#/components/schemas/ThingList"}
    schemas["Thing"]["properties"]["siblings"] = {**reference, "description": "Things of the same kind."}
    with pytest.raises(GenerationFailed, match=r"models that hold each other: (Thing → ThingList|ThingList → Thing)"):
        generate([contract(document)])


def test_a_model_may_hold_itself(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    reference = {"$ref": "#/components/schemas/Thing"}
    schemas["Thing"]["properties"]["parent"] = {**reference, "description": "The thing that it is a part of."}
    source = generate([contract(document)])["small/models/thing.py"]
    assert "parent: Thing | None = None" in source
    assert "models.thing import" not in source


def test_each_class_has_a_module_that_imports_what_it_holds(document: dict[str, Any]) -> None:
    found = generate([contract(document)])
    assert {path.rpartition("/")[2] for path in found if path.startswith("small/models/")} == {
        "__init__.py",
        "fault.py",
        "state.py",
        "thing.py",
        "thing_list.py",
        "thing_request.py",
    }
    held = {path: text.count("import Thing\n") for path, text in found.items() if "/models/" in path}
    assert {path for path, count in held.items() if count} == {"small/models/__init__.py", "small/models/thing_list.py"}
    assert "from wren_async._generated.small.models.state import State\n" in found["small/models/thing.py"]


def test_text_that_passed_by_the_filters_fails_the_run(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for template in generating.TEMPLATES.iterdir():
        (tmp_path / template.name).write_text(template.read_text())
    (tmp_path / "api_init.py.jinja").write_text('"""{{ openapi.title }}"""\n')
    monkeypatch.setattr(generating, "TEMPLATES", tmp_path)
    with pytest.raises(GenerationFailed, match=r"small/operations/__init__\.py"):
        generate([contract(document)])


def test_another_version_of_the_generator_is_refused(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("codegen.parsed.version", lambda _: "0.29.0")
    planted = contract(document)
    with pytest.raises(GenerationFailed, match=r"needs openapi-python-client 0\.29\.1, found 0\.29\.0"):
        parse(planted, generator_config(planted, tmp_path))


def test_narrowing_keeps_one_media_type_that_the_generator_knows(document: dict[str, Any]) -> None:
    body = document["paths"]["/things"]["post"]["requestBody"]
    body["content"]["application/x-www-form-urlencoded"] = body["content"]["application/json"]
    answer = document["paths"]["/things/{id}"]["delete"]["responses"]["204"]
    answer["content"] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    narrowed = narrow(document)["paths"]
    assert list(narrowed["/things"]["post"]["requestBody"]["content"]) == ["application/json"]
    gone = narrowed["/things/{id}"]["delete"]["responses"]["204"]
    assert list(gone["content"]) == ["application/octet-stream"]
    assert len(body["content"]) == 2


def test_the_check_notices_an_edit_a_gap_and_a_stray_file(files: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path, files)
    assert drift(tmp_path, files) == []
    edited = files["wren/models/payment_method.py"].replace("STRIPE", "CARD")
    (tmp_path / "wren" / "models" / "payment_method.py").write_text(edited)
    (tmp_path / "wren" / "__init__.py").unlink()
    (tmp_path / "stray.py").write_text("")
    found = drift(tmp_path, files)
    assert found[:2] == ["not generated: stray.py", "missing: wren/__init__.py"]
    assert found[2] == "differs: wren/models/payment_method.py"
    assert '    -    CARD = "stripe"' in found
    assert len(found) < 30


def test_writing_restores_the_tree_and_touches_only_what_differs(files: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path, files)
    untouched = tmp_path / "wren" / "models" / "purchase.py"
    before = untouched.stat().st_mtime_ns
    (tmp_path / "cnaught" / "models" / "order.py").write_text("")
    (tmp_path / "old" / "__pycache__").mkdir(parents=True)
    (tmp_path / "old" / "stray.py").write_text("")
    assert write(tmp_path, files) == ["cnaught/models/order.py", "old/stray.py"]
    assert committed(tmp_path) == files
    assert not (tmp_path / "old").exists()
    assert untouched.stat().st_mtime_ns == before


def test_the_command_generates_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "openapi").mkdir()
    for api in APIS:
        (tmp_path / "openapi" / f"{api}.yaml").write_bytes((ROOT / "openapi" / f"{api}.yaml").read_bytes())
    root = ["--root", str(tmp_path)]
    assert main([*root, "--check"]) == 1
    assert "missing: cnaught/models/order.py" in capsys.readouterr().out
    assert main(root) == 0
    assert main([*root, "--check"]) == 0
    assert capsys.readouterr().out.endswith("No drift.\n")
    (tmp_path / "openapi" / "wren.yaml").write_text("openapi: 3.0.0\n")
    assert main([*root, "--check"]) == 1
    assert "must be 3.1.0" in capsys.readouterr().err
