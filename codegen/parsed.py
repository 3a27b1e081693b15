"""The generator's parser: what it found in a contract, and the names that it gives to things in Python."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final

import attrs
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError, ParseError
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import Class, EnumProperty, ModelProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.strings import PythonIdentifier

from codegen.alternatives import builder_names
from codegen.contract import SCHEMAS, Contract, OperationNode, narrow, properties

GENERATOR: Final = "0.29.1"
"""The only version of the generator that is taken: its Python API is not public, and changes in patch releases."""
PREFIX: Final = "field_"
"""What the generator puts before a name that is no identifier."""


class GenerationFailed(Exception):
    """The contract cannot be generated from. The message lists everything that is wrong."""


@attrs.frozen(kw_only=True)
class Names:
    """Names in Python, as the generator makes them from those in the contract."""

    classes: Mapping[str, str]
    """Class by named schema; schemas that become no class are not here."""
    modules: Mapping[str, str]
    """Module by class: each has one of its own."""
    attributes: Mapping[str, Mapping[str, str]]
    """By class, then by name on the wire."""
    members: Mapping[str, tuple[str, ...]]
    """Members of an enum in the order of its values."""
    functions: Mapping[str, str]
    """By operationId; the constant has the same name in capitals."""
    builders: Mapping[str, tuple[str, ...]]
    """By operationId; several where the body has alternatives."""
    parameters: Mapping[str, Mapping[str, str]]
    """By operationId, then by name on the wire."""


def generator_config(contract: Contract, output: Path) -> Config:
    """The generator's settings, without hooks: those would run whichever ruff and settings are found."""
    settings = ConfigFile(post_hooks=[], field_prefix=PREFIX)
    return Config.from_sources(settings, MetaType.NONE, Path(contract.source), "utf-8", True, output)


def parse(contract: Contract, config: Config) -> GeneratorData:
    """Let the generator parse a contract. A warning is a failure, because it means that something was left out."""
    if (found := version("openapi-python-client")) != GENERATOR:
        raise GenerationFailed(f"needs openapi-python-client {GENERATOR}, found {found}")
    data = GeneratorData.from_dict(narrow(contract.document), config=config)
    if isinstance(data, GeneratorError):
        raise GenerationFailed(explain([data]))
    errors = [error for collection in data.endpoint_collections_by_tag.values() for error in collection.parse_errors]
    if errors := [*data.errors, *errors]:
        raise GenerationFailed(explain(errors))
    return data


def explain(errors: list[GeneratorError] | list[ParseError]) -> str:
    """All that the generator complains of, with the data, because its messages alone do not name the place."""
    return "\n".join(_explain(error) for error in errors)


def _explain(error: GeneratorError) -> str:
    data = getattr(error, "data", None)
    place = "" if data is None else f"\n    {data.model_dump_json(exclude_defaults=True)[:400]}"
    return f"{error.level.value}: {error.header.strip()} {error.detail or ''}{place}"


def names(contract: Contract, data: GeneratorData, config: Config) -> Names:
    """Collect the names that the templates need."""
    models = {str(model.class_info.name): model for model in data.models if _attributes(model)}
    enums = {str(enum.class_info.name): enum for enum in data.enums if isinstance(enum, EnumProperty)}
    classes = {name: str(Class.from_string(string=SCHEMAS + name, config=config).name) for name in contract.schemas}
    endpoints = _endpoints(contract, data)
    functions = {each.id: str(each.node.get("x-python-name", endpoint.name)) for each, endpoint in endpoints}
    return Names(
        classes={name: found for name, found in classes.items() if found in models or found in enums},
        modules={str(each.class_info.name): str(each.class_info.module_name) for each in _classes(data)},
        attributes={
            found: _wire_names(_attributes(models[found])) | _chosen(contract, name)
            for name, found in classes.items()
            if found in models
        },
        members={name: tuple(enum.values) for name, enum in enums.items()},
        functions=functions,
        builders={each.id: builder_names(contract, each, functions[each.id]) for each, _ in endpoints},
        parameters={each.id: _parameter_names(contract, each, endpoint) for each, endpoint in endpoints},
    )


def _classes(data: GeneratorData) -> Iterator[ModelProperty | EnumProperty]:
    yield from (model for model in data.models if _attributes(model))
    yield from (enum for enum in data.enums if isinstance(enum, EnumProperty))


def _endpoints(contract: Contract, data: GeneratorData) -> list[tuple[OperationNode, Endpoint]]:
    """Each operation with its endpoint. The generator keeps neither id nor raw operation, but method and path tell."""
    found = {
        (endpoint.method, endpoint.path.get_untrusted_value()): endpoint
        for collection in data.endpoint_collections_by_tag.values()
        for endpoint in collection.endpoints
    }
    operations = [(each, found.get((each.method, each.path))) for each in contract.operations()]
    return [(each, endpoint) for each, endpoint in operations if endpoint is not None]


def python_name(wire: str) -> str:
    """The name that an attribute or parameter gets where the contract sets none."""
    return _plain(str(PythonIdentifier(wire, PREFIX)))


def _attributes(model: ModelProperty) -> list[PropertyProtocol]:
    return [*(model.required_properties or ()), *(model.optional_properties or ())]


def _parameter_names(contract: Contract, operation: OperationNode, endpoint: Endpoint) -> dict[str, str]:
    found = [*endpoint.path_parameters, *endpoint.query_parameters, *endpoint.header_parameters]
    chosen = {
        each["name"]: str(each["x-python-name"]) for each in contract.parameters(operation) if "x-python-name" in each
    }
    return _wire_names(found) | chosen


def _chosen(contract: Contract, schema: str) -> dict[str, str]:
    """Names of attributes that the contract sets by hand."""
    found = properties(contract.document, contract.schemas[schema])
    return {wire: str(node["x-python-name"]) for wire, node in found.items() if "x-python-name" in node}


def _wire_names(found: Iterable[PropertyProtocol]) -> dict[str, str]:
    return {each.name.get_untrusted_value(): _plain(str(each.python_name)) for each in found}


def _plain(name: str) -> str:
    """Undo the underscore after a builtin's name, which is no trouble on an attribute; a keyword keeps it."""
    bare = name.removesuffix("_")
    return bare if hasattr(builtins, bare) and not keyword.iskeyword(bare) else name
