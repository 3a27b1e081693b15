"""The pages of the operations in `docs/reference`: one for each method, made from the contract and the facade.

What the facade does itself, such as walking pages, is read from its source; the rest from what is generated.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from codegen import facade
from codegen.contract import Contract, OperationNode
from codegen.pages import MADE
from codegen.parsed import Names, generator_config, names, parse
from codegen.reference_examples import body_of, example_of, in_python, on_command_line

FOLDER: Final = "docs/reference"
TITLES: Final = {"wren": "Wren", "cnaught": "CNaught"}
EFFECTS: Final = {
    "read": "changes nothing",
    "compute": "calculates, and keeps nothing",
    "repeatable": "a repeat leaves what the first left",
    "keyed": "acts once for its idempotency key",
    "once": "acts a second time when it is sent a second time",
}
EXCEPTIONS: Final[Mapping[str, str]] = {
    "400": "BadRequest",
    "401": "Unauthorized",
    "402": "PaymentRequired",
    "403": "Forbidden",
    "404": "NotFound",
    "409": "Conflict",
    "410": "APIError",
    "413": "APIError",
    "415": "APIError",
    "422": "UnprocessableContent",
    "429": "RateLimited",
}
"""What the library raises for a status. Any other is an `APIError`, and 5xx a `ServerError`."""
LOST: Final = {
    "keyed": (
        "If no attempt gets an answer, `OutcomeUnknown` is raised. "
        "[What to do then](../../errors.md#outcomeunknown): sending that error's call again, with its key, is safe "
        "for as long as the server remembers the key."
    ),
    "once": (
        "If the answer is lost, `OutcomeUnknown` is raised. "
        "[What to do then](../../errors.md#outcomeunknown): find out first, and do not send it again before."
    ),
}
_ENTRY: Final = re.compile(r"^    (\w+): ", re.MULTILINE)
_BOUNDS: Final = {
    "above": "above {}",
    "minimum": "{} or more",
    "maximum": "at most {}",
    "max_length": "at most {} characters",
}


@attrs.frozen(kw_only=True)
class Told:
    """A docstring in its parts."""

    summary: str
    text: tuple[str, ...]
    deprecated: str | None
    arguments: Mapping[str, str]
    after: tuple[str, ...]
    source: str | None


@attrs.frozen(kw_only=True)
class Page:
    """One method of a client."""

    contract: Contract
    made: Names
    operation: OperationNode
    method: facade.Method
    builder: ast.FunctionDef
    function: ast.FunctionDef | ast.AsyncFunctionDef
    """What the caller sees: the builder, or a method that the facade writes out."""

    @property
    def name(self) -> str:
        """Such as `cnaught.orders.create`."""
        return f"{self.contract.api}.{self.method.python.partition('.')[2]}"

    @property
    def file(self) -> str:
        """Below the folder of the reference."""
        api, _, below = self.name.partition(".")
        return f"{api}/{below.replace('.', '-').replace('_', '-')}.md"

    @property
    def effect(self) -> str:
        """What carrying it out does."""
        return str(self.operation.node["x-effect"])


def reference(root: Path, contracts: Sequence[Contract], files: Mapping[str, str]) -> dict[str, str]:
    """Text of each page by its path below the project's root; none where there is no facade or no `docs`."""
    if not (root / "docs").is_dir():
        return {}
    found = [
        page
        for contract in contracts
        if facade.path(root, contract.api).exists()
        for page in _pages(root, contract, files)
    ]
    if not found:
        return {}
    texts = {f"{FOLDER}/{page.file}": _text(page, files) for page in found}
    return {f"{FOLDER}/index.md": "\n".join(_index(found)) + "\n", **texts}


