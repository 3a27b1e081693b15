"""Whether an order that was found is the order that was asked for: its amount agrees with the call's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final, NamedTuple

from wren_async._generated.cnaught.models import Order
from wren_async.core.operation import Call
from wren_async.core.request import body_of
from wren_async.reconcile.order_rows import FoundOrder

_SPLIT: Final = Decimal("0.001")
"""The share of an order's mass that may be lost by rounding where the order was split over projects."""


class _Amount(NamedTuple):
    asked: Decimal
    found: Decimal | int | None
    unit: str
    slack: Decimal = Decimal(0)
    """How far the two may lie apart: less than this, or nothing at all where it is zero."""


def disagreement(call: Call[Any], order: Order | FoundOrder) -> str | None:
    """How the amount of an order differs from what a call asks for, in words that name both; `None` where it agrees.

    An amount that the server does not show counts as one that agrees.
    """
    body = body_of(call)
    amounts = _of_cnaught(body, order) if isinstance(order, Order) else _of_wren(body, order)
    for amount in amounts:
        if amount.found is not None and not _agrees(amount):
            found, asked = (f"{Decimal(each).normalize():f} {amount.unit}" for each in (amount.found, amount.asked))
            return f"the order that carries the reference is one of {found}, and the call asks for {asked}"
    return None


def _agrees(amount: _Amount) -> bool:
    apart = abs(amount.asked - Decimal(amount.found or 0))
    return apart == 0 or apart < amount.slack


def _of_cnaught(body: Mapping[str, object], order: Order) -> Iterator[_Amount]:
    if (mass := _number(body, "amount_kg")) is not None:
        # An order for 100.5 kg may be answered with 100.
        yield _Amount(mass, order.amount_kg, "kg", Decimal(1) if mass % 1 else Decimal(0))
    if (price := _number(body, "total_price_usd_cents")) is not None:
        # CNaught sells whole kilograms, so that the price may differ by that of one kilogram.
        kilogram = Decimal(order.price_usd_cents) / order.amount_kg if order.amount_kg > 0 else Decimal(0)
        yield _Amount(price, order.price_usd_cents, "US cents", kilogram.to_integral_value(ROUND_CEILING) + 1)


def _of_wren(body: Mapping[str, object], order: FoundOrder) -> Iterator[_Amount]:
    if (tons := _number(body, "tons")) is not None:
        yield _Amount(tons, order.tons, "t", tons * _SPLIT if len(order.rows) > 1 else Decimal(0))
    if (trees := _number(body, "amountOfTrees")) is not None:
        yield _Amount(trees, order.trees, "trees")
    if (cents := _number(body, "amountInUsdCents")) is not None:
        yield _Amount(cents, order.cents, "US cents")


def _number(body: Mapping[str, object], name: str) -> Decimal | None:
    value = body.get(name)
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
