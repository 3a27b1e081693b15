# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Quote(Value):
    """Mass and price an order would have.

    A quote is not kept and reserves nothing; how long its price holds is not stated.
    """

    amount_kg: Decimal
    """Mass to offset, in kilograms of CO2e."""
    price_usd_cents: int
    """Price in US cents."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
