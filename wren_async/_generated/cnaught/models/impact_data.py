# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from wren_async._generated.cnaught.models.impact_category_usage import ImpactCategoryUsage
from wren_async._generated.cnaught.models.impact_equivalents import ImpactEquivalents
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ImpactData(Value):
    """What an account or subaccount has offset over a period."""

    name: str | None = None
    """Name of the account or subaccount."""
    logo_url: str | None = None
    """Logo of the account or subaccount; null if it has none."""
    total_offset_kgs: Decimal
    """Mass retired in the period, in kilograms of CO2e."""
    equivalents: ImpactEquivalents
    """The total in everyday terms."""
    since_date: datetime
    """Start of the period, in UTC: the one asked for, else when use began."""
    to_date: datetime | None = None
    """End of the period, in UTC; null if none was asked for."""
    categories: tuple[ImpactCategoryUsage, ...]
    """The total, split by project category."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
