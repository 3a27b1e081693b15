"""The columns of a table of models: which a class has, what they hold, and how a value gets there."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import attrs

from wren_async.batch.report.columns import REPORT_COLUMNS, Column, Form, Value
from wren_async.batch.report.rows import ReportRow
from wren_async.core import codec
from wren_async.core.values import Unset, given

_FORMS: Final[dict[frozenset[type], Form]] = {
    frozenset({bool}): "boolean",
    frozenset({int}): "integer",
    frozenset({Decimal}): "decimal",
    frozenset({int, Decimal}): "decimal",
    frozenset({datetime}): "time",
    frozenset({str}): "text",
    frozenset({str, int}): "text",
}


def columns_of(kind: type[Any]) -> tuple[Column[Any], ...]:
    """The columns of a class of rows: those of a report for rows of a batch, and else an attribute each.

    The attributes of a model within a model get its name and a dot before theirs. Lists and mappings, also the fields
    that the contract does not know, are JSON.
    """
    return REPORT_COLUMNS if issubclass(kind, ReportRow) else tuple(_columns(kind, "", lambda row: row, ()))


def class_of(rows: object) -> type[Any] | None:
    """The class of the items of a pager or a list of a client, also of one without items; else `None`."""
    answer = getattr(rows, "answers", None)
    forms = get_type_hints(answer).values() if isinstance(answer, type) and attrs.has(answer) else (answer,)
    items = [get_args(form)[0] for form in forms if get_origin(form) is tuple]
    return items[0] if len(items) == 1 and attrs.has(items[0]) else None


def _columns(
    kind: type[Any], before: str, reach: Callable[[Any], Any], above: tuple[type, ...]
) -> Iterator[Column[Any]]:
    hints = get_type_hints(kind)
    for field in attrs.fields(kind):
        name, read = f"{before}{field.name}", _reader(reach, field.name)
        members = _members(hints[field.name])
        (inner,) = members if len(members) == 1 else (None,)
        if inner is not None and attrs.has(inner) and inner not in (*above, kind):
            yield from _columns(inner, f"{name}.", read, (*above, kind))
        elif all(isinstance(member, type) and issubclass(member, Enum) for member in members):
            yield Column(name, "text", _then(_text, read))
        elif form := _FORMS.get(frozenset(members)):
            yield Column(name, form, _then(_FITTED.get(form, _as_it_is), read))
        else:
            yield Column(name, "text", _then(_json, read))


def _members(hint: Any) -> tuple[Any, ...]:
    """The types that a value may have, beside none at all."""
    found = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return tuple(member for member in found if member not in (types.NoneType, Unset))


def _reader(reach: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    def read(row: Any) -> Any:
        holder = reach(row)
        return None if holder is None else given(getattr(holder, name))

    return read


def _then(fit: Callable[[Any], Value], read: Callable[[Any], Any]) -> Callable[[Any], Value]:
    def fitted(row: Any) -> Value:
        value = read(row)
        return None if value is None else fit(value)

    return fitted


def _as_it_is(value: Any) -> Value:
    fitting: Value = value
    return fitting


def _text(value: object) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)


def _json(value: Any) -> str | None:
    return codec.encode(value).decode() if value else None


_FITTED: Final[dict[Form, Callable[[Any], Value]]] = {"text": _text, "decimal": Decimal}
