"""Shows `create = bound(orders.create_order)` as the method that it is, and an attribute of attrs by its default."""

from __future__ import annotations

from typing import Any, Final

import griffe

_METHODS: Final = {"bound", "listed"}


class BoundMethods(griffe.Extension):
    """Puts a function in place of each attribute that `bound` or `listed` makes."""

    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **_: Any) -> None:
        """Look through a package once all of it is loaded."""
        self._mend_all(pkg, loader)

    def _mend_all(self, module: griffe.Module, loader: griffe.GriffeLoader) -> None:
        for member in list(module.members.values()):
            if isinstance(member, griffe.Module):
                self._mend_all(member, loader)
            elif isinstance(member, griffe.Class):
                self._mend(member, loader)

    def _mend(self, class_: griffe.Class, loader: griffe.GriffeLoader) -> None:
        for name, member in list(class_.members.items()):
            if isinstance(member, griffe.Attribute) and (builder := _builder(member, loader)) is not None:
                class_.set_member(name, _method(name, member, builder))
            elif isinstance(member, griffe.Attribute):
                member.value = _default(member.value)


def _builder(attribute: griffe.Attribute, loader: griffe.GriffeLoader) -> griffe.Function | None:
    """The builder that an attribute binds, if it binds one."""
    value = attribute.value
    if not isinstance(value, griffe.ExprCall) or str(value.function) not in _METHODS:
        return None
    named = value.arguments[0]
    found = loader.modules_collection[named.canonical_path] if isinstance(named, griffe.Expr) else None
    return found if isinstance(found, griffe.Function) else None


def _default(value: str | griffe.Expr | None) -> str | griffe.Expr | None:
    """What an attribute is when it is not given: of `attrs.field(default=None, ...)` the default, and nothing else."""
    if not isinstance(value, griffe.ExprCall) or str(value.function) != "attrs.field":
        return value
    named = [each for each in value.arguments if isinstance(each, griffe.ExprKeyword) and each.name == "default"]
    return named[0].value if named else None


def _method(name: str, attribute: griffe.Attribute, builder: griffe.Function) -> griffe.Function:
    """The builder as a method: it is awaited, and returns what the call answers."""
    returns = builder.returns
    if isinstance(returns, griffe.ExprSubscript):
        returns = returns.slice
    method = griffe.Function(
        name,
        parameters=griffe.Parameters(*builder.parameters),
        returns=returns,
        lineno=attribute.lineno,
        endlineno=attribute.endlineno,
        docstring=builder.docstring,
    )
    method.labels.add("async")
    return method
