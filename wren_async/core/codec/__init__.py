"""From JSON to models and back: strict about types, exact about numbers, tolerant of what is new.

- A wrong type is a fault with its JSON path, never a silent conversion; `20.0` is a good integer.
- Numbers with a fraction are `Decimal` from the wire to the model and back.
- Fields that the contract does not know are kept in `extra_fields`. A lenient attribute that cannot be read is `None`,
  and its value is kept there too, under its name on the wire.
- The size of numbers, the depth of nesting and the number of faults named are bounded, whatever a server sends.

Nearly everything takes the fast path, through msgspec. What that refuses takes the strict path, through hooks of
cattrs, which reads and writes the same and names every fault.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec

from wren_async.core import numbers
from wren_async.core.codec import fast
from wren_async.core.codec.fast import instant
from wren_async.core.printable import printable
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
    "parse_error",
    "plain",
    "structure",
]

T = TypeVar("T")

LONGEST_ERROR: Final = 2**20
"""Bytes of the longest error body that is decoded."""


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
        value = fast.untyped.decode(raw)
    except ArithmeticError:
        raise Unreadable((f"$: holds a number out of bounds ({numbers.BOUNDS})",)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable((f"$: not JSON ({printable(str(error))})",)) from None
    except RecursionError:
        raise Unreadable((_TOO_DEEP,)) from None
    if fast.is_too_deep(value):
        raise Unreadable((_TOO_DEEP,))
    return value


def parse_error(raw: bytes) -> JSON:
    """The body of an error, or `None` where it is no JSON, or is longer than `LONGEST_ERROR`.

    Decoded, a body may take twenty times its bytes of memory, and the exception keeps it.
    """
    try:
        return parse(raw) if len(raw) <= LONGEST_ERROR else None
    except Unreadable:
        return None


_TOO_DEEP: Final = f"$: more than {fast.DEPTH} objects and arrays lie within each other"


def decode(raw: bytes, form: type[T]) -> T:
    """Read `raw` as `form`, or raise `Unreadable`."""
    if form is bytes:
        return cast(T, raw)
    if form is types.NoneType:
        return cast(T, None)
    try:
        return fast.read(raw, form)
    except fast.FastPathRefused:
        return structure(parse(raw), form)


def structure(value: JSON, form: type[T]) -> T:
    """Read a decoded JSON value as `form`, or raise `Unreadable`."""
    from cattrs import BaseValidationError

    from wren_async.core.codec.strict import PROBLEMS, Misfit

    try:
        return converter().structure(value, form)
    except Misfit as misfit:
        problems = [f"{path}: {problem}" for path, problem in misfit.under("$")]
        more = ["$: and more, which are not told"] if len(problems) > PROBLEMS else []
        raise Unreadable((*problems[:PROBLEMS], *more)) from None
    except BaseValidationError as error:  # pragma: no cover - every hook of ours raises Misfit
        raise Unreadable((f"$: {error}",)) from None


def plain(value: object) -> JSON:
    """A model, or any JSON value, as dicts, lists, text and exact numbers; or raise `Unwritable`."""
    try:
        return _plain(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Unwritable(str(error)) from None


def encode(value: object) -> bytes:
    """A model or any JSON value as bytes, or raise `Unwritable`."""
    try:
        return _encoder.encode(_plain(value))
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise Unwritable(str(error)) from None


def converter() -> Converter:
    """The one converter of cattrs, imported and made when it is first needed."""
    from wren_async.core.codec import strict

    return strict.converter()


_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def _plain(value: object) -> JSON:
    try:
        return fast.plain(value)
    except fast.FastPathRefused:
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
    elif isinstance(value, Decimal) and not value.is_finite():
        raise Unwritable(f"{path}: {value} is no JSON number")
    elif isinstance(value, Decimal | int) and not numbers.is_bounded(value):
        raise Unwritable(f"{path}: is out of bounds; a number has {numbers.BOUNDS}")
    elif value is UNSET:
        raise Unwritable(f"{path}: is UNSET; give a value, or leave the name out")
    elif isinstance(value, float):
        raise Unwritable(f"{path}: a float is inexact; send a Decimal or an int")