def _pages(root: Path, contract: Contract, files: Mapping[str, str]) -> Iterator[Page]:
    config = generator_config(contract, Path("unused"))
    made = names(contract, parse(contract, config), config)
    operations = {
        (each.node["tags"][0], name): each for each in contract.operations() for name in made.builders[each.id]
    }
    written = _functions(ast.parse(facade.path(root, contract.api).read_text(encoding="utf-8")))
    trees = {tag: ast.parse(files[f"{contract.api}/operations/{tag}.py"]) for tag, _ in operations}
    for method in facade.methods(root, contract.api):
        operation = operations.get((method.module, method.builder))
        if operation is None:
            continue
        builder = _functions(trees[method.module])[method.builder, 0]
        function = builder if method.bound else written[method.python.rpartition(".")[2], method.line]
        yield Page(
            contract=contract,
            made=made,
            operation=operation,
            method=method,
            builder=builder,  # type: ignore[arg-type]
            function=function,
        )


def _functions(tree: ast.Module) -> dict[tuple[str, int], ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions by their names, methods by their lines too."""
    found: dict[tuple[str, int], ast.FunctionDef | ast.AsyncFunctionDef] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name, node.lineno] = node
    return found | {(node.name, 0): node for node in tree.body if isinstance(node, ast.FunctionDef)}


# --- the pages ------------------------------------------------------------------------------------------------------


def _index(pages: Sequence[Page]) -> Iterator[str]:
    yield MADE.rstrip()
    yield from ("# Every operation", "")
    count = len({(page.contract.api, page.operation.id) for page in pages})
    yield f"All {count} operations of both APIs, under the names of the two clients."
    yield "Each page has the whole signature, every argument with its bounds, what comes back, what can go wrong, and"
    yield "an example in Python and on the command line."
    for api, title in TITLES.items():
        inside = [page for page in pages if page.contract.api == api]
        if inside:
            yield from ("", f"## {title}", "", "| method | what it does | effect | spends |", "|---|---|---|---|")
        for page in inside:
            spends = "money" if page.operation.node.get("x-spends") else ""
            summary = _told(page.function).summary
            yield f"| [`{page.name.partition('.')[2]}`]({page.file}) | {summary} | {page.effect} | {spends} |"
    yield from ("", "The effect says what the library may do when an answer is lost:", "")
    yield from (f"- `{effect}`: {meaning}." for effect, meaning in EFFECTS.items())


def _text(page: Page, files: Mapping[str, str]) -> str:
    told = _told(page.function)
    lines = [
        MADE.rstrip(),
        f"# `{page.name}`",
        "",
        told.summary,
        "",
        *_facts(page, told),
        *(f"{each}\n" for each in told.text),
        *_examples(page, told),
        "## Signature",
        "",
        "```pyi",
        _signature(page, files),
        "```",
        "",
        *_arguments(page, told),
        *_returns(page, files),
        *_repeats(page, told),
        *_errors(page),
        "## Where this is stated",
        "",
        "; ".join(_linked(each) for each in page.operation.node["x-source"]["pages"]) + ".",
    ]
    return "\n".join(lines) + "\n"


def _facts(page: Page, told: Told) -> Iterator[str]:
    spends = "; it **spends money**" if page.operation.node.get("x-spends") else ""
    request = f"{page.operation.method.upper()} {page.operation.path}"
    yield f"`{request}` · effect `{page.effect}`: {EFFECTS[page.effect]}{spends}"
    yield ""
    if told.deprecated:
        yield f"**Deprecated.** {told.deprecated}"
        yield ""


def _examples(page: Page, told: Told) -> Iterator[str]:
    builders = page.made.builders[page.operation.id]
    body = body_of(page.contract, page.operation, page.method.builder, builders)
    example = example_of(page.name, page.contract, page.operation, body)
    returns = ast.unparse(page.function.returns) if page.function.returns else ""
    program = in_python(
        page.name,
        example,
        pager=page.method.rows is not None or (not page.method.bound and "Pager" in returns),
        answers=returns not in ("Call[None]", "None"),
        deprecated=told.deprecated is not None,
    )
    yield from ("```python", program, "```", "", "On the command line:", "")
    yield from ("```sh", on_command_line(page.name, example), "```", "")


def _signature(page: Page, files: Mapping[str, str]) -> str:
    function = page.function
    returns = _plain(ast.unparse(function.returns)) if function.returns else "None"
    if page.method.bound:
        returns = re.sub(r"^Call\[(.*)\]$", r"\1", returns)
    if page.method.rows is not None:
        returns = f"WholeList[{returns}, {_row(page, returns, files)}]"
    waits = page.method.bound or isinstance(function, ast.AsyncFunctionDef)
    begin = "async def" if waits and page.method.rows is None else "def"
    listed = "".join(f"    {each},\n" for each in _declarations(function.args))
    return f"{begin} {page.name.rpartition('.')[2]}(\n{listed}) -> {returns}: ..."


def _row(page: Page, answer: str, files: Mapping[str, str]) -> str:
    """The type of a row of a list that is one answer."""
    rows = answer
    if page.method.rows:
        tree = ast.parse(files[f"{page.contract.api}/models/{page.made.modules[answer]}.py"])
        (rows,) = (
            ast.unparse(node.annotation)
            for node in ast.walk(tree)
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == page.method.rows
        )
    return rows.removeprefix("tuple[").removesuffix(", ...]")


def _declarations(given: ast.arguments) -> Iterator[str]:
    plain = [each for each in given.args if each.arg != "self"]
    defaults = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    for argument, default in zip(plain, defaults, strict=True):
        yield _declaration(argument, default)
    if given.kwonlyargs:
        yield "*"
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _declaration(argument, default)
    if given.kwarg:
        yield f"**{_declaration(given.kwarg, None)}"


def _declaration(argument: ast.arg, default: ast.expr | None) -> str:
    annotation = _plain(ast.unparse(argument.annotation)) if argument.annotation else "object"
    return f"{argument.arg}: {annotation}" + ("" if default is None else f" = {ast.unparse(default)}")


def _arguments(page: Page, told: Told) -> Iterator[str]:
    given = page.function.args
    optional = {each.arg for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default}
    bounds = _bounds(page.builder)
    yield from ("## Arguments", "")
    for name, text in told.arguments.items():
        if name == "options":
            text = f"{text.rstrip('.')}. See [every option](../../run-in-production.md#options-of-a-call)."
            yield f"- `**options`: {text.replace('; see `CallOptions`', '')}"
            continue
        argument = next(each for each in (*given.args, *given.kwonlyargs) if each.arg == name)
        facts = [f"`{_short(argument)}`", "optional" if name in optional else "required", *bounds.get(name, ())]
        yield f"- **`{name}`** ({', '.join(facts)}): {text}"
    yield ""


def _bounds(builder: ast.FunctionDef) -> dict[str, list[str]]:
    """What the builder's checks allow, by argument."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(builder):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            name = node.args[0]
            told = {each.arg: each.value for each in node.keywords}
            if ast.unparse(node.func.value) == "arguments" and isinstance(name, ast.Constant):
                found[str(name.value)] = [
                    words.format(ast.unparse(told[key])) for key, words in _BOUNDS.items() if key in told
                ]
    return found


def _short(argument: ast.arg) -> str:
    text = _plain(ast.unparse(argument.annotation)) if argument.annotation else "object"
    return re.sub(r" \| Unset|Unset \| ", "", text)


def _returns(page: Page, files: Mapping[str, str]) -> Iterator[str]:
    returns = _plain(ast.unparse(page.function.returns)) if page.function.returns else "None"
    answer = re.sub(r"^Call\[(.*)\]$", r"\1", returns)
    yield from ("## What comes back", "")
    if answer == "None":
        yield from ("Nothing.", "")
        return
    item = re.fullmatch(r"(Cursor|Offset)Pager\[(.*)\]", answer)
    if item:
        yield f"A pager of `{item[2]}`: `await` it for the first page, iterate over it (`async for`) for all. "
        yield "[Paging](../../paging.md) tells more."
    elif page.method.rows is not None:
        rows = f"the rows in its `{page.method.rows}`" if page.method.rows else "its items"
        yield f"`await` it for the whole answer, `{answer}`, or iterate over it (`async for`) for {rows}. "
        yield "[Paging](../../paging.md#lists-that-are-one-answer) tells more."
    else:
        yield f"`{answer}`."
    yield ""
    model = item[2] if item else answer
    text = files.get(f"{page.contract.api}/models/{page.made.modules.get(model, '')}.py")
    if text is not None:
        yield from _attributes(model, ast.parse(text))
        yield ""


def _attributes(model: str, tree: ast.Module) -> Iterator[str]:
    node = next(each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == model)
    for statement, after in zip(node.body, [*node.body[1:], None], strict=True):
        name = ast.unparse(statement.target) if isinstance(statement, ast.AnnAssign) else ""
        if isinstance(statement, ast.AnnAssign) and name != "extra_fields" and not name.startswith("_"):
            text = _docstring_of(after)
            yield f"- `{name}` (`{ast.unparse(statement.annotation)}`): {text}"
    yield "- `extra_fields`: whatever else the server sent."


def _docstring_of(statement: ast.stmt | None) -> str:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return " ".join(str(value.value).split()) if isinstance(value, ast.Constant) else ""


def _repeats(page: Page, told: Told) -> Iterator[str]:
    yield from ("## May it be repeated?", "")
    if page.effect in LOST:
        kept = {
            "keyed": "Every attempt carries the same idempotency key: it is tried again after a failure and acts once.",
            "once": "Sent twice it would act twice, so it is tried again only on proof that nothing was sent.",
        }[page.effect]
        yield f"{kept} {LOST[page.effect]}"
        if "x-effect-when" in page.operation.node:
            yield "With `dry_run=True` it keeps nothing, and is tried again freely."
    else:
        yield from told.after
    yield ""


def _errors(page: Page) -> Iterator[str]:
    yield from ("## What can go wrong", "", "| status | exception | when |", "|---|---|---|")
    inferred = set(map(str, page.operation.node.get("x-inferred-statuses", ())))
    for status, raw in page.operation.node["responses"].items():
        if str(status)[:1] in "45":
            exception = EXCEPTIONS.get(str(status), "ServerError" if str(status)[0] == "5" else "APIError")
            when = " ".join(str(page.contract.resolve(raw)["description"]).split())
            guess = " (a reading of ours: no page of the API's states it)" if str(status) in inferred else ""
            yield f"| {status} | [`{exception}`](../../errors.md#{exception.lower()}) | {when}{guess} |"
    yield from ("", "Every other failure, and what to do about each: [errors](../../errors.md).", "")


def _linked(page: str) -> str:
    return f"<{page}>" if "://" in page else page


def _plain(annotation: str) -> str:
    """An annotation without the module of the models."""
    return annotation.replace("models.", "").replace("'", '"')


def _told(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Told:
    blocks = inspect.cleandoc(ast.get_docstring(function) or "").split("\n\n")
    at = next((number for number, block in enumerate(blocks) if block.startswith("Args:")), len(blocks))
    text = [_joined(each) for each in blocks[1:at]]
    deprecated = [each for each in text if each.startswith(".. deprecated::")]
    after = [_joined(each) for each in blocks[at + 1 :]]
    source = [each.removeprefix("Source: ") for each in after if each.startswith("Source: ")]
    pieces: list[Any] = _ENTRY.split(blocks[at])[1:] if at < len(blocks) else []
    return Told(
        summary=_joined(blocks[0]),
        text=tuple(each for each in text if each not in deprecated),
        deprecated=deprecated[0].split(" ", 3)[3] if deprecated else None,
        arguments={name: _joined(words) for name, words in zip(pieces[::2], pieces[1::2], strict=True)},
        after=tuple(each for each in after if not each.startswith("Source: ")),
        source=source[0] if source else None,
    )


def _joined(text: str) -> str:
    return " ".join(text.split())
