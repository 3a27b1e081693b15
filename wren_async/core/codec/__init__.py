"""From JSON to models and back: strict about types, exact about numbers, tolerant of what is new.

- A wrong type is a fault with its JSON path, never a silent conversion; `20.0` is a good integer.
- Numbers with a fraction are `Decimal` from the wire to the model and back.
- What the contract does not know is kept in `extra_fields`. A lenient attribute that cannot be read is `None`, and its
  raw value is kept there too.

Nearly everything goes down a fast road, `native` for reading and `writing` for writing. What that refuses goes down the
codec's own, the cattrs hooks of `structuring`, which read and write the same and say what is wrong.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec

from wren_async.core.codec import native, writing
from wren_async.core.codec.writing import instant
from wren_async.core.values import JSON, UNSET

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = [
    "Unreadable",
    "Unwritable",
    "converter",
    "decode",
    "encode",
    "instant",
    "parse",
    "structure",
    "unstructure",
]

T = TypeVar("T")


class Unreadable(Exception):
    """A body that is not what the contract says. `problems` names each fault with its JSON path."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Unwritable(Exception):
    """A value that cannot be sent as JSON."""


def parse(raw: bytes) -> JSON:
    """JSON without a type: numbers with a fraction become `Decimal`."""
    try:
        return native.untyped.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidOperation, RecursionError) as error:
        reason = "a number that is too large" if isinstance(error, InvalidOperation) else error
        raise Unreadable((f"$: not JSON ({reason})",)) from None


def decode(raw: bytes, form: type[T]) -> T:
    """Read `raw` as `form`, or raise `Unreadable`."""
    if form is bytes:
        return cast(T, raw)
    if form is types.NoneType:
        return cast(T, None)
    try:
        return native.read(raw, form)
    except native.OffTheRoad:
        return structure(parse(raw), form)


def structure(value: JSON, form: type[T]) -> T:
    """Read a decoded JSON value as `form`, or raise `Unreadable`."""
    from cattrs import BaseValidationError

    from wren_async.core.codec.strict import Fault

    try:
        return converter().structure(value, form)
    except Fault as fault:
        raise Unreadable(tuple(f"{path}: {problem}" for path, problem in fault.under("$"))) from None
    except BaseValidationError as error:  # pragma: no cover - every hook of ours raises Fault
        raise Unreadable((f"$: {error}",)) from None


def unstructure(value: object) -> JSON:
    """A model as the JSON value that is sent: wire names, no unset attributes."""
    try:
        return writing.plain(value)
    except native.OffTheRoad:
        return cast(JSON, converter().unstructure(value))


def encode(value: object) -> bytes:
    """A model or any JSON value as bytes, or raise `Unwritable`."""
    try:
        return _encoder.encode(_writable(value))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise Unwritable(str(error)) from None


def converter() -> Converter:
    """The one converter of cattrs, imported and made when it is first needed."""
    from wren_async.core.codec import strict

    return strict.converter()


_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def _writable(value: object) -> JSON:
    try:
        return writing.plain(value)
    except native.OffTheRoad:
        written: Any = converter().unstructure(value)
    _refuse_what_json_lacks(written, "$")
    return cast(JSON, written)


def _refuse_what_json_lacks(value: object, path: str) -> None:
    if isinstance(value, Mapping):
        for name, item in value.items():
            _refuse_what_json_lacks(item, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse_what_json_lacks(item, f"{path}[{index}]")
    elif isinstance(value, Decimal):
        if not value.is_finite():
            raise Unwritable(f"{path}: {value} is no JSON number")
    elif value is UNSET:
        raise Unwritable(f"{path}: is UNSET; give a value, or leave the name out")
    elif isinstance(value, float):
        raise Unwritable(f"{path}: a float is inexact; send a Decimal or an int")
