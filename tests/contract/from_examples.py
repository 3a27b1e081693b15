"""Ways to call an operation that the contract's own examples give, so that no table has to repeat them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from codegen import facade
from codegen.alternatives import bodies
from codegen.contract import Contract, Node, OperationNode, properties, required
from codegen.missing import builders, from_examples
from codegen.parsed import python_name

ROOT = Path(__file__).resolve().parents[2]


def ways(api: str, without: Container[str]) -> dict[str, list[dict[str, Any]]]:
    """The arguments of each one-line method whose operation has examples of all that it takes."""
    contract = Contract.load(ROOT / "openapi" / f"{api}.yaml")
    made = builders(contract)
    found: dict[str, list[dict[str, Any]]] = {}
    for method in facade.methods(ROOT, api):
        operation = made.get((method.module, method.builder))
        if operation and method.bound and operation.id not in without and from_examples(contract, operation):
            names = [name for (_, name), each in made.items() if each == operation]
            body = bodies(contract, operation)[names.index(method.builder)]
            name = method.python.partition(".")[2]
            found.setdefault(operation.id, []).append({"method": name, **_arguments(contract, operation, body)})
    return found


def _arguments(contract: Contract, operation: OperationNode, body: Node | None) -> dict[str, Any]:
    ids: list[str] = []
    given: dict[bool, dict[str, Any]] = {True: {}, False: {}}
    for parameter in contract.parameters(operation):
        schema = contract.resolve(parameter["schema"])
        if parameter["in"] == "path":
            ids.append(schema["examples"][0])
        elif "x-role" not in parameter:
            needed = bool(parameter.get("required"))
            given[needed][_name(parameter["name"], parameter)] = _value(schema, schema["examples"][0])
    if body is not None:
        needs = required(contract.document, body)
        for wire, node in properties(contract.document, body).items():
            schema = contract.resolve(node)
            if not schema.get("readOnly"):
                needed = wire in needs or bool(schema.get("x-explicit"))
                given[needed][_name(wire, node)] = _value(schema, _examples(contract, operation)[wire])
    return {"ids": tuple(ids), "required": given[True], "optional": given[False]}


def _examples(contract: Contract, operation: OperationNode) -> Mapping[str, Any]:
    """The attributes of all examples of a body together; the first example that has one counts."""
    media = (contract.body(operation) or {})["content"]["application/json"]
    found: dict[str, Any] = {}
    for example in media["examples"].values():
        found = {**contract.resolve(example)["value"], **found}
    return found


def _name(wire: str, node: Node) -> str:
    return str(node.get("x-python-name") or python_name(wire))


def _value(schema: Node, value: Any) -> Any:
    """An example as a caller gives it."""
    if schema.get("format") == "date-time":
        return datetime.fromisoformat(value)
    return Decimal(str(value)) if schema.get("format") == "decimal" else value
