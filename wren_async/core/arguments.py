"""Checks of the arguments that generated builders take, so that bad input is a clear error before anything is sent.

Each function returns the value as the request model holds it and lets `UNSET` through. `None` passes only where the
API takes a JSON `null`.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar, overload

from wren_async.core import numbers
from wren_async.core.printable import printable
from wren_async.core.values import UNSET, Unset
from wren_async.errors import InvalidArgument

_NUMBERS: Final = (int, Decimal)  # `int | Decimal` in a function makes a new type with each call

V = TypeVar("V")
E = TypeVar("E", bound=enum.StrEnum)


def _absent(name: str, value: object, nullable: bool) -> bool:
    if value is None and not nullable:
        raise InvalidArgument(name, "None is not allowed; leave the argument out")
    return value is None or value is UNSET


def _bounded(name: str, value: int | Decimal, *, above: int | None, minimum: int | None, maximum: int | None) -> None:
    if above is not None and not value > above:
        raise InvalidArgument(name, f"must be more than {above}, not {_shown(value)}")
    if minimum is not None and value < minimum:
        raise InvalidArgument(name, f"must be {minimum} or more, not {_shown(value)}")
    if maximum is not None and value > maximum:
        raise InvalidArgument(name, f"must be {maximum} or less, not {_shown(value)}")


@overload
def decimal(name: str, value: Decimal | int, *, above: int | None = ..., minimum: int | None = ...) -> Decimal: ...
@overload
def decimal(
    name: str, value: Decimal | int | Unset, *, above: int | None = ..., minimum: int | None = ...
) -> Decimal | Unset: ...
@overload
def decimal(
    name: str,
    value: Decimal | int | Unset | None,
    *,
    above: int | None = ...,
    minimum: int | None = ...,
    nullable: bool = ...,
) -> Decimal | Unset | None: ...
def decimal(
    name: str,
    value: Decimal | int | Unset | None,
    *,
    above: int | None = None,
    minimum: int | None = None,
    nullable: bool = False,
) -> Decimal | Unset | None:
    """An exact, finite number. A float is refused: it rarely is the number that was meant."""
    if _absent(name, value, nullable):
        return value  # type: ignore[return-value]
    if not isinstance(value, _NUMBERS) or isinstance(value, bool):
        raise InvalidArgument(name, f"takes a Decimal or an int, not {_type(value)}; write {_exact(value)}")
    number = Decimal(value)
    if not number.is_finite():
        raise InvalidArgument(name, f"must be a finite number, not {number}")
    if not numbers.is_bounded(number):
        raise InvalidArgument(name, f"is far out of range; it takes a number of {numbers.BOUNDS}")
    _bounded(name, number, above=above, minimum=minimum, maximum=None)
    return number


def integer(
    name: str,
    value: V,
    *,
    above: int | None = None,
    minimum: int | None = None,
    maximum: int | None = None,
    nullable: bool = False,
) -> V:
    """A whole number, such as USD cents."""
    if _absent(name, value, nullable):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgument(name, f"takes an int, not {_type(value)}")
    if not numbers.is_bounded(value):
        raise InvalidArgument(name, "is far out of range; it takes a whole number of at most 64 bits")
    _bounded(name, value, above=above, minimum=minimum, maximum=maximum)
    return value


def text(
    name: str, value: V, *, min_length: int | None = None, max_length: int | None = None, nullable: bool = False
) -> V:
    """Text within its documented length, counted in characters."""
    if _absent(name, value, nullable):
        return value
    if not isinstance(value, str):
        raise InvalidArgument(name, f"takes a str, not {_type(value)}")
    if min_length is not None and len(value) < min_length:
        raise InvalidArgument(name, f"must have {min_length} characters or more, not {len(value)}")
    if max_length is not None and len(value) > max_length:
        raise InvalidArgument(name, f"must have {max_length} characters or fewer, not {len(value)}")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidArgument(name, "holds half of a surrogate pair, which cannot be sent; mend the text's encoding")
    return value


def boolean(name: str, value: V, *, nullable: bool = False) -> V:
    """`True` or `False`, and no other value that is true or false in a condition."""
    if not _absent(name, value, nullable) and not isinstance(value, bool):
        raise InvalidArgument(name, f"takes True or False, not {_type(value)}")
    return value


def flag(name: str, value: bool | Unset) -> str | Unset:
    """A query parameter whose presence counts: sent when true, left out otherwise."""
    boolean(name, value)
    return "true" if value is True else UNSET


@overload
def choice(name: str, value: E | str, enum_type: type[E]) -> E: ...
@overload
def choice(name: str, value: E | str | Unset, enum_type: type[E]) -> E | Unset: ...
@overload
def choice(name: str, value: E | str | Unset | None, enum_type: type[E], *, nullable: bool) -> E | Unset | None: ...
def choice(name: str, value: E | str | Unset | None, enum_type: type[E], *, nullable: bool = False) -> E | Unset | None:
    """One of the values that the contract lists: enums are closed on writing."""
    if _absent(name, value, nullable):
        return value  # type: ignore[return-value]
    known = [str(member) for member in enum_type]
    if not isinstance(value, str) or value not in known:
        shown = printable(value, 60) if isinstance(value, str) else value
        raise InvalidArgument(name, f"takes one of {', '.join(known)}, not {shown!r}{_nearest(str(value), known)}")
    return enum_type(value)


def moment(name: str, value: V, *, nullable: bool = False) -> V:
    """A time that knows its offset from UTC."""
    if _absent(name, value, nullable):
        return value
    if not isinstance(value, datetime):
        raise InvalidArgument(name, f"takes a datetime, not {_type(value)}")
    if value.utcoffset() is None:
        raise InvalidArgument(name, "must be aware; give it a time zone, such as tzinfo=datetime.UTC")
    if not 1 < value.year < 9999:
        raise InvalidArgument(name, f"lies in the year {value.year}, at the very end of what can be told in UTC")
    return value


def instance(name: str, value: V, model: type, *, nullable: bool = False) -> V:
    """A request model within another."""
    if not _absent(name, value, nullable) and not isinstance(value, model):
        raise InvalidArgument(name, f"takes {model.__name__}, not {_type(value)}")
    return value


def identifier(name: str, value: str) -> str:
    """An opaque id that becomes one segment of a path."""
    if not isinstance(value, str):
        raise InvalidArgument(name, f"takes a str, not {_type(value)}")
    if not value or value in (".", "..") or value != value.strip():
        raise InvalidArgument(name, f"{printable(value, 60)!r} is no id; give the id as the API answered it")
    return text(name, value)


def unexpected(who: str, names: Collection[str], known: Iterable[str]) -> TypeError:
    """The error of a function that was given arguments by names which it does not know."""
    name = min(names)
    return TypeError(f"{who} takes no argument {printable(name, 60)!r}{_nearest(name, known)}")


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _shown(value: int | Decimal) -> str:
    try:
        return printable(str(value), 60)
    except ValueError:
        return "a number of thousands of digits"


def _type(value: object) -> str:
    return "a float" if isinstance(value, float) else type(value).__name__


def _exact(value: object) -> str:
    return f'Decimal("{value}")' if isinstance(value, float | str) else "Decimal(...)"
