"""How large, how small and how exact a number may be, in what is sent and in what is answered.

`1E+999999999` is a few bytes on the wire and half a gigabyte as an int. No mass, price or id needs more than 64 bits
before the point and forty digits in all. Whatever goes beyond is refused: in the arguments of a call, in its body, and
in an answer.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, Rounded, Subnormal, Underflow
from typing import Final

DIGITS: Final = 40
"""Digits that a number may have, before and after the point together."""
_BEFORE_THE_POINT: Final = 19

LARGEST_INT: Final = 2**63 - 1
SMALLEST_INT: Final = -(2**63)

BOUNDS: Final = f"at most {DIGITS} digits, {_BEFORE_THE_POINT} of them before the point"
"""The bounds in words."""

_BOUNDED: Final = Context(
    prec=DIGITS,
    Emax=_BEFORE_THE_POINT - 1,
    Emin=-DIGITS,
    traps=[Inexact, InvalidOperation, Overflow, Rounded, Subnormal, Underflow],
)

exact: Final = _BOUNDED.create_decimal
"""A text, an int or a Decimal as the Decimal that it stands for, or an `ArithmeticError` where it is out of bounds.

A bound method of a C type: it reads each number with a fraction that an answer holds.
"""


def is_bounded(number: int | Decimal) -> bool:
    """Whether a number is finite and within the bounds, so that it may be sent and held by a model."""
    if isinstance(number, int):
        return SMALLEST_INT <= number <= LARGEST_INT
    try:
        return exact(number).is_finite()
    except ArithmeticError:
        return False
