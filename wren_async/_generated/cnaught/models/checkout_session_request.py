# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from decimal import Decimal

import attrs

from wren_async._generated.cnaught.models.notification_config import NotificationConfig
from wren_async.core.values import UNSET, Unset, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CheckoutSessionRequest(Value):
    """A purchase to open a hosted payment page for."""

    amount_kg: Decimal
    """Mass to offset, in kilograms of CO2e, above 0.

    The price must come to at least 50 US cents; ask with a quote of source `checkout`.
    """
    success_url: str
    """Where the buyer returns after paying.

    Absolute, with https. The text `{CHECKOUT_SESSION_ID}` in it, braces not percent-encoded, stands for the id of the
    session; with it, this is no URI by RFC 3986.
    """
    cancel_url: str
    """Where the buyer goes who leaves the page. Absolute, with https."""
    description: str | None | Unset = UNSET
    """Public text of the order, printed on the certificate."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio whose projects fulfil the order.

    Left out or null: the default portfolio of the subaccount or account.
    """
    notification_config: NotificationConfig | None | Unset = UNSET
    """Where to report changes of the order's state. Left out or null: nothing is reported."""
