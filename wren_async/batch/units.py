"""Money, masses and times as people read them, in the unit that fits."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

_STEPS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_BEYOND: Final = 1e10
"""Seconds that no run takes: some three hundred years."""


def usd(cents: int) -> str:
    """US cents as dollars."""
    dollars, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}${dollars:,}.{rest:02}"


def mass(kilograms: Decimal) -> str:
    """A mass in kilograms or tonnes."""
    if abs(kilograms) >= 1000:
        return f"{kilograms / 1000:,.2f} t"
    return f"{kilograms:,.2f} kg" if kilograms != kilograms.to_integral_value() else f"{kilograms:,.0f} kg"


def plain(number: Decimal) -> str:
    """A number written out: without an exponent, and without zeros at its end that say nothing."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: float) -> str:
    """A duration such as `84 ms`, `1.2 s` or `1 h 5 min`. Takes any number, because a server may have named it."""
    if math.isnan(seconds) or abs(seconds) > _BEYOND:
        return "centuries"
    if seconds <= 0:
        return "0 s"
    if seconds < 0.9995:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.00995 else f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    left, told = round(seconds), list[str]()
    for size, unit in _STEPS:
        number, left = divmod(left, size)
        if number:
            told.append(f"{number} {unit}")
    return " ".join(told[:2])
