"""The rule on `x-paging`: what it names is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from codegen import contract
from codegen.contract import Node, OperationNode, operations, properties, resolve
from codegen.lint.problem import Problem

PARAMETERS: Final = {"cursor": ("limit", "after", "before"), "offset": ("limit", "offset")}
ATTRIBUTES: Final = {"cursor": ("items",), "offset": ("items", "total")}
ITEM_ATTRIBUTES: Final = {"cursor": ("id",), "offset": ()}


def paging(document: Node) -> Iterator[Problem]:
    """`x-paging` is complete, and names parameters and attributes that exist."""
    for operation in operations(document):
        if "x-paging" in operation.node:
            path = ("paths", operation.path, operation.method, "x-paging")
            yield from (Problem.at(path, message) for message in _messages(document, operation))


def _messages(document: Node, operation: OperationNode) -> Iterator[str]:
    stated: Node = operation.node["x-paging"]
    kind = stated.get("kind")
    if kind not in PARAMETERS:
        yield f"kind must be cursor or offset, not {kind!r}"
        return
    keys = {"kind", *PARAMETERS[kind], *ATTRIBUTES[kind], *ITEM_ATTRIBUTES[kind]}
    if keys != set(stated):
        yield f"must have {', '.join(sorted(keys))}, and nothing else"
        return
    query = {each["name"] for each in contract.parameters(document, operation) if each["in"] == "query"}
    yield from (f"{stated[key]} is no query parameter" for key in PARAMETERS[kind] if stated[key] not in query)
    answer = properties(document, _answer(document, operation))
    yield from (f"{stated[key]} is no attribute of the answer" for key in ATTRIBUTES[kind] if stated[key] not in answer)
    items = resolve(document, answer.get(stated["items"], {}))
    if items.get("type") != "array":
        yield f"{stated['items']} is no array"
        return
    inside = properties(document, items.get("items", {}))
    yield from (
        f"{stated[key]} is no attribute of an item" for key in ITEM_ATTRIBUTES[kind] if stated[key] not in inside
    )


def _answer(document: Node, operation: OperationNode) -> Node:
    for status, response in operation.node.get("responses", {}).items():
        content: dict[str, Any] = resolve(document, response).get("content", {})
        if str(status).startswith("2") and content:
            found: Node = next(iter(content.values())).get("schema", {})
            return found
    return {}
