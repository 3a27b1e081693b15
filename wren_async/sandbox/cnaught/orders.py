"""Orders: their states, what fulfils them, who owns them, and how the API writes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from enum import Enum

import attrs

from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.catalogue import VINTAGE, Category, CNaughtPortfolio, CNaughtProject
from wren_async.sandbox.cnaught.paging import Timeline
from wren_async.sandbox.cnaught.quotes import number
from wren_async.sandbox.exchange import JSON

REGISTRY = "https://registry.cnaught.com"


class OrderState(Enum):
    """Where an order stands."""

    PLACED = "placed"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


@attrs.frozen
class Retirement:
    """The part of an order that one project fulfils, with the serial numbers of its retired credits."""

    project: CNaughtProject
    category: Category
    amount_kg: Decimal
    serials: str

    def body(self) -> dict[str, JSON]:
        """The allocation as an order shows it."""
        retired: list[JSON] = [{"serial_number_range": self.serials, "url": None}]
        return {"project": self.project.body, "amount_kg": number(self.amount_kg), "retirements": retired}


@attrs.define(kw_only=True)
class Order:
    """An order as the sandbox keeps it."""

    id: str
    created_on: datetime
    amount_kg: Decimal
    price_usd_cents: int
    portfolio: CNaughtPortfolio
    subaccount_id: str | None = None
    checkout_session_id: str | None = None
    metadata: str | None = None
    description: str | None = None
    callback_url: str | None = None
    state: OrderState = OrderState.PLACED
    retirements: Sequence[Retirement] = ()

    def body(self, behaviours: CNaughtBehaviours) -> dict[str, JSON]:
        """The order as the API writes it."""
        public, download = self._certificates(behaviours)
        body: dict[str, JSON] = {
            "id": self.id,
            "order_number": order_number(self.id),
            "created_on": timestamp(self.created_on),
            "metadata": self.metadata,
            "description": self.description,
            "amount_kg": number(self.amount_kg),
            "state": behaviours.cancelled_spelling if self.state is OrderState.CANCELLED else self.state.value,
            "price_usd_cents": self.price_usd_cents,
            "callback_url": self.callback_url,
            "certificate_public_url": public,
            "certificate_download_public_url": download,
            "project_allocations": [retirement.body() for retirement in self.retirements],
            "subaccount_id": self.subaccount_id,
            "checkout_session_id": self.checkout_session_id,
        }
        return body

    def _certificates(self, behaviours: CNaughtBehaviours) -> tuple[str | None, str | None]:
        placed_without = self.state is OrderState.PLACED and not behaviours.certificates_while_placed
        if self.state is OrderState.CANCELLED or placed_without:
            return None, None
        return f"{REGISTRY}/orders/{self.id}", f"{REGISTRY}/api/certificates/{self.id}/pdf"


@attrs.define
class OrderBook:
    """The orders of one account, found by id and listed by owner."""

    _by_id: dict[str, Order] = attrs.field(factory=dict, init=False)
    _all: Timeline = attrs.field(factory=Timeline, init=False)
    _by_owner: dict[str | None, Timeline] = attrs.field(factory=dict, init=False)
    _serials: dict[str, int] = attrs.field(factory=dict, init=False)

    def __iter__(self) -> Iterator[Order]:
        return iter(self._by_id.values())

    def __getitem__(self, order_id: str) -> Order:
        return self._by_id[order_id]

    def get(self, order_id: str) -> Order | None:
        """The order of that id, whoever owns it."""
        return self._by_id.get(order_id)

    def add(self, order: Order) -> None:
        """Enter a new order."""
        self._by_id[order.id] = order
        self._all.append(order.id)
        self._by_owner.setdefault(order.subaccount_id, Timeline()).append(order.id)

    def everyones(self) -> Timeline:
        """The orders of the account and of all its subaccounts."""
        return self._all

    def owned_by(self, subaccount_id: str | None) -> Timeline:
        """The orders of one subaccount; of the parent alone when None."""
        return self._by_owner.get(subaccount_id) or Timeline()

    def fulfil(self, order: Order) -> None:
        """Retire credits for a placed order: every project of its portfolio gets its share."""
        order.retirements = [
            Retirement(project, category, amount, self._retire(project.id, amount))
            for fraction, category, project in order.portfolio.shares()
            for amount in (order.amount_kg * fraction,)
        ]
        order.state = OrderState.FULFILLED

    def _retire(self, project_id: str, amount_kg: Decimal) -> str:
        first = self._serials.get(project_id, 0) + 1
        last = first + max(1, int(amount_kg.to_integral_value(ROUND_CEILING))) - 1
        self._serials[project_id] = last
        return f"{project_id}-{VINTAGE}-{first}-{last}"


def order_number(order_id: str) -> str:
    """The number printed on the certificate; it depends only on the id."""
    digits = f"{int.from_bytes(hashlib.sha256(order_id.encode()).digest()[:12]) % 10**24:024d}"
    return "-".join((digits[:5], digits[5:10], digits[10:15], digits[15:20], digits[20:]))


def timestamp(moment: datetime) -> str:
    """A time as the API writes it: `2022-08-01T18:00:00.000000Z`."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
