"""The page that says which source states each part of the contract, when it was seen, and what to ask the vendor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from codegen.contract import Contract, Node, OperationNode
from codegen.walk import kind, location, nodes

GUESS: Final = "a reading of ours"
TITLES: Final = {"wren": "Wren", "cnaught": "CNaught"}


def sources(contracts: Sequence[Contract]) -> Iterator[str]:
    """The lines of the page."""
    yield "# Where the contract comes from"
    yield ""
    yield "Each operation and attribute: what states it, and when that was seen. An attribute is as well founded as its"
    yield "schema unless it is marked as a reading of ours. The kinds of evidence are explained in `EXTENSIONS.md`."
    for contract in contracts:
        title = TITLES.get(contract.api, contract.api)
        yield from ("", f"# {title}", "", "## Operations", "")
        yield from ("| operation | evidence | seen | pages | read by us |", "|---|---|---|---|---|")
        yield from map(_operation, contract.operations())
        yield from ("", "## Attributes", "", "| attribute | evidence | seen |", "|---|---|---|")
        for name, schema in contract.schemas.items():
            yield from _attributes(name, schema)
        yield from ("", f"## Questions to {title}", "")
        yield from _questions(contract)


def _operation(operation: OperationNode) -> str:
    source = operation.node["x-source"]
    inferred = [f"status {each}" for each in operation.node.get("x-inferred-statuses", ())]
    if "x-inferred" in operation.node:
        inferred.insert(0, "the operation")
    pages = "<br>".join(map(_link, source["pages"]))
    evidence, seen = _evidence(source), source["seen"]
    name = f"`{operation.method.upper()} {operation.path}`<br>{operation.id}"
    return f"| {name} | {evidence} | {seen} | {pages} | {', '.join(inferred)} |"


def _attributes(name: str, schema: Node) -> Iterator[str]:
    source = schema["x-source"]
    parts = [schema, *(part for part in schema.get("allOf", ()) if "$ref" not in part)]
    found = {wire: node for part in parts for wire, node in part.get("properties", {}).items()}
    evidence, seen = _evidence(source), source["seen"]
    yield f"| **{name}** | {GUESS if 'x-inferred' in schema else evidence} | {seen} |"
    for wire, node in found.items():
        guess = (
            GUESS if "x-inferred" in node else f"{evidence}; type or presence: {GUESS}" if "x-lenient" in node else None
        )
        yield f"| {name}.`{wire}` | {guess or evidence} | {seen} |"


def _evidence(source: Node) -> str:
    stated = source["evidence"]
    return stated if isinstance(stated, str) else ", ".join(stated)


def _link(page: str) -> str:
    return f"<{page}>" if "://" in page else page


def _questions(contract: Contract) -> Iterator[str]:
    """One question for each reading, those with the same number together."""
    found: dict[str, list[str]] = {}
    for path, node in nodes(contract.document):
        if "x-inferred" in node:
            number = node["x-inferred"]
            group = "Not numbered" if number is True else f"Question {number}"
            found.setdefault(group, []).append(_question(contract, path, node))
        for status in node.get("x-inferred-statuses", ()):
            name = f"`{str(path[2]).upper()} {path[1]}`"
            found.setdefault("Statuses", []).append(f"Does {name} answer {status}?")
    for group in sorted(found, key=lambda name: (name == "Statuses", name == "Not numbered", _number(name))):
        yield from (f"### {group}", "", *(f"- {each}" for each in dict.fromkeys(found[group])), "")


def _number(group: str) -> int:
    word = group.rpartition(" ")[2]
    return int(word) if word.isdigit() else 0


def _question(contract: Contract, path: tuple[str | int, ...], node: Node) -> str:
    match kind(path):
        case "operation":
            name = f"{str(path[2]).upper()} {path[1]}"
        case "schema":
            name = str(path[-1])
        case "attribute":
            name, node = f"{_holder(path)}.{path[-1]}", contract.resolve(node)
        case "example":
            return f"Does a body of `{_operation_of(path)}` look like the example `{path[-1]}` ({_text(node)})?"
        case _:
            name = location(path)
    return f"`{name}`: we take it for this: “{_text(node)}” Is that so?"


def _holder(path: tuple[str | int, ...]) -> str:
    return str(path[2]) if path[:2] == ("components", "schemas") else location(path[:-2])


def _operation_of(path: tuple[str | int, ...]) -> str:
    return f"{str(path[2]).upper()} {path[1]}" if path[0] == "paths" else location(path[:3])


def _text(node: Any) -> str:
    text = str(node.get("description") or node.get("summary") or "it is as the contract has it")
    return " ".join(text.split())
