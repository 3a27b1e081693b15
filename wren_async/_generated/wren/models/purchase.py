# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Purchase(Value):
    """All that one charge paid for, summed up."""

    stripe_charge_id: str | None = attrs.field(default=None, metadata={"wire": "stripeChargeId", "lenient": True})
    """Stripe charge id that the orders share.

    What stands here for orders paid from the wallet is not stated; may be null.
    """
    created_at: datetime = attrs.field(metadata={"wire": "createdAt"})
    """When the purchase was made."""
    total_amount_paid_by_customer: int = attrs.field(metadata={"wire": "totalAmountPaidByCustomer"})
    """Sum of all orders of the charge, in US cents."""
    total_tons: Decimal = attrs.field(metadata={"wire": "totalTons"})
    """Weight of the certified offsets alone, in tonnes of CO2e."""
    has_offset_orders: bool | None = attrs.field(default=None, metadata={"wire": "hasOffsetOrders", "lenient": True})
    """Whether the charge paid for offset orders."""
    has_project_donations: bool | None = attrs.field(
        default=None, metadata={"wire": "hasProjectDonations", "lenient": True}
    )
    """Whether the charge paid for donations to projects."""
    certificate_url: str | None = attrs.field(default=None, metadata={"wire": "certificateUrl"})
    """Address of the page with the impact certificate."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
