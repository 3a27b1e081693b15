"""The stubs of an operation in Python: a line of the facade, a handler of the sandbox, a row of arguments."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

from codegen import facade
from codegen.add.stub import Stub

PAGER: Final = {
    "offset": '''
    def list(
        self, *, limit: int = 100, offset: int = 0, prefetch: bool = False, **options: Unpack[CallOptions]
    ) -> OffsetPager[models.{model}]:
        """Walk the {many}.

        Args:
            limit: Items asked for with each request.
            offset: Items to leave out.
            prefetch: Fetch the next page while you work on this one.
            options: Time limits, retries and further headers of each request.

        It changes nothing, so each page is tried again after a failure.
        """
        from wren_async.core.paging import OffsetPager

        return OffsetPager(
            self._client,
            {module}.{builder}(limit=limit, offset=offset, **options),
            items=lambda page: page.data,
            total=lambda page: page.total,
            starts_at=lambda page: page.offset,
            identify=lambda item: item.id,
            prefetch=prefetch,
        )
''',
    "cursor": '''
    def list(
        self, *, limit: int = 100, prefetch: bool = False, **options: Unpack[CallOptions]
    ) -> CursorPager[models.{model}]:
        """Walk the {many}.

        Args:
            limit: Items asked for with each request.
            prefetch: Fetch the next page while you work on this one.
            options: Time limits, retries and further headers of each request.

        It changes nothing, so each page is tried again after a failure.
        """
        from wren_async.core.paging import CursorPager

        call = {module}.{builder}(limit=limit, **options)
        return CursorPager(
            self._client, call, items=lambda page: page.data, identify=lambda item: item.id, prefetch=prefetch
        )
''',
}
ALWAYS: Final = {"offset": '{"limit": "100", "offset": "0"}', "cursor": '{"limit": "100"}'}
OPTIONAL: Final = {"offset": '{"limit": 5, "offset": 1}', "cursor": '{"limit": 5}'}
EXCLUDED: Final = {"offset": "frozenset()", "cursor": 'frozenset({"after", "before"})'}


def with_method(source: str, stub: Stub, paging: str) -> str:
    """The facade's file with a method for the operation, in the class of its tag or in a new one."""
    tree = ast.parse(source)
    modules = facade.imported(tree, stub.api)
    alias = next((name for name, module in modules.items() if module == stub.tag), None)
    method = (
        PAGER[paging].format(many=stub.many, model=stub.model, module=alias or stub.tag, builder=stub.builder)
        if stub.paged
        else f"    {stub.verb} = bound({alias or stub.tag}.{stub.builder})\n"
    )
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    home = next((node for node in classes if alias is not None and f"{alias}." in ast.unparse(node)), None)
    lines = source.splitlines(keepends=True)
    if home is None:
        return _with_class(lines, tree, classes[-1], stub, method, sorted({*modules, stub.tag}))
    bound = [each for each in home.body if isinstance(each, ast.Assign)]
    last = home.body[-1] if stub.paged or not bound else bound[-1]
    lines.insert(last.end_lineno or 0, method)
    return "".join(lines)


def _with_class(
    lines: list[str], tree: ast.Module, client: ast.ClassDef, stub: Stub, method: str, modules: list[str]
) -> str:
    text = f"{stub.many.capitalize()}."
    head = f'    @property\n    def {stub.tag}(self) -> {stub.resource}:\n        """{text}"""\n'
    lines.insert(client.end_lineno or len(lines), f"\n{head}        return self._resource({stub.resource})\n")
    lines.insert(
        client.lineno - 1, f'class {stub.resource}(Resource):\n    """{text}"""\n\n{method.lstrip(chr(10))}\n\n'
    )
    package = f"wren_async._generated.{stub.api}.operations"
    statement = next(node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == package)
    names = "".join(f"    {name},\n" for name in modules)
    lines[statement.lineno - 1 : statement.end_lineno] = [f"from {package} import (\n{names})\n"]
    return "".join(lines)


_ITEM: Final = '{"id": "a1"}'
_EXAMPLE: Final = f"body={_ITEM}"
_PAGE: Final = (
    f'lambda request: SandboxAnswer(body={{"data": [{_ITEM}], "total": 1, '
    '"offset": int(request.query.get("offset", "0"))})'
)


def with_handler(files: Mapping[str, str], stub: Stub, paging: str) -> tuple[str, str]:
    """The file of the sandbox that handles most operations of the API, with a handler that answers an example."""
    tables = [
        (_count(node), path, node)
        for path, source in files.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Dict) and _count(node)
    ]
    _, path, table = max(tables, key=lambda each: each[:2])
    handler = f"lambda _: SandboxAnswer({'status=204' if stub.method == 'delete' else _EXAMPLE})"
    if stub.lists:
        handler = _PAGE if stub.paged and paging == "offset" else f'lambda _: SandboxAnswer(body={{"data": [{_ITEM}]}})'
    if any("self._answering(" in ast.unparse(value) for value in table.values):
        handler = f"self._answering({handler})"
    lines = files[path].splitlines(keepends=True)
    last = table.values[-1]
    line = (last.end_lineno or 1) - 1
    lines[line] = lines[line].rstrip("\n").rstrip(",") + ",\n"
    indent = " " * (table.keys[-1].col_offset if table.keys[-1] is not None else 0)
    lines.insert(line + 1, f'{indent}# TODO: what the API would do\n{indent}"{stub.operation}": {handler},\n')
    return path, "".join(lines)


def _count(table: ast.Dict) -> int:
    """How many operations a dict handles: its keys are operationIds and its values callables."""
    names = [key.value for key in table.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    good = [name for name in names if name[:1].islower() and any(letter.isupper() for letter in name)]
    values = [value for value in table.values if isinstance(value, ast.Call | ast.Attribute | ast.Lambda)]
    return len(names) if names and len(good) == len(table.keys) == len(values) else 0


def with_row(source: str, stub: Stub, paging: str) -> str:
    """The table of the tests with the arguments of a pager, which no example can give."""
    row = (
        f'    "{stub.operation}": [\n        Use(\n            method="{stub.tag}.list",\n'
        f"            optional={OPTIONAL[paging]},\n            always={ALWAYS[paging]},\n"
        f"            excluded={EXCLUDED[paging]},\n        )\n    ],\n"
    )
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == stub.api.upper():
            lines = source.splitlines(keepends=True)
            lines.insert((node.end_lineno or 1) - 1, row)
            return "".join(lines)
    raise LookupError(f"the table has no {stub.api.upper()}")
