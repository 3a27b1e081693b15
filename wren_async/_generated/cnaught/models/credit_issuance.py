# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CreditIssuance(Value):
    """Credits issued for one year of a project."""

    vintage_year: int
    """Year in which the effect came about."""
    total_amount: Decimal
    """Amount issued. Its unit is not stated; tonnes of CO2e seem likely."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
