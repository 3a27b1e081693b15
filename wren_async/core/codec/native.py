"""The fast road from bytes to models: msgspec reads into twins of the models, and their values move over.

Two passes are tried. The first refuses unknown fields; it serves what the contract knows. The second reads the same
bytes without types beside it, and keeps what the contract does not know; from then on the first pass knows those names
too. Both refuse all that the codec's own road might not read alike: a wrong type, even of a lenient attribute, a whole
number with a fraction, a naive time. Such bytes go down that road, which gives better errors.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from wren_async.core.codec.fast import OffTheRoad, learn, reading

__all__ = ["REFUSALS", "OffTheRoad", "read", "road", "untyped"]

T = TypeVar("T")

untyped: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=Decimal)
"""Reads JSON without a type: numbers with a fraction become `Decimal`."""

REFUSALS: Final = (OffTheRoad, msgspec.MsgspecError, ArithmeticError, RecursionError, UnicodeDecodeError)
"""What a pass raises when the bytes are for the codec's own road."""


def read(raw: bytes, form: type[T]) -> T:
    """Read `raw` as `form` on the fast road, or raise `OffTheRoad`."""
    try:
        value: T = road(form, False)(raw)  # type: ignore[arg-type] # a class can be hashed
    except REFUSALS:
        value = _read_news(raw, form)
    return value


def _read_news(raw: bytes, form: type[T]) -> T:
    try:
        value: T = road(form, True)(raw)  # type: ignore[arg-type]
    except REFUSALS:
        raise OffTheRoad from None
    if learn():
        road.cache_clear()
    return value


@functools.cache
def road(form: Any, keeps: bool) -> Callable[[bytes], Any]:
    """One pass over bytes, which refuses unknown fields or keeps them. It raises any of `REFUSALS`."""
    try:
        found = reading(form, keeps=keeps)
        decode: Callable[[bytes], Any] = msgspec.json.Decoder(found.twin, float_hook=Decimal).decode
    except (OffTheRoad, TypeError, RecursionError):
        return _refuse
    make = found.maker()
    if keeps:
        return lambda raw: make(decode(raw), untyped.decode(raw))
    return lambda raw: make(decode(raw))


def _refuse(_: bytes) -> object:
    raise OffTheRoad
