"""What orders will cost, asked of the APIs without buying anything, and never asked twice for the same thing."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

import attrs

from wren_async._generated.cnaught.models import Quote
from wren_async._generated.wren.models import OffsetOrderReceipt, ProjectOrderReceipt, TreeOrderReceipt
from wren_async.batch.intents import Api, CNaughtPrice, Intent, price_question
from wren_async.core.client import BaseClient
from wren_async.errors import (
    APIError,
    Forbidden,
    PaymentRequired,
    RateLimited,
    ServerError,
    Unauthorized,
)

_AT_ONCE: Final = 8
_REMEMBERED: Final = 50_000
_MOST_CENTS: Final = 10**11
_MOST_DIGITS: Final = 30
_MOST_KILOGRAMS: Final = 10**9
"""Bounds of an answered price: no order costs or weighs more, and the sums of a million orders still fit a journal."""


@attrs.frozen(kw_only=True)
class Price:
    """What an order is expected to cost, and to offset."""

    cents: int
    """US cents."""
    grams: int
    """Grams of CO2e, rounded up; 0 where the order is not by mass."""


@attrs.frozen
class Unpriced:
    """Why the API would not price an order."""

    reason: str


class PriceList:
    """Prices by what they depend on. Remembers a bounded number of them."""

    def __init__(self, clients: Mapping[Api, BaseClient]) -> None:
        self._clients = clients
        self._known: OrderedDict[str, Price | Unpriced] = OrderedDict()
        self.asked = 0
        """Questions put to the APIs."""

    @property
    def apis(self) -> Collection[Api]:
        """The APIs that can be asked."""
        return self._clients.keys()

    async def of(self, intents: Sequence[Intent]) -> list[Price | Unpriced]:
        """The prices of some orders, in their order. Raises what is not about one order, such as a refused token."""
        questions = [price_question(intent) for intent in intents]
        prices = {question: self._known[question] for question in questions if question in self._known}
        new = {question: intent for question, intent in zip(questions, intents, strict=True) if question not in prices}
        limiter = asyncio.Semaphore(_AT_ONCE)
        tasks: dict[str, asyncio.Task[Price | Unpriced]] = {}
        try:
            async with asyncio.TaskGroup() as group:
                for question, intent in new.items():
                    tasks[question] = group.create_task(self._ask(intent, limiter))
        except* Exception as errors:
            raise _first(errors) from None
        for question, task in tasks.items():
            prices[question] = self._known[question] = task.result()
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return [prices[question] for question in questions]

    async def _ask(self, intent: Intent, limiter: asyncio.Semaphore) -> Price | Unpriced:
        if isinstance(intent, CNaughtPrice):
            return Price(cents=intent.total_price_usd_cents, grams=0)
        async with limiter:
            self.asked += 1
            try:
                answer = await self._clients[intent.api].send(intent.price_call())
            except APIError as error:
                if _meets_all(error, intent):
                    raise
                return Unpriced(str(error.detail or error.title or error.reason))
        return price(answer)


def price(answer: Any) -> Price | Unpriced:
    """Read the answer to a dry run or a quote."""
    match answer:
        case Quote():
            return _checked(answer.price_usd_cents, answer.amount_kg)
        case OffsetOrderReceipt():
            tons: Decimal | None = answer.tons
        case ProjectOrderReceipt():
            tons = answer.impact.tons if answer.impact else None
        case TreeOrderReceipt():
            tons = None
        case _:
            raise TypeError(f"{type(answer).__name__} tells no price")
    if answer.currency != "USD":
        return Unpriced(
            f"it would be charged in {answer.currency}, and a batch counts in US dollars; pay by credits, which are USD"
        )
    # A mass with too many digits is not multiplied, since the product might be beyond what a Decimal holds; it is
    # refused as it is.
    tons = tons or Decimal(0)
    return _checked(answer.amount_charged, tons * 1000 if tons.adjusted() < _MOST_DIGITS else tons)


def _checked(cents: int, kilograms: Decimal) -> Price | Unpriced:
    """A price, unless it is one that no order has: a sum below zero would hide what others cost."""
    if not 0 <= cents <= _MOST_CENTS:
        return Unpriced("it answered a price below 0 or above a thousand million dollars, in US cents")
    if not kilograms.is_finite() or not 0 <= kilograms <= _MOST_KILOGRAMS:
        return Unpriced("it answered a mass below 0 or above a million tonnes")
    return Price(cents=cents, grams=int((kilograms * 1000).to_integral_value(ROUND_CEILING)))


def _meets_all(error: APIError, intent: Intent) -> bool:
    """Whether an error would meet every order, and is not about this one."""
    if isinstance(error, Forbidden):
        # CNaught says so of a portfolio or subaccount that is not the caller's, too.
        return not (getattr(intent, "portfolio_id", None) or getattr(intent, "subaccount_id", None))
    return isinstance(error, Unauthorized | PaymentRequired | RateLimited | ServerError)


def _first(errors: BaseExceptionGroup[Exception]) -> Exception:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
