"""Drives the generator: a contract in, the files of its package out."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from openapi_python_client import Project
from openapi_python_client.config import Config
from openapi_python_client.parser import GeneratorData

from codegen.contract import Contract
from codegen.formatting import tidy
from codegen.lint import lint
from codegen.model_views import ModelsPackage, models_package
from codegen.operation_views import OperationsModule, operations_module
from codegen.parsed import GenerationFailed, explain, generator_config, names, parse
from codegen.prose import docstring

TEMPLATES: Final = Path(__file__).parent / "templates"
LEAK: Final = "UntrustedString object"
"""How the generator renders text that went past its filters: no error, and different in each run."""


def generate(contracts: list[Contract]) -> dict[str, str]:
    """Text of every generated file by its path below `wren_async/_generated`."""
    files = {"__init__.py": '"""Models and operations, generated from `openapi/` by `make generate`. Do not edit."""\n'}
    for contract in contracts:
        if problems := lint(contract.document):
            raise GenerationFailed(f"{contract.source}:\n" + "\n".join(map(str, problems)))
        files |= {f"{contract.api}/{path}": text for path, text in render(contract).items()}
    files = tidy(files)
    if leaks := [path for path, text in files.items() if LEAK in text]:
        raise GenerationFailed(f"a template printed text without its filter in {', '.join(leaks)}")
    return files


def render(contract: Contract) -> dict[str, str]:
    """Text of an API's files, not yet formatted."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / contract.api
        config = generator_config(contract, output)
        data = parse(contract, config)
        found = names(contract, data, config)
        models = models_package(contract, found)
        tags = list(dict.fromkeys(each.node["tags"][0] for each in contract.operations()))
        operations = {tag: operations_module(contract, found, tag) for tag in tags}
        check_counts(contract, data, models, operations)
        _build(contract, config, data, models, operations)
        return flatten(output)


def header(contract: Contract) -> str:
    """The comment at the top of each file. No time stamp: the same contract gives the same bytes."""
    return f"# Generated from {contract.source} by `make generate`. Do not edit.\n# sha256 {contract.sha256}\n"


def _build(
    contract: Contract,
    config: Config,
    data: GeneratorData,
    models: ModelsPackage,
    operations: Mapping[str, OperationsModule],
) -> None:
    project = Project(openapi=data, config=config, custom_template_path=TEMPLATES)
    project.env.globals.update(
        api=contract.api,
        header=header(contract),
        title=contract.document["info"]["title"],
        docstring=docstring,
        models_package=models,
        operations_module=lambda tag: operations[str(tag)],
    )
    with contextlib.redirect_stdout(io.StringIO()):
        errors = list(project.build())
    if errors:
        raise GenerationFailed(explain(errors))


def check_counts(
    contract: Contract, data: GeneratorData, models: ModelsPackage, operations: Mapping[str, OperationsModule]
) -> None:
    """Refuse to lose anything silently: two ids that are equal in snake_case overwrite each other without a warning."""
    objects = [
        schema for schema in contract.schemas.values() if "properties" in schema or len(schema.get("allOf", ())) > 1
    ]
    expected = {
        "operations": len(list(contract.operations())),
        "models": len(objects),
        "enums": sum("enum" in schema for schema in contract.schemas.values()),
    }
    parsed = sum(len(collection.endpoints) for collection in data.endpoint_collections_by_tag.values())
    written = len({operation.constant for module in operations.values() for operation, _ in module.operations})
    found = {"operations": min(parsed, written), "models": len(models.models), "enums": len(models.enums)}
    if found != expected:
        raise GenerationFailed(f"the contract has {expected}, the generator made {found}")


def flatten(output: Path) -> dict[str, str]:
    """The generator's folders as we want them: `models/` and `operations/<tag>.py`; empty files are left out."""
    moved = {}
    for path in sorted(output.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if text.strip():
            moved[_target(path.relative_to(output))] = text
    return moved


def _target(path: Path) -> str:
    match path.parts:
        case ("api", "__init__.py"):
            return "operations/__init__.py"
        case ("api", tag, "__init__.py"):
            return f"operations/{tag}.py"
    return path.as_posix()
