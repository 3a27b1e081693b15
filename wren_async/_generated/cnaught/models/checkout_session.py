# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from wren_async._generated.cnaught.models.checkout_session_state import CheckoutSessionState
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CheckoutSession(Value):
    """A hosted payment page for one purchase.

    It does not name the order it leads to: look for the order whose `checkout_session_id` is its id.
    """

    id: str
    """Id of the session, set by CNaught."""
    amount_kg: Decimal
    """Mass to offset, in kilograms of CO2e."""
    price_usd_cents: int
    """Price the buyer pays, in US cents."""
    success_url: str | None = None
    """Where the buyer returns after paying, as given, with any placeholder still in it."""
    cancel_url: str | None = None
    """Where the buyer goes who leaves the page, as given."""
    checkout_url: str
    """Address of the payment page, to send the buyer to."""
    state: CheckoutSessionState
    """Where the session stands."""
    created_on: datetime | None = None
    """When the session was created, in UTC."""
    expires_on: datetime | None = None
    """When the session ends unpaid, in UTC; 24 hours after creation in the documented example."""
    completed_on: datetime | None = None
    """When the buyer paid, in UTC; null until then."""
    portfolio_id: str | None = None
    """Portfolio whose projects fulfil the order."""
    subaccount_id: str | None = None
    """Subaccount of the session and its order; null if the account itself."""
    order_description: str | None = None
    """Public text of the order; `description` in the request. Null if none was given."""
    order_webhook_url: str | None = None
    """URL that is told of the order's state changes; `notification_config` in the request. Null if none was given."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
