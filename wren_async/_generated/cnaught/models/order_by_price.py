# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

import attrs

from wren_async._generated.cnaught.models.notification_config import NotificationConfig
from wren_async.core.values import UNSET, Unset, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class OrderByPrice(Value):
    """What to order, given as the price to spend.

    The mass follows from the unit price of the portfolio and is a whole number of kilograms, so the final price can
    differ slightly.
    """

    total_price_usd_cents: int
    """Price to spend, in US cents, above 0."""
    metadata: str | None | Unset = UNSET
    """Private text kept with the order and returned with it, at most 512 characters.

    A reference of your own goes here.
    """
    description: str | None | Unset = UNSET
    """Public text printed on the certificate, at most 512 characters."""
    notification_config: NotificationConfig | None | Unset = UNSET
    """Where to report changes of the order's state. Left out or null: nothing is reported."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio whose projects fulfil the order.

    Left out or null: the default portfolio of the subaccount or account.
    """
