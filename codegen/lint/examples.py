"""Rules on examples: the bodies that tests, the sandbox and the docs are made of are there and are valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from codegen.contract import Node, operations, resolve
from codegen.lint.problem import Problem
from codegen.walk import Path, schemas


def present(document: Node) -> Iterator[Problem]:
    """Every JSON body, of a request, a success or an error, has a whole example."""
    for path, _, media_type in _bodies(document):
        if not media_type.get("examples"):
            yield Problem.at(path, "needs a whole example")


def valid(document: Node) -> Iterator[Problem]:
    """Every example, of a body or of one value, is valid against its schema."""
    for path, kind, media_type in _bodies(document):
        if kind.endswith("json"):
            for name, example in media_type.get("examples", {}).items():
                place = (*path, "examples", name)
                yield from _check(document, media_type["schema"], resolve(document, example).get("value"), place)
    for site in schemas(document):
        for index, example in enumerate(site.schema.get("examples", ())):
            yield from _check(document, site.schema, example, (*site.path, "examples", index))


def _bodies(document: Node) -> Iterator[tuple[Path, str, Node]]:
    """Media types of all bodies that are objects or arrays."""
    for operation in operations(document):
        root: Path = ("paths", operation.path, operation.method)
        carriers = {(*root, "requestBody"): operation.node.get("requestBody", {})}
        carriers |= {(*root, "responses", status): each for status, each in operation.node.get("responses", {}).items()}
        for path, carrier in carriers.items():
            for kind, media_type in resolve(document, carrier).get("content", {}).items():
                if resolve(document, media_type.get("schema", {})).get("format") != "binary":
                    yield (*path, "content", kind), kind, media_type


def _check(document: Node, schema: Node, value: Any, path: Path) -> Iterator[Problem]:
    rooted = {"components": document.get("components", {}), "allOf": [_plain(schema)]}
    for error in Draft202012Validator(rooted).iter_errors(value):
        yield Problem.at((*path, *error.absolute_path), error.message[:300])


def _plain(schema: Node) -> dict[str, Any]:
    return dict(schema) if isinstance(schema, Mapping) else {}
