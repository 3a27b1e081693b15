"""Ceilings: how large one order may be, so that a slip of the decimal point is refused before it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

import attrs

from wren_async.core.values import Value
from wren_async.errors import CeilingExceeded, InvalidConfiguration

Dimension: TypeAlias = Literal["kilograms", "usd_cents", "trees"]

ORDERED: Final[Mapping[str, tuple[Dimension, int]]] = {
    "tons": ("kilograms", 1000),
    "amount_kg": ("kilograms", 1),
    "amountInUsdCents": ("usd_cents", 1),
    "total_price_usd_cents": ("usd_cents", 1),
    "amountOfTrees": ("trees", 1),
}
"""The attributes of a body that say how much is ordered: what each is an amount of, and how many of its units it is."""


def _amount(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    whole = attribute.name != "kilograms"
    good = isinstance(value, int if whole else int | Decimal) and not isinstance(value, bool)
    if value is not None and not (good and 0 < Decimal(value) < Decimal("Infinity")):
        takes = "an int" if whole else "a Decimal or an int"
        raise InvalidConfiguration(f"ceilings: {attribute.name} takes {takes} above 0, or None; not {value!r}")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Ceilings(Value):
    """How large one order, or one top-up of the wallet, may be.

    An order above a ceiling is refused with `CeilingExceeded` before anything is sent. A ceiling is compared only with
    the amount that the call itself names: an order by mass is not checked against `usd_cents`, because the server sets
    its price, and an order by price is not checked against `kilograms`. Quotes and dry runs buy nothing, and are not
    checked.
    """

    kilograms: Decimal | int | None = attrs.field(default=None, validator=_amount)
    """Kilograms of CO2e. An order in tonnes is converted."""
    usd_cents: int | None = attrs.field(default=None, validator=_amount)
    """US cents."""
    trees: int | None = attrs.field(default=None, validator=_amount)
    """Planted trees."""

    def check(self, content: bytes | AsyncIterable[bytes] | None) -> None:
        """Refuse a body that orders more. Raises `CeilingExceeded`."""
        for name, dimension, asked in _ordered(content):
            most = getattr(self, dimension)
            if most is not None and asked > most:
                raise CeilingExceeded(name, dimension, asked, most)


def checked_ceilings(ceilings: object) -> Ceilings | None:
    """A client's ceilings, or `InvalidConfiguration`."""
    if ceilings is None or isinstance(ceilings, Ceilings):
        return ceilings
    raise InvalidConfiguration(f"ceilings takes Ceilings(usd_cents=...), not {type(ceilings).__name__}")


def _ordered(content: object) -> Iterator[tuple[str, Dimension, Decimal]]:
    from wren_async.core import codec  # with the first order, because making a client need not wait for it

    try:
        body = codec.parse(content) if isinstance(content, bytes) else None
    except codec.Unreadable:
        return
    if not isinstance(body, dict):
        return
    for name, (dimension, units) in ORDERED.items():
        value = body.get(name)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            yield name, dimension, Decimal(value) * units
