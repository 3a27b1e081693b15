# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from wren_async._generated.cnaught.models.order_state import OrderState
from wren_async._generated.cnaught.models.order_type import OrderType
from wren_async._generated.cnaught.models.project_allocation import ProjectAllocation
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Order(Value):
    """An order of carbon credits.

    Only the id, the amount and the price are certain to be there; every other attribute may be missing or null, which
    both read as none.
    """

    id: str
    """Id of the order, set by CNaught. Opaque and case-sensitive; those of the sandbox end in `_sandbox`."""
    order_number: str | None = None
    """Number printed on the certificate, derived from the id."""
    created_on: datetime | None = None
    """When the order was placed, in UTC."""
    metadata: str | None = None
    """Private text given when the order was placed; null if none was."""
    description: str | None = None
    """Public text on the certificate; null if none was given."""
    amount_kg: Decimal
    """Mass ordered, in kilograms of CO2e."""
    state: OrderState | None = None
    """Where the order stands."""
    price_usd_cents: int
    """Price of the order in US cents."""
    callback_url: str | None = None
    """URL that is told of state changes, as given in `notification_config`; null if none was given."""
    certificate_public_url: str | None = None
    """Web page that shows the order and its certificate; null once the order is cancelled.

    Not stated to be set before the order is fulfilled.
    """
    certificate_download_public_url: str | None = None
    """The certificate as a PDF file; null once the order is cancelled.

    Not stated to be set before the order is fulfilled.
    """
    project_allocations: tuple[ProjectAllocation, ...] | None = None
    """The projects whose credits fulfil the order, and how much comes from each.

    Filled once the order is fulfilled; missing, null or empty before.
    """
    subaccount_id: str | None = None
    """Subaccount the order belongs to; null if it belongs to the account itself."""
    checkout_session_id: str | None = None
    """Checkout session the order came from; null if it was placed otherwise."""
    type: OrderType | None = None
    """Deprecated. Kind of the order. An older form of the API sent it; do not count on it."""
    distance_km: Decimal | None = None
    """Deprecated.

    Length of the ride in kilometres, on ride orders only. An older form of the API sent it; do not count on it.
    """
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
