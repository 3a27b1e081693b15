"""Which named schemas are sent to the server, and which are received from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from codegen.contract import SCHEMAS, Contract
from codegen.walk import nodes


def sent(contract: Contract) -> frozenset[str]:
    """Schemas reachable from a request body."""
    bodies = [body for operation in contract.operations() if (body := contract.body(operation)) is not None]
    return reachable(contract, bodies)


def received(contract: Contract) -> frozenset[str]:
    """Schemas reachable from an answer, errors included."""
    answers: list[Any] = [operation.node.get("responses", {}) for operation in contract.operations()]
    return reachable(contract, answers)


def requests_only(contract: Contract) -> frozenset[str]:
    """Schemas that are sent and never received. A schema that is also received gets the code of a received one."""
    return sent(contract) - received(contract)


def reachable(contract: Contract, roots: Iterable[Any]) -> frozenset[str]:
    """Names of all schemas that can be reached over references."""
    found: set[str] = set()
    waiting: list[Any] = list(roots)
    while waiting:
        for reference in _references(waiting.pop()):
            name = reference.removeprefix(SCHEMAS)
            if not reference.startswith(SCHEMAS):
                waiting.append(contract.resolve({"$ref": reference}))
            elif name not in found and name in contract.schemas:
                found.add(name)
                waiting.append(contract.schemas[name])
    return frozenset(found)


def _references(node: Any) -> Iterator[str]:
    for _, each in nodes(node):
        reference = each.get("$ref")
        if isinstance(reference, str):
            yield reference
