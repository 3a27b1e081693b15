"""Checkout sessions: a payment page that leads to an order, or to nothing within its time."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum
from html import escape

import attrs

from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.catalogue import CNaughtPortfolio
from wren_async.sandbox.cnaught.orders import timestamp
from wren_async.sandbox.cnaught.quotes import number
from wren_async.sandbox.exchange import JSON

PLACEHOLDER = "{CHECKOUT_SESSION_ID}"
"""What stands for the session's id in its URL of success."""


class SessionState(Enum):
    """Where a checkout session stands."""

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


@attrs.define(kw_only=True)
class CheckoutSession:
    """A checkout session as the sandbox keeps it."""

    id: str
    created_on: datetime
    expires_on: datetime
    amount_kg: Decimal
    price_usd_cents: int
    success_url: str
    cancel_url: str
    portfolio: CNaughtPortfolio
    subaccount_id: str | None = None
    description: str | None = None
    notification_url: str | None = None
    completed_on: datetime | None = None
    order_id: str | None = None
    """The order that it led to, which the API does not show."""

    def state(self, now: datetime) -> SessionState:
        """Open until it is completed or its time is over."""
        if self.completed_on is not None:
            return SessionState.COMPLETE
        return SessionState.OPEN if now < self.expires_on else SessionState.EXPIRED

    def body(self, now: datetime, behaviours: CNaughtBehaviours) -> dict[str, JSON]:
        """The session as the API writes it."""
        return {
            "id": self.id,
            "amount_kg": number(self.amount_kg),
            "price_usd_cents": self.price_usd_cents,
            "success_url": self.success_url,
            "cancel_url": self.cancel_url,
            "checkout_url": f"{behaviours.checkout_base_url}/{self.id}",
            "state": self.state(now).value,
            "created_on": timestamp(self.created_on),
            "expires_on": timestamp(self.expires_on),
            "completed_on": None if self.completed_on is None else timestamp(self.completed_on),
            "portfolio_id": self.portfolio.id,
            "subaccount_id": self.subaccount_id,
            "order_description": self.description,
            "order_webhook_url": self.notification_url,
        }

    def return_url(self, now: datetime) -> str:
        """Where the buyer goes from the page: to the URL of success once it is complete, else to the other."""
        if self.state(now) is SessionState.COMPLETE:
            return self.success_url.replace(PLACEHOLDER, self.id)
        return self.cancel_url


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sandbox checkout</title>
<h1>Sandbox checkout</h1>
<p>{amount} kg of CO2e for {price} US dollars. No money moves here.</p>
<p>{description}</p>
<p>State: <strong>{state}</strong></p>
{actions}
<p><a href="{return_url}">Back to the shop</a></p>
</html>
"""
_ACTIONS = """<form method="post" action="{id}/complete"><button>Pay</button></form>
<form method="post" action="{id}/expire"><button>Let it expire</button></form>"""


def checkout_page(session: CheckoutSession, now: datetime) -> str:
    """The payment page in HTML. Its buttons post to `complete` and `expire` below the page's own address."""
    state = session.state(now)
    return _PAGE.format(
        amount=f"{number(session.amount_kg)}",
        price=f"{Decimal(session.price_usd_cents) / 100:.2f}",
        description=escape(session.description or ""),
        state=state.value,
        actions=_ACTIONS.format(id=escape(session.id)) if state is SessionState.OPEN else "",
        return_url=escape(session.return_url(now)),
    )
