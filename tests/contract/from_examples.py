"""Ways to call an operation that the contract's own examples give, so that no table has to repeat them."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

from codegen import facade
from codegen.alternatives import bodies
from codegen.contract import Contract, Node, OperationNode, properties, required
from codegen.contract_examples import argument_name, argument_value, body_examples
from codegen.missing import builders, from_examples

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
            given[needed][argument_name(parameter["name"], parameter)] = argument_value(schema, schema["examples"][0])
    if body is not None:
        needs, told = required(contract.document, body), body_examples(contract, operation)
        for wire, node in properties(contract.document, body).items():
            schema = contract.resolve(node)
            if not schema.get("readOnly"):
                needed = wire in needs or bool(schema.get("x-explicit"))
                given[needed][argument_name(wire, node)] = argument_value(schema, told[wire])
    return {"ids": tuple(ids), "required": given[True], "optional": given[False]}
