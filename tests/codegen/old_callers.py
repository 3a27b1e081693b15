"""Old callers, who use every name of the code that was generated once, against code that is generated now.

Two of them. The *typed* one is a source file for `mypy --strict`: it gives each builder every argument, and puts each
attribute of an answer into a variable of the old type. The *running* one calls each builder with values at the edges of
what it took, and reads answers as servers may have sent them. Both are made of the old code itself, and know nothing of
the rules of `codegen diff`.
"""

from __future__ import annotations

import ast
import enum
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs

from wren_async.core.codec import decode
from wren_async.core.operation import Operation
from wren_async.core.values import UNSET, OpenStrEnum, Unset

CAUTION = {"read": 0, "compute": 0, "repeatable": 1, "keyed": 2, "once": 3}
HEADER = """\
from collections.abc import AsyncIterable, Mapping
from datetime import datetime
from decimal import Decimal
from types import NoneType
from typing import Literal

from {package} import models
from {package}.operations import {modules}
from wren_async.core.operation import Call, Operation
from wren_async.core.values import JSON
"""


# --- the typed caller -----------------------------------------------------------------------------------------------


def typed_caller(files: Mapping[str, str], package: str) -> str:
    """Source that uses every name of these generated files, of the package `package`."""
    modules = sorted(path.split("/")[-1][:-3] for path in files if "/operations/" in path and "__init__" not in path)
    trees = {path: ast.parse(text) for path, text in files.items()}
    blocks = [HEADER.format(package=package, modules=", ".join(modules))]
    made_by_builders = set[str]()
    for path, tree in trees.items():
        if "/operations/" in path and "__init__" not in path:
            module = path.split("/")[-1][:-3]
            blocks += [_constant(module, each) for each in tree.body if isinstance(each, ast.AnnAssign)]
            blocks += [_builder(module, each) for each in tree.body if isinstance(each, ast.FunctionDef)]
            calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call)]
            made_by_builders |= {ast.unparse(each.func) for each in calls}
    for path, tree in trees.items():
        if "/models/" in path:
            for each in tree.body:
                if isinstance(each, ast.ClassDef) and f"models.{each.name}" not in made_by_builders:
                    blocks.append(_class(each))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _constant(module: str, node: ast.AnnAssign) -> str:
    inner = ast.unparse(node.annotation).removeprefix("Final[").removesuffix("]")
    return f"the_{ast.unparse(node.target)}: {inner} = {module}.{ast.unparse(node.target)}"


def _builder(module: str, node: ast.FunctionDef) -> str:
    arguments = node.args
    keyword = list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    declared = [f"{each.arg}: {_given(each.annotation)}" for each in (*arguments.args, *arguments.kwonlyargs)]
    positional = [each.arg for each in arguments.args]
    least = [*positional, *(f"{each.arg}={each.arg}" for each, default in keyword if default is None)]
    whole = [f"{each.arg}={each.arg}" for each in (*arguments.args, *arguments.kwonlyargs)]
    answer = ast.unparse(node.returns or ast.Constant(None))
    return "\n".join(
        [
            f"def call_{node.name}({', '.join(declared)}) -> None:",
            f"    least: {answer} = {module}.{node.name}({', '.join(least)})",
            f"    whole: {answer} = {module}.{node.name}({', '.join(whole)})",
        ]
    )


def _given(annotation: ast.expr | None) -> str:
    return ast.unparse(annotation or ast.Constant(None)).replace(" | Unset", "")


def _class(node: ast.ClassDef) -> str:
    if any("Enum" in ast.unparse(base) for base in node.bases):
        names = [ast.unparse(each.targets[0]) for each in node.body if isinstance(each, ast.Assign)]
        return "\n".join(f"{node.name}_{name}: models.{node.name} = models.{node.name}.{name}" for name in names)
    fields = [each for each in node.body if isinstance(each, ast.AnnAssign) and "ClassVar" not in ast.unparse(each)]
    own = {ast.unparse(each.target): each for each in fields}
    if "extra_fields" in own:
        lines = [f"    read_{name}: {_qualified(each)} = it.{name}" for name, each in own.items()]
        return "\n".join([f"def read_{node.name}(it: models.{node.name}) -> None:", *lines])
    declared = [f"{name}: {_qualified(each).replace(' | Unset', '')}" for name, each in own.items()]
    least = [f"{name}={name}" for name, each in own.items() if " | Unset" not in ast.unparse(each.annotation)]
    return "\n".join(
        [
            f"def make_{node.name}({', '.join(declared)}) -> None:",
            f"    models.{node.name}({', '.join(least)})",
            f"    models.{node.name}({', '.join(f'{name}={name}' for name in own)})",
        ]
    )


