"""Caps on what a batch may spend: reserved before sending, so that no answer can come too late to be counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import attrs

from wren_async.batch.events import Ending
from wren_async.batch.input.order_types import noted_order_types
from wren_async.batch.intents import CNaughtPrice
from wren_async.batch.journal.contract import Bounds, Journal, Result, Row, State, Totals
from wren_async.batch.journal.states import spent
from wren_async.batch.units import usd
from wren_async.errors import InvalidArgument

_FAILURES: Final = 100


def _not_negative(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and (isinstance(value, bool | float) or value != value or value < 0):
        raise InvalidArgument(attribute.name, f"takes a number of 0 or more and no float, not {value!r}")


def _whole(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and not isinstance(value, int):
        raise InvalidArgument(attribute.name, f"takes a whole number, as an int, not {value!r}")


@attrs.frozen(kw_only=True)
class Caps:
    """What a batch may not exceed, over all its runs. `None` is no cap."""

    cents: int | None = attrs.field(default=None, validator=[_not_negative, _whole])
    """US cents. What is undecided counts as spent."""
    kilograms: Decimal | int | None = attrs.field(default=None, validator=_not_negative)
    """Kilograms of CO2e of orders whose mass is known beforehand. Orders by price are refused beside it; those for
    projects and trees count with what their dry runs tell, which may be nothing."""
    failures: int | None = attrs.field(default=_FAILURES, validator=[_not_negative, _whole])
    """Orders that one run may see refused or undecided; with more it stops."""


def bounds_of(caps: Caps) -> Bounds:
    """Caps as a journal keeps them for all that place its orders."""
    grams = None if caps.kilograms is None else int(caps.kilograms * 1000)
    return Bounds(cents=caps.cents, grams=grams, failures=caps.failures)


def caps_of(bounds: Bounds) -> Caps:
    """The caps that a journal keeps."""
    kilograms = None if bounds.grams is None else Decimal(bounds.grams) / 1000
    return Caps(cents=bounds.cents, kilograms=kilograms, failures=bounds.failures)


async def check_caps(journal: Journal, caps: Caps) -> None:
    """Refuse a cap on mass over orders by price: it could not hold them. Raises `InvalidArgument`."""
    if caps.kilograms is not None and CNaughtPrice.kind in (await noted_order_types(journal) or ()):
        raise InvalidArgument(
            "caps",
            "has kilograms, and the batch has orders by price, whose mass CNaught tells only once they are placed: cap "
            "their cents instead, or order by amount_kg",
        )


@attrs.define
class Budget:
    """What is spent and reserved. It begins with what the journal knows."""

    caps: Caps
    cents: int
    """US cents spent or reserved."""
    grams: int
    """Grams of CO2e bought or reserved."""
    failures: int = 0

    @classmethod
    def of(cls, caps: Caps, totals: Totals) -> Budget:
        """The budget of a batch that stands as `totals` say."""
        cents = totals.spent_cents + totals.unknown_cents + totals.reserved_cents
        return cls(caps, cents, totals.spent_grams + totals.reserved_grams)

    @property
    def problem(self) -> str | None:
        """Why nothing may be sent, not even again, where what is spent or reserved exceeds a cap already."""
        caps = self.caps
        if caps.cents is not None and self.cents > caps.cents:
            return f"{usd(self.cents)} spent or reserved already exceed {usd(caps.cents)}"
        if caps.kilograms is not None and self.grams > caps.kilograms * 1000:
            return f"{Decimal(self.grams) / 1000} kg bought or reserved already exceed {caps.kilograms} kg"
        return None

    def reserve(self, row: Row) -> str | None:
        """Reserve what an order is expected to cost. Returns why it may not be sent, where a cap says so."""
        caps = self.caps
        if caps.cents is not None and self.cents + row.cents > caps.cents:
            return f"{usd(self.cents)} spent or reserved, and {usd(row.cents)} more would exceed {usd(caps.cents)}"
        if caps.kilograms is not None and self.grams + row.grams > caps.kilograms * 1000:
            held, more = Decimal(self.grams) / 1000, Decimal(row.grams) / 1000
            return f"{held} kg bought or reserved, and {more} kg more would exceed {caps.kilograms} kg"
        self.cents += row.cents
        self.grams += row.grams
        return None

    def release(self, row: Row) -> None:
        """Give back what was reserved for an order that is pending again."""
        self.cents -= row.cents
        self.grams -= row.grams

    def settle(self, row: Row, result: Result) -> tuple[Ending, str] | None:
        """Replace the reservation of an order by what came of it. Returns why the run has to stop, where it has to."""
        if result.state is State.PLACED:
            cents, grams = spent(row, result)
            self.cents += cents - row.cents
            self.grams += grams - row.grams
            problem = overcharge(row, result)
            return (Ending.OVERCHARGED, problem) if problem else None
        self.failures += 1
        if result.state is not State.UNDECIDED:
            self.release(row)
        if self.caps.failures is not None and self.failures > self.caps.failures:
            return Ending.TOO_MANY_FAILURES, f"{self.failures} orders were refused or are undecided"
        return None


def overcharge(row: Row, result: Result) -> str | None:
    """Why an order cost more than was reserved for it, if it did; `None` too where its cost is not known."""
    if result.cents is None or result.cents <= row.cents:
        return None
    return f"order {row.position} cost {usd(result.cents)}, and the plan expected {usd(row.cents)}"
