"""The order service: everything that places an order or changes its state, with its invoice line and notification."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import attrs

from wren_async.sandbox.cnaught.accounts import CNaughtAccount, InvoiceLine, Mode
from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.catalogue import PORTFOLIOS, CNaughtPortfolio
from wren_async.sandbox.cnaught.checkout import CheckoutSession, SessionState
from wren_async.sandbox.cnaught.notifications import Outbox
from wren_async.sandbox.cnaught.orders import Order, OrderState
from wren_async.sandbox.cnaught.problems import CNaughtRefusedError, conflict, forbidden, invalid_subaccount
from wren_async.sandbox.cnaught.quotes import Quote
from wren_async.sandbox.exchange import JSON
from wren_async.sandbox.world import World

SAMPLE_ORDER_ID = "2FhU3B0F36_sandbox"
_SAMPLE_ORDER_TIME = datetime(2023, 9, 26, 0, 18, 51, 764508, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class OrderTerms:
    """What a new order is to be, apart from its mass and price."""

    portfolio: CNaughtPortfolio
    subaccount_id: str | None = None
    metadata: str | None = None
    description: str | None = None
    callback_url: str | None = None
    checkout_session_id: str | None = None


@attrs.frozen
class OrderService:
    """Places, fulfils and cancels orders."""

    world: World
    behaviours: CNaughtBehaviours
    outbox: Outbox

    def place(self, account: CNaughtAccount, quote: Quote, terms: OrderTerms) -> Order:
        """Enter a new order; production charges it, unless a buyer has paid for it at a checkout."""
        ids = self.world.ids
        order = Order(
            id=ids.short(12) if account.mode is Mode.PRODUCTION else f"{ids.short(10)}_sandbox",
            created_on=self.world.clock.now(),
            amount_kg=quote.amount_kg,
            price_usd_cents=quote.price_usd_cents,
            **attrs.asdict(terms, recurse=False),
        )
        account.orders.add(order)
        if self.behaviours.fulfil_after is not None:
            account.unsettled.append(order)
        self._invoice(account, order, order.price_usd_cents)
        self.world.changed(f"order {order.id} placed: {order.amount_kg} kg for {order.price_usd_cents} cents")
        return order

    def fulfil(self, account: CNaughtAccount, order: Order) -> None:
        """Match a placed order to credits and retire them."""
        if order.state is not OrderState.PLACED:
            raise CNaughtRefusedError(conflict(f"The order is already {order.state.value}"))
        account.orders.fulfil(order)
        self.world.changed(f"order {order.id} fulfilled")
        self._notify(order)

    def cancel(self, account: CNaughtAccount, order: Order) -> None:
        """Cancel a placed or fulfilled order, and credit its price to the current invoice."""
        if order.state is OrderState.CANCELLED:
            raise CNaughtRefusedError(forbidden("The order is already cancelled"))
        order.state = OrderState.CANCELLED
        order.retirements = ()
        self._invoice(account, order, -order.price_usd_cents)
        self.world.changed(f"order {order.id} cancelled")
        self._notify(order)

    def fulfil_due(self, account: CNaughtAccount) -> None:
        """Fulfil the orders whose time has come, when the behaviours fulfil orders by themselves."""
        delay, now = self.behaviours.fulfil_after, self.world.clock.now()
        while delay is not None and account.unsettled and now - account.unsettled[0].created_on >= delay:
            order = account.unsettled.popleft()
            if order.state is OrderState.PLACED:
                self.fulfil(account, order)

    def complete(self, account: CNaughtAccount, session: CheckoutSession) -> Order:
        """Pay at a checkout: the session becomes an order."""
        now = self.world.clock.now()
        self._require_open(session, now)
        if session.subaccount_id is not None and account.subaccounts.get(session.subaccount_id) is None:
            raise CNaughtRefusedError(invalid_subaccount())
        terms = OrderTerms(
            portfolio=session.portfolio,
            subaccount_id=session.subaccount_id,
            description=session.description,
            callback_url=session.notification_url,
            checkout_session_id=session.id,
        )
        session.completed_on = now
        order = self.place(account, Quote(session.amount_kg, session.price_usd_cents), terms)
        session.order_id = order.id
        self.world.changed(f"checkout session {session.id} complete")
        return order

    def expire(self, session: CheckoutSession) -> None:
        """End an open checkout session before its time."""
        now = self.world.clock.now()
        self._require_open(session, now)
        session.expires_on = now
        self.world.changed(f"checkout session {session.id} expired")

    def enter_sample_order(self, account: CNaughtAccount) -> None:
        """Enter the well-known fulfilled order of CNaught's sandbox."""
        order = Order(
            id=SAMPLE_ORDER_ID,
            created_on=_SAMPLE_ORDER_TIME,
            amount_kg=Decimal(3000),
            price_usd_cents=6000,
            portfolio=PORTFOLIOS["oH5hlq"],
        )
        account.orders.add(order)
        account.orders.fulfil(order)

    def _require_open(self, session: CheckoutSession, now: datetime) -> None:
        state = session.state(now)
        if state is not SessionState.OPEN:
            raise CNaughtRefusedError(conflict(f"The checkout session is {state.value}"))

    def _invoice(self, account: CNaughtAccount, order: Order, usd_cents: int) -> None:
        if account.mode is Mode.PRODUCTION and order.checkout_session_id is None:
            period = self.world.clock.now().strftime("%Y-%m")
            account.invoice.append(InvoiceLine(order.id, usd_cents, period))

    def _notify(self, order: Order) -> None:
        if order.callback_url is None:
            return
        body = order.body(self.behaviours)
        wrapped: dict[str, JSON] = {"order": body}
        self.outbox.post(
            order_id=order.id,
            state=order.state.value,
            url=order.callback_url,
            body=wrapped if self.behaviours.notification_body == "wrapped" else body,
            now=self.world.clock.now(),
        )
        self.world.changed(f"notification queued: order {order.id} is {order.state.value}")
