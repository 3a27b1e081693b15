"""The contract's own examples, as a caller of the library gives them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from codegen.contract import Contract, Node, OperationNode
from codegen.parsed import python_name


def body_examples(contract: Contract, operation: OperationNode) -> Mapping[str, Any]:
    """The attributes of all examples of a body together; the first example that has one counts."""
    media = (contract.body(operation) or {}).get("content", {}).get("application/json", {})
    found: dict[str, Any] = {}
    for example in media.get("examples", {}).values():
        found = {**contract.resolve(example)["value"], **found}
    return found


def argument_name(wire: str, node: Node) -> str:
    """The name of the argument that an attribute or a parameter becomes."""
    return str(node.get("x-python-name") or python_name(wire))


def argument_value(schema: Node, value: Any) -> Any:
    """An example's value as the argument takes it."""
    if schema.get("format") == "date-time":
        return datetime.fromisoformat(value)
    return Decimal(str(value)) if schema.get("format") == "decimal" else value
