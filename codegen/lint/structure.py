"""Rules on which all others stand: references lead somewhere, schemas are objects, OpenAPI's own schema holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from codegen.contract import Node, target
from codegen.lint.problem import Problem
from codegen.walk import maps_names, nodes, schemas


def references(document: Node) -> Iterator[Problem]:
    """Each `$ref` is in this document, and leads to an object."""
    for path, node in nodes(document):
        if "$ref" in node and not maps_names(path):
            try:
                target(document, str(node["$ref"]))
            except ValueError as error:
                yield Problem.at(path, f"{error}")


def booleans(document: Node) -> Iterator[Problem]:
    """No schema is `true` or `false`: the generator refuses the whole document for one. `{}` allows any value."""
    for site in schemas(document):
        if not isinstance(site.schema, Mapping):
            yield Problem.at(site.path, f"a schema must be an object, not {site.schema!r}; {{}} allows any value")


def specification(document: Node) -> Iterator[Problem]:
    """The document is valid OpenAPI 3.1."""
    if document.get("openapi") != "3.1.0":
        yield Problem.at(("openapi",), "must be 3.1.0")
        return
    plain: Any = document
    for error in OpenAPIV31SpecValidator(plain).iter_errors():
        yield Problem.at(tuple(error.absolute_path), error.message[:400])
