# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from decimal import Decimal

import attrs

from wren_async._generated.cnaught.models.quote_source import QuoteSource
from wren_async.core.values import UNSET, Unset, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class GroundFreightQuoteRequest(Value):
    """Freight carried over land to price."""

    freight_mass_kg: Decimal
    """Mass of the freight in kilograms, above 0."""
    distance_km: Decimal
    """Distance in kilometres, above 0."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or account."""
    source: QuoteSource | None | Unset = UNSET
    """Through which channel the order would be placed; prices can differ between the two. Left out: `api`."""