def _qualified(node: ast.AnnAssign) -> str:
    """The annotation of an attribute, with the classes of the package as others write them."""
    plain = {"datetime", "Decimal", "Mapping", "JSON", "Unset", "str", "int", "bool", "tuple", "None"}
    tree = ast.parse(ast.unparse(node.annotation), mode="eval")
    for each in ast.walk(tree):
        if isinstance(each, ast.Name) and each.id not in plain:
            each.id = f"models.{each.id}"
    return ast.unparse(tree)


# --- the running caller ---------------------------------------------------------------------------------------------


class Package:
    """Generated code that was imported."""

    def __init__(self, models: ModuleType, operations: Mapping[str, ModuleType], files: Mapping[str, str]) -> None:
        self.models, self.operations, self.files = models, operations, files

    def classes(self) -> Iterator[type]:
        yield from (getattr(self.models, name) for name in self.models.__all__)

    def functions(self) -> Iterator[tuple[str, ast.FunctionDef]]:
        for path, text in self.files.items():
            if "/operations/" in path and "__init__" not in path:
                for each in ast.parse(text).body:
                    if isinstance(each, ast.FunctionDef):
                        yield path.split("/")[-1][:-3], each


def run(old: Package, new: Package) -> list[str]:
    """What fails for a caller of the old code who meets the new code."""
    return [*_run_calls(old, new), *_run_operations(old, new), *_run_answers(old, new), *_run_enums(old, new)]


def _run_calls(old: Package, new: Package) -> Iterator[str]:
    for module, function in old.functions():
        hints = {each.arg: each for each in (*function.args.args, *function.args.kwonlyargs)}
        before = getattr(old.operations[module], function.name)
        after = getattr(new.operations.get(module), function.name, None)
        if after is None:
            yield f"{module}.{function.name} is gone"
            continue
        checks = _checks(function)
        choices = {name: list(_values(checks.get(name), name, function, new)) for name in hints}
        for turn in range(max(map(len, choices.values()), default=1)):
            given = {name: found[turn % len(found)] for name, found in choices.items()}
            positional = [given.pop(each.arg) for each in function.args.args]
            try:
                call = after(*positional, **given)
            except Exception as error:
                yield f"{module}.{function.name}({positional}, {given}): {error!r}"
                break
            if not any(hasattr(each, "__attrs_attrs__") for each in given.values()):
                path = before(*positional, **given).path
                if any(call.path.get(name, value) != value for name, value in path.items()):
                    yield f"{module}.{function.name} puts its positional arguments elsewhere"


def _checks(function: ast.FunctionDef) -> dict[str, ast.Call]:
    """The check of each argument, which says what it takes."""
    calls = [each for each in ast.walk(function) if isinstance(each, ast.Call)]
    named = [each for each in calls if ast.unparse(each.func).startswith("arguments.")]
    return {ast.literal_eval(each.args[0]): each for each in named}


def _values(check: ast.Call | None, name: str, function: ast.FunctionDef, package: Package) -> Iterator[Any]:
    """Values at the edges of what an argument takes."""
    if check is None:
        yield from _media_types(function) if name == "content_type" else [b"bytes" if name == "body" else "text"]
        return
    limits = {each.arg: ast.literal_eval(each.value) for each in check.keywords}
    kind = ast.unparse(check.func).removeprefix("arguments.")
    least = limits["above"] + 1 if "above" in limits else limits.get("minimum", -5)
    if kind == "integer":
        yield from (least, limits.get("maximum", 10**6))
    elif kind == "decimal":
        yield from (Decimal(limits.get("minimum", limits.get("above", -5))) + Decimal("0.001"), 10**6)
    elif kind == "text":
        yield from ("x" * limits.get("min_length", 0), "x" * limits.get("max_length", 600))
    elif kind == "choice":
        # By its text: what a member is called is seen elsewhere.
        hint = next(each for each in (*function.args.args, *function.args.kwonlyargs) if each.arg == name).annotation
        yield from _literals(hint)
    elif kind == "instance":
        model = getattr(package.models, ast.unparse(check.args[2]).removeprefix("models."), None)
        yield UNSET if model is None else _request(model)
    else:
        yield from {"boolean": (True, False), "flag": (True, False), "identifier": (name.upper(),)}.get(
            kind, (datetime(2026, 7, 1, tzinfo=UTC),)
        )
    if limits.get("nullable"):
        yield None


def _literals(hint: ast.expr | None) -> list[str]:
    found = [each for each in ast.walk(hint or ast.Constant(None)) if isinstance(each, ast.Constant)]
    return [each.value for each in found if isinstance(each.value, str)]


def _media_types(function: ast.FunctionDef) -> list[str]:
    return next(_literals(each.annotation) for each in function.args.kwonlyargs if each.arg == "content_type")


def _request(model: Any) -> Any:
    """A request model; whether its old arguments still fit is the typed caller's to see."""
    hints = get_type_hints(model)
    needed = [each.name for each in attrs.fields(model) if each.default is attrs.NOTHING]
    return model(**{name: _sample(hints[name], model) for name in needed})


