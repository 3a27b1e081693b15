"""Walking a document: every object in it, and every schema with the place where it stands."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import attrs

from codegen.contract import METHODS, Node

Path: TypeAlias = tuple[str | int, ...]

DATA: Final = frozenset({"example", "examples", "default", "enum", "const", "value"})
"""Keywords whose value is data, in which nothing is to be read as a part of the contract."""
NAMES: Final = frozenset({"properties", "schemas", "parameters", "responses", "content", "headers", "paths"})
"""Keywords whose value maps names, so that its keys are no keywords."""


class Place(enum.Enum):
    """Where a schema stands."""

    NAMED = "named"
    ATTRIBUTE = "attribute"
    PART = "part"
    """In an `allOf`."""
    CHOICE = "choice"
    """In a `oneOf` or `anyOf`."""
    ITEMS = "items"
    """In an array or a map."""
    PARAMETER = "parameter"
    HEADER = "header"
    BODY = "body"
    ANSWER = "answer"


@attrs.frozen(kw_only=True)
class SchemaSite:
    """A schema and where it stands."""

    path: Path
    place: Place
    schema: Any
    """Mostly an object; a boolean where someone wrote one."""


def location(path: Path) -> str:
    """A JSON path to read."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def nodes(node: Any, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every object at or below a node, apart from example values and other data."""
    if isinstance(node, Mapping):
        yield path, node
        for key, value in node.items():
            if maps_names(path) or key not in DATA:
                yield from nodes(value, (*path, key))
            elif key == "examples" and isinstance(value, Mapping):
                yield from (((*path, key, name), each) for name, each in value.items() if isinstance(each, Mapping))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from nodes(value, (*path, index))


def maps_names(path: Path) -> bool:
    """Whether the keys of the object at this path are names and no keywords. An attribute may be called anything."""
    return bool(path) and path[-1] in NAMES and path[-2:-1] != ("properties",)


def schemas(document: Node) -> Iterator[SchemaSite]:
    """Every schema of a document, named or not, at any depth."""
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        yield from _below(("components", "schemas", name), Place.NAMED, schema)
    for path, node in nodes(document):
        if path[:2] != ("components", "schemas") and "schema" in node and (place := _place(path)):
            yield from _below((*path, "schema"), place, node["schema"])


def _place(path: Path) -> Place | None:
    if "headers" in path:
        return Place.HEADER
    if "requestBody" in path or "requestBodies" in path:
        return Place.BODY
    if "responses" in path:
        return Place.ANSWER
    return Place.PARAMETER if "parameters" in path else None


def _below(path: Path, place: Place, schema: Any) -> Iterator[SchemaSite]:
    yield SchemaSite(path=path, place=place, schema=schema)
    if not isinstance(schema, Mapping):
        return
    for name, attribute in schema.get("properties", {}).items():
        yield from _below((*path, "properties", name), Place.ATTRIBUTE, attribute)
    for keyword, inner in (("allOf", Place.PART), ("oneOf", Place.CHOICE), ("anyOf", Place.CHOICE)):
        for index, part in enumerate(schema.get(keyword, ())):
            yield from _below((*path, keyword, index), inner, part)
    if "items" in schema:
        yield from _below((*path, "items"), Place.ITEMS, schema["items"])
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield from _below((*path, "additionalProperties"), Place.ITEMS, schema["additionalProperties"])


def kind(path: Path) -> str:
    """What an object of the document is, by its path: `operation`, `parameter`, `schema`, `attribute` and so on."""
    if len(path) == 3 and path[0] == "paths" and path[2] in METHODS:
        return "operation"
    if len(path) < 2:
        return "document"
    kinds = {
        "properties": "attribute",
        "schemas": "schema",
        "parameters": "parameter",
        "responses": "response",
        "content": "media type",
        "examples": "example",
        "headers": "header",
        "tags": "tag",
    }
    return kinds.get(str(path[-2]), "other")
