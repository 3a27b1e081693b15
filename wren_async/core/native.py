"""The fast road from bytes to models: msgspec reads straight into the attrs classes.

msgspec is laxer than the codec (it drops unknown fields, takes a string for a Decimal and a naive time for a time) and
cannot rename fields. So a guard, made of the same fields with stricter types, reads the bytes first. What the guard
does not know to be plain goes down the codec's own road, which gives the same values and better errors.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs
import msgspec

T = TypeVar("T")


class OffTheRoad(Exception):
    """These bytes, or this type, are for the codec's own road."""


def read(raw: bytes, form: type[T]) -> T:
    """Read `raw` as `form` on the fast road, or raise `OffTheRoad`."""
    guard, reader = _road(cast(Any, form))
    try:
        guard(raw)
        return cast(T, reader(raw))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise OffTheRoad from None


@functools.cache
def _road(form: Any) -> tuple[Callable[[bytes], object], Callable[[bytes], object]]:
    try:
        return msgspec.json.Decoder(_strict(form)).decode, msgspec.json.Decoder(form, float_hook=Decimal).decode
    except (OffTheRoad, TypeError, RecursionError):
        return _refuse, _refuse


def _refuse(_: bytes) -> object:
    raise msgspec.ValidationError


@functools.cache
def _strict(form: Any) -> Any:
    """The type that accepts only what both roads read alike."""
    if form in _STRICT:
        return _STRICT[form]
    if isinstance(form, type) and issubclass(form, Enum):
        return Literal[tuple(member.value for member in form)]
    if attrs.has(form):
        return _twin(form)
    origin, arguments = get_origin(form), get_args(form)
    if origin is tuple:
        return list[_strict(arguments[0])]  # type: ignore[misc]
    if origin in (dict, Mapping):
        return dict[str, _strict(arguments[1])]  # type: ignore[misc]
    if origin in (Union, types.UnionType):
        return functools.reduce(lambda one, other: one | other, map(_strict, arguments))
    raise OffTheRoad


_STRICT: Mapping[Any, Any] = {
    str: str,
    int: int,
    bool: bool,
    types.NoneType: None,
    object: object,
    Decimal: int | float,
    datetime: Annotated[datetime, msgspec.Meta(tz=True)],
}


def _twin(model: type) -> type[msgspec.Struct]:
    """A class of the same fields that refuses unknown ones."""
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    hints = get_type_hints(model)
    for field in attrs.fields(model):
        if "wire" in field.metadata:
            raise OffTheRoad
        if "extra" in field.metadata:
            continue
        required = field.default is attrs.NOTHING
        strict = _strict(hints[field.name])
        fields.append((field.name, strict) if required else (field.name, strict, None))
    return msgspec.defstruct(
        f"{model.__name__}Guard", fields, forbid_unknown_fields=True, frozen=True, gc=False, kw_only=True
    )
