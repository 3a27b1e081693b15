"""What a change of the contract leaves to be done by hand, in one list and by name.

An operation needs a method of the facade, a handler of the sandbox, and arguments for the tests that call every
operation. They are looked for in the sources; nothing is imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from codegen import facade
from codegen.alternatives import bodies
from codegen.contract import Contract, OperationNode, parameters, properties, resolve
from codegen.parsed import generator_config, names, parse

SANDBOX: Final = "wren_async/sandbox"
TABLE: Final = "tests/contract/test_every_operation.py"
TODO: Final = "TODO"


def missing(root: Path, contracts: Sequence[Contract]) -> list[str]:
    """Everything that is still to be done, as far as the folder has the files for it."""
    found: list[str] = []
    for contract in contracts:
        found += _todo(root, contract)
        if facade.path(root, contract.api).exists():
            found += _methods(root, contract)
        if (root / SANDBOX / contract.api).is_dir():
            found += _handlers(root, contract)
        if (root / TABLE).exists():
            found += _arguments(root, contract)
    return found


def _todo(root: Path, contract: Contract) -> Iterator[str]:
    """What the stubs of a new operation leave to be filled in."""
    files = [root / contract.source, facade.path(root, contract.api)]
    for path in [*files, *sorted((root / SANDBOX / contract.api).rglob("*.py"))]:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for number, line in enumerate(lines, 1):
            if TODO in line:
                yield f"{path.relative_to(root).as_posix()}:{number}: {line.strip()}"


def builders(contract: Contract) -> dict[tuple[str, str], OperationNode]:
    """The operation of each builder, by the builder's module and name."""
    config = generator_config(contract, Path("unused"))
    made = names(contract, parse(contract, config), config).builders
    return {(each.node["tags"][0], name): each for each in contract.operations() for name in made[each.id]}


def _methods(root: Path, contract: Contract) -> Iterator[str]:
    made = builders(contract)
    file = facade.path(root, contract.api).relative_to(root).as_posix()
    there = facade.methods(root, contract.api)
    called = {(each.module, each.builder) for each in there}
    for (module, builder), operation in made.items():
        if (module, builder) not in called:
            line = f"… = bound({module}.{builder})"
            yield f"{file}: no method calls {module}.{builder} ({_told(operation)}); add `{line}`"
    for each in there:
        if (each.module, each.builder) not in made and each.builder.upper() != each.builder:
            yield f"{file}:{each.line}: {each.python} calls {each.module}.{each.builder}, which no operation makes"


def _handlers(root: Path, contract: Contract) -> Iterator[str]:
    folder = f"{SANDBOX}/{contract.api}"
    there = {key for path in sorted((root / folder).rglob("*.py")) for key in keys(path)}
    for operation in contract.operations():
        if operation.id not in there:
            yield f"{folder}: no handler for {operation.id} ({_told(operation)}); add it beside the others"


def _arguments(root: Path, contract: Contract) -> Iterator[str]:
    there = keys(root / TABLE)
    direct = {(each.module, each.builder) for each in _direct(root, contract)}
    for (module, builder), operation in builders(contract).items():
        if operation.id not in there and not ((module, builder) in direct and from_examples(contract, operation)):
            told = f"{operation.id} ({_told(operation)})"
            yield f"{TABLE}: no arguments for {told}; give all of them examples in the contract, or add a row"


def _direct(root: Path, contract: Contract) -> list[facade.Method]:
    return [each for each in facade.methods(root, contract.api) if each.bound]


def from_examples(contract: Contract, operation: OperationNode) -> bool:
    """Whether the contract's examples give every argument, so that the tests need no row of their own."""
    document = contract.document
    for parameter in parameters(document, operation):
        if "x-role" not in parameter and "examples" not in resolve(document, parameter["schema"]):
            return False
    media = (contract.body(operation) or {}).get("content", {}).get("application/json", {})
    given = [resolve(document, each)["value"] for each in media.get("examples", {}).values()]
    named = {wire for value in given for wire in value}
    for body in bodies(contract, operation):
        if any(wire not in named for wire, node in properties(document, body or {}).items() if "readOnly" not in node):
            return False
    return not any(isinstance(item, dict | list) for value in given for item in value.values())


def keys(path: Path) -> set[str]:
    """All texts that are keys of a dict that a file writes out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    written = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    found = [key.value for node in written for key in node.keys if isinstance(key, ast.Constant)]
    return {each for each in found if isinstance(each, str)}


def _told(operation: OperationNode) -> str:
    return f"{operation.method.upper()} {operation.path}"
