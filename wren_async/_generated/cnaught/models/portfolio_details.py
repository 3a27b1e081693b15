# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async._generated.cnaught.models.category_allocation import CategoryAllocation
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class PortfolioDetails(Value):
    """A portfolio with its unit prices and its make-up. The price of an order is rounded up to whole cents."""

    id: str
    """Id of the portfolio."""
    name: str
    """Name of the portfolio."""
    summary: str | None = None
    """One or two sentences about it."""
    description: str | None = None
    """Longer text about it."""
    primary_image_url: str | None = None
    """Picture that stands for it."""
    checkout_price_per_kg_usd_cents: Decimal | None = None
    """Unit price in US cents per kilogram of CO2e, possibly a fraction, for orders through checkout sessions or the
    dashboard.
    """
    api_price_per_kg_usd_cents: Decimal | None = None
    """Unit price in US cents per kilogram of CO2e, possibly a fraction, for orders through this API."""
    category_allocations: tuple[CategoryAllocation, ...]
    """The categories it is made of, and the share of each."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
