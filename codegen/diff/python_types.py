"""Python types as sets of alternatives, so that wider and narrower can be told apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

import attrs

ABSENT: Final = "Unset"
ANYTHING: Final = "JSON"
PACKAGES: Final = ("models.",)


@attrs.frozen(order=True)
class Plain:
    """A class, or `None`."""

    name: str

    def __str__(self) -> str:
        return self.name


@attrs.frozen
class Holder:
    """A `tuple[X, ...]` or a `Mapping[str, X]`."""

    name: str
    inner: Type

    def __str__(self) -> str:
        return f"tuple[{show(self.inner)}, ...]" if self.name == "tuple" else f"{self.name}[str, {show(self.inner)}]"


Alternative: TypeAlias = Plain | Holder
Type: TypeAlias = frozenset[Alternative]
NONE: Final = Plain("None")


class Enums(NamedTuple):
    """Names of the enums of both contracts. A member is a text; every text is a member only of an open enum."""

    known: frozenset[str]
    open: frozenset[str]


def parse(annotation: str) -> Type:
    """The type that generated code states. That an argument may be left out is no part of it.

    The literals beside an enum say what the enum's members say, so they are left out too.
    """
    found = frozenset(_alternatives(ast.parse(annotation, mode="eval").body)) - {Plain(ABSENT)}
    literals = {each for each in found if each.name.startswith("'")}
    return found - literals if found - literals - {NONE} else found


def renamed(type_: Type, names: Mapping[str, str]) -> Type:
    """The type with its classes under other names."""
    return frozenset(
        Plain(names.get(each.name, each.name))
        if isinstance(each, Plain)
        else Holder(each.name, renamed(each.inner, names))
        for each in type_
    )


def within(narrow: Type, wide: Type, enums: frozenset[str]) -> bool:
    """Whether each alternative of one type is taken by the other. An enum's member is a text."""
    return all(any(_fits(each, other, enums) for other in wide) for each in narrow)


def show(type_: Type) -> str:
    """The type as code; `None` stands last."""
    return " | ".join(sorted(map(str, type_), key=lambda name: (name == "None", name)))


def _fits(narrow: Alternative, wide: Alternative, enums: frozenset[str]) -> bool:
    if narrow == wide or wide == Plain(ANYTHING):
        return True
    if isinstance(narrow, Holder) and isinstance(wide, Holder):
        return narrow.name == wide.name and within(narrow.inner, wide.inner, enums)
    return wide == Plain("str") and isinstance(narrow, Plain) and narrow.name in enums


def _alternatives(node: ast.expr) -> Iterator[Alternative]:
    match node:
        case ast.BinOp(left=left, right=right):
            yield from _alternatives(left)
            yield from _alternatives(right)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            yield from _literals(inner)
        case ast.Subscript(value=holder, slice=ast.Tuple(elts=elements)):
            inner = elements[0] if ast.unparse(holder) == "tuple" else elements[1]
            yield Holder(ast.unparse(holder), frozenset(_alternatives(inner)))
        case _:
            name = ast.unparse(node)
            for package in PACKAGES:
                name = name.removeprefix(package)
            yield Plain(name)


def _literals(node: ast.expr) -> Iterator[Alternative]:
    for each in node.elts if isinstance(node, ast.Tuple) else [node]:
        yield Plain(ast.unparse(each))
