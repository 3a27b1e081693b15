"""Which public method of a client calls which generated builder, read from the client's source without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class Method:
    """A public method that calls a builder."""

    python: str
    """Such as `WrenClient.offset_orders.create`."""
    module: str
    """Of the builder, which is the operation's tag."""
    builder: str
    line: int
    bound: bool
    """Whether it is one line, with the builder's own signature."""
    rows: str | None = None
    """For a list that is one answer, and can be iterated over too: the attribute with its rows; empty, where the whole
    answer is the list."""


def path(root: Path, api: str) -> Path:
    """The file of an API's facade."""
    return root / "wren_async" / f"{api}.py"


def methods(root: Path, api: str) -> list[Method]:
    """The methods of an API's client that call a builder, in the order of the file."""
    tree = ast.parse(path(root, api).read_text(encoding="utf-8"))
    modules = imported(tree, api)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    homes = _homes(classes)
    found: list[Method] = []
    for node in classes:
        for statement in node.body:
            for module, builder in _builders(statement, modules):
                name = _name(statement)
                found.append(
                    Method(
                        python=f"{homes.get(node.name, node.name)}.{name}",
                        module=module,
                        builder=builder,
                        line=statement.lineno,
                        bound=isinstance(statement, ast.Assign),
                        rows=_rows(statement),
                    )
                )
    return list(dict.fromkeys(found))


def groups(root: Path, api: str) -> dict[str, str]:
    """The groups of an API's methods, as a caller reaches them, with the first paragraph of what their class says."""
    tree = ast.parse(path(root, api).read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    homes = _homes(classes)
    told = {homes[node.name]: ast.get_docstring(node) or "" for node in classes if node.name in homes}
    return {home.partition(".")[2]: " ".join(text.partition("\n\n")[0].split()) for home, text in told.items()}


def imported(tree: ast.Module, api: str) -> dict[str, str]:
    """Modules of operations by the names under which the file has them."""
    source = f"wren_async._generated.{api}.operations"
    statements = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == source]
    return {each.asname or each.name: each.name for node in statements for each in node.names}


def _homes(classes: list[ast.ClassDef]) -> dict[str, str]:
    """How a caller reaches each class: by the property that returns it."""
    found: dict[str, str] = {}
    for node in reversed(classes):
        for each in node.body:
            if isinstance(each, ast.FunctionDef) and isinstance(each.returns, ast.Name) and each.decorator_list:
                found[each.returns.id] = f"{found.get(node.name, node.name)}.{each.name}"
    return found


def _builders(statement: ast.stmt, modules: dict[str, str]) -> Iterator[tuple[str, str]]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield modules[node.value.id], node.attr


def _rows(statement: ast.stmt) -> str | None:
    """Where a line `name = listed(builder, lambda answer: answer.rows)` finds the rows."""
    match statement:
        case ast.Assign(value=ast.Call(func=ast.Name(id="listed"), args=[_, ast.Lambda(body=rows)])):
            return rows.attr if isinstance(rows, ast.Attribute) else ""
        case _:
            return None


def _name(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0])
    return getattr(statement, "name", "")
