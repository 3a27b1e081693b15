# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ImpactEquivalents(Value):
    """A mass of CO2e in everyday terms. All are plain counts."""

    cars_off_the_road: Decimal
    """Number of cars taken off the road."""
    trees_planted: Decimal
    """Number of trees planted."""
    homes_annual_energy_usage: Decimal | None = attrs.field(
        default=None, metadata={"aliases": ("homes_annual_energy usages",)}
    )
    """Number of homes whose yearly energy use it equals.

    The documentation spells the key in another way; both are read.
    """
    flights_lax_to_nyc: Decimal
    """Number of flights from Los Angeles to New York."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