def _run_operations(old: Package, new: Package) -> Iterator[str]:
    found = {name: each for module in new.operations.values() for name, each in vars(module).items()}
    for module in old.operations.values():
        for name, before in vars(module).items():
            after = found.get(name)
            if not isinstance(before, Operation) or not isinstance(after, Operation):
                continue
            if CAUTION[after.effect] > CAUTION[before.effect]:
                yield f"{name} must be repeated with more care"
            if before.compute_when not in (None, after.compute_when):
                yield f"{name} has no such dry run"
            if after.credentials == "required" != before.credentials:
                yield f"{name} needs a token"


def _run_enums(old: Package, new: Package) -> Iterator[str]:
    for before in old.classes():
        after = getattr(new.models, before.__name__, None)
        if issubclass(before, enum.StrEnum) and after is not None:
            for name, member in before.__members__.items():
                if after.__members__.get(name) != member.value:
                    yield f"{before.__name__}.{name} is not {member.value!r}"


def _run_answers(old: Package, new: Package) -> Iterator[str]:
    for before in old.classes():
        after: Any = getattr(new.models, before.__name__, None)
        if not attrs.has(before) or "extra_fields" not in attrs.fields_dict(before) or not attrs.has(after):
            continue
        for what, body in _answers(before, after):
            try:
                read = decode(json.dumps(body).encode(), after)
            except Exception as error:
                yield f"{before.__name__} with {what}: {error}"
                continue
            if what in ("all", "a bare array") or what.startswith("alias "):
                yield from _compared(before, read, body if isinstance(body, dict) else None, what)


def _compared(before: Any, read: Any, body: Mapping[str, Any] | None, what: str) -> Iterator[str]:
    hints = get_type_hints(before)
    for field in attrs.fields(before):
        name = what.removeprefix("alias ") if what.endswith(f" of {field.name}") else _wire(field)
        if "extra" in field.metadata or not hasattr(read, field.name):
            continue
        if getattr(read, field.name) is None and body is not None and hints[field.name] is not NoneType:
            yield f"{before.__name__}.{field.name} was not read from {name}"


def _answers(before: Any, after: Any) -> Iterator[tuple[str, Any]]:
    """What servers may send: everything, an alias, something odd, a bare array, and a value that is not listed."""
    wires = {each.name: _wire(each) for each in attrs.fields(before)} | {
        each.name: _wire(each) for each in attrs.fields(after)
    }
    body: dict[str, Any] = {}
    for model in (after, before):
        hints = get_type_hints(model)
        for field in attrs.fields(model):
            if "extra" not in field.metadata and (model is before or field.default is attrs.NOTHING):
                body[wires[field.name]] = _sample(hints[field.name], model)
    yield "all", body
    for field in attrs.fields(before):
        wire = wires[field.name]
        for alias in field.metadata.get("aliases", ()):
            rest = {name: value for name, value in body.items() if name != wire}
            yield f"alias {alias} of {field.name}", {**rest, alias: body[wire]}
        if field.metadata.get("lenient"):
            yield f"something odd as {field.name}", {**body, wire: {"odd": True}}
        if _is_open(get_type_hints(before).get(field.name)):
            yield f"an unlisted {field.name}", {**body, wire: "unheard-of"}
    if (array := getattr(before, "__bare_array__", None)) is not None:
        yield "a bare array", body[wires[array]]


def _is_open(form: Any) -> bool:
    members = get_args(form) or (form,)
    return any(isinstance(each, type) and issubclass(each, OpenStrEnum) for each in members)


def _wire(field: Any) -> str:
    return str(field.metadata.get("wire", field.name))


def _sample(form: Any, within: Any) -> Any:
    """A JSON value, or an argument, of a type."""
    if get_origin(form) in (Union, UnionType):
        members = [each for each in get_args(form) if each not in (NoneType, Unset)]
        return _sample(members[0], within)
    if get_origin(form) is tuple:
        return [_sample(get_args(form)[0], within)]
    if get_origin(form) is Literal:
        return get_args(form)[0]
    if isinstance(get_origin(form), type) and issubclass(get_origin(form), Mapping):
        return {"key": _sample(get_args(form)[1], within)}
    if isinstance(form, type) and issubclass(form, enum.StrEnum):
        return next(iter(form)).value
    if attrs.has(form):
        hints = get_type_hints(form)
        fields = [
            each for each in attrs.fields(form) if "extra" not in each.metadata and hints[each.name] != form | None
        ]
        return {_wire(each): _sample(hints[each.name], form) for each in fields} if form is not within else {}
    plain: dict[Any, Any] = {str: "text", int: 3, bool: True, Decimal: 1.5, datetime: "2026-07-01T12:00:00Z"}
    return plain.get(form, "text")
