"""`commands.py`: the operations under the facade's names, so that the command line can list them and load none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from pprint import pformat
from typing import Any, Final

from codegen import facade
from codegen.contract import Contract, Node, OperationNode, properties, schema_name
from codegen.formatting import laid_out
from codegen.generate import HEADER
from codegen.parsed import Names, generator_config, names, parse
from codegen.prose import Prose

FILE: Final = "commands.py"
_TOP: Final = '''
"""The operations as the command line lists them, under the names of the facade. It imports nothing of the library."""

from __future__ import annotations

from typing import Final, TypedDict


class Command(TypedDict):
    """One operation, or one alternative of its body."""

    api: str
    method: str
    """Below the client, such as `offset_orders.create`."""
    module: str
    """Of the builder, below `operations`."""
    builder: str
    summary: str
    effect: str
    spends: bool
    deprecated: bool
    paged: bool
    """Whether the facade walks it page by page."""
    rows: str | None
    """The attribute of the answer that holds the rows of a list."""


'''


def commands(root: Path, contracts: Sequence[Contract]) -> dict[str, str]:
    """Text of the file, by its path below the generated code. What no method of the facade calls is left out."""
    rows = [row for contract in contracts if facade.path(root, contract.api).exists() for row in _rows(root, contract)]
    groups = {
        f"{contract.api}.{name}": text
        for contract in contracts
        if facade.path(root, contract.api).exists()
        for name, text in facade.groups(root, contract.api).items()
    }
    text = (
        f"{HEADER}{_TOP}COMMANDS: Final[tuple[Command, ...]] = {_literal(tuple(rows))}\n"
        f"GROUPS: Final = {_literal(groups)}\n"
        '"""What each group of methods is about."""\n'
    )
    return laid_out({FILE: text})


def _literal(value: object) -> str:
    return pformat(value, width=100, sort_dicts=False)


def _rows(root: Path, contract: Contract) -> Iterator[dict[str, Any]]:
    config = generator_config(contract, Path("unused"))
    made = names(contract, parse(contract, config), config)
    operation_of = {
        (each.node["tags"][0], name): each for each in contract.operations() for name in made.builders[each.id]
    }
    for method in facade.methods(root, contract.api):
        operation = operation_of.get((method.module, method.builder))
        if operation is not None:
            yield _row(contract, made, operation, method)


def _row(contract: Contract, made: Names, operation: OperationNode, method: facade.Method) -> dict[str, Any]:
    node = operation.node
    below = method.python.partition(".")[2]
    return {
        "api": contract.api,
        "method": below,
        "module": method.module,
        "builder": method.builder,
        "summary": Prose(made).text(node["summary"]),
        "effect": node["x-effect"],
        "spends": bool(node.get("x-spends")),
        "deprecated": bool(node.get("deprecated")),
        "paged": "x-paging" in node and not method.bound,
        "rows": _list_of(contract, made, operation, is_list=re.match("list", below.rpartition(".")[2]) is not None),
    }


def _list_of(contract: Contract, made: Names, operation: OperationNode, *, is_list: bool) -> str | None:
    """The attribute with the rows: the contract names it where the list is paged; else it is the only array."""
    paging = operation.node.get("x-paging")
    if paging is None and not is_list:
        return None
    schema: Node = next(iter(contract.success(operation)["content"].values()))["schema"]
    found = properties(contract.document, contract.resolve(schema))
    arrays = [wire for wire, node in found.items() if contract.resolve(node).get("type") == "array"]
    wire = paging["items"] if paging else arrays[0] if len(arrays) == 1 else None
    name = schema_name(schema)
    return None if wire is None or name is None else made.attributes[made.classes[name]][wire]
