"""The account behind an API key, one for each mode, and who a request acts for."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Literal

import attrs

from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours, UnitPrices
from wren_async.sandbox.cnaught.catalogue import PORTFOLIOS, CNaughtPortfolio
from wren_async.sandbox.cnaught.checkout import CheckoutSession
from wren_async.sandbox.cnaught.idempotency import IdempotencyStore
from wren_async.sandbox.cnaught.orders import Order, OrderBook
from wren_async.sandbox.cnaught.paging import Timeline
from wren_async.sandbox.cnaught.problems import (
    CNaughtRefusedError,
    forbidden,
    invalid_subaccount,
    not_found,
    unauthorized,
)
from wren_async.sandbox.cnaught.subaccounts import Subaccount, Subaccounts
from wren_async.sandbox.exchange import SandboxRequest

SUBACCOUNT_HEADER = "x-subaccount-id"


class Mode(Enum):
    """What a key buys with: real money, or none."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"


@attrs.frozen
class InvoiceLine:
    """What an order adds to the invoice of a month, or takes from it when it is cancelled."""

    order_id: str
    usd_cents: int
    period: str


@attrs.define(kw_only=True)
class CNaughtAccount:
    """Everything that one mode holds. The two modes share nothing."""

    mode: Mode
    created_on: datetime
    idempotency: IdempotencyStore
    orders: OrderBook = attrs.field(factory=OrderBook)
    subaccounts: Subaccounts = attrs.field(factory=Subaccounts)
    sessions: dict[str, CheckoutSession] = attrs.field(factory=dict)
    invoice: list[InvoiceLine] = attrs.field(factory=list)
    unsettled: deque[Order] = attrs.field(factory=deque)
    """Orders in the order of their placing, some of which may wait to be fulfilled."""


@attrs.frozen(kw_only=True)
class Caller:
    """Who a request acts for: an account, or one of its subaccounts."""

    account: CNaughtAccount
    behaviours: CNaughtBehaviours
    subaccount: Subaccount | None = None

    @property
    def subaccount_id(self) -> str | None:
        """The id of the subaccount, None for the account itself."""
        return None if self.subaccount is None else self.subaccount.id

    def orders(self) -> Timeline:
        """The orders that the caller may list."""
        if self.subaccount is None and self.behaviours.orders_without_header == "all":
            return self.account.orders.everyones()
        return self.account.orders.owned_by(self.subaccount_id)

    def order(self, order_id: str) -> Order:
        """An order that the caller may see; the refusal of another's does not tell that it exists, unless set so."""
        order = self.account.orders.get(order_id)
        if order is not None and order_id in self.orders():
            return order
        if order is not None and self.behaviours.foreign_order_status == 400:
            raise CNaughtRefusedError(invalid_subaccount())
        if order is not None and self.behaviours.foreign_order_status == 403:
            raise CNaughtRefusedError(forbidden("The order belongs to another subaccount"))
        raise CNaughtRefusedError(not_found("order"))

    def portfolio(self, portfolio_id: str | None) -> CNaughtPortfolio:
        """The portfolio that a request names, or the default of the subaccount or of the account."""
        own_default = None if self.subaccount is None else self.subaccount.default_portfolio_id
        wanted = portfolio_id or own_default or self.behaviours.default_portfolio_id
        if wanted not in self.behaviours.portfolio_ids or wanted not in PORTFOLIOS:
            raise CNaughtRefusedError(forbidden("The portfolio is not available to this account"))
        return PORTFOLIOS[wanted]


def unit_price(
    portfolio: CNaughtPortfolio, source: Literal["api", "checkout"], behaviours: CNaughtBehaviours
) -> Decimal:
    """What a kilogram of a portfolio costs in cents, through one of the two channels."""
    prices = behaviours.unit_prices.get(portfolio.id, UnitPrices())
    return prices.api if source == "api" else prices.checkout


@attrs.define
class CNaughtAccounts:
    """The accounts of both modes, found by the key of a request."""

    behaviours: CNaughtBehaviours
    by_mode: Mapping[Mode, CNaughtAccount]

    @classmethod
    def opened(cls, now: datetime, behaviours: CNaughtBehaviours) -> CNaughtAccounts:
        """Two new accounts."""
        return cls(
            behaviours,
            {
                mode: CNaughtAccount(mode=mode, created_on=now, idempotency=IdempotencyStore(behaviours))
                for mode in Mode
            },
        )

    def of(self, request: SandboxRequest) -> CNaughtAccount:
        """The account whose key a request bears."""
        if isinstance(request.account, CNaughtAccount):
            return request.account
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and key.strip() == self.behaviours.live_key:
            return self.by_mode[Mode.PRODUCTION]
        if scheme.lower() == "bearer" and key.strip() == self.behaviours.test_key:
            return self.by_mode[Mode.SANDBOX]
        raise CNaughtRefusedError(unauthorized(typed=self.behaviours.unauthorized_type))

    def caller(self, request: SandboxRequest) -> Caller:
        """Who a request acts for, on the operations that take the subaccount header."""
        account = self.of(request)
        subaccount_id = request.headers.get(SUBACCOUNT_HEADER)
        if not subaccount_id:
            return Caller(account=account, behaviours=self.behaviours)
        self.require_subaccounts()
        subaccount = account.subaccounts.get(subaccount_id)
        if subaccount is None:
            raise CNaughtRefusedError(invalid_subaccount())
        return Caller(account=account, behaviours=self.behaviours, subaccount=subaccount)

    def require_subaccounts(self) -> None:
        """Refuse the request when the account may not use subaccounts."""
        if not self.behaviours.subaccounts_enabled:
            raise CNaughtRefusedError(forbidden("You may not use subaccounts; please contact support"))

    def with_order(self, order_id: str) -> tuple[CNaughtAccount, Order]:
        """An order of either mode, with its account."""
        for account in self.by_mode.values():
            order = account.orders.get(order_id)
            if order is not None:
                return account, order
        raise CNaughtRefusedError(not_found("order"))

    def with_session(self, session_id: str) -> tuple[CNaughtAccount, CheckoutSession]:
        """A checkout session of either mode, with its account."""
        for account in self.by_mode.values():
            session = account.sessions.get(session_id)
            if session is not None:
                return account, session
        raise CNaughtRefusedError(not_found("checkout session"))
