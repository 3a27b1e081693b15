# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 0a973c664304a80f630357fe4c8a861700875ce29c1c7bf9b54a4042208a40b4

"""A model of the CNaught API."""

from __future__ import annotations

from decimal import Decimal

import attrs

from wren_async.core.values import UNSET, Unset, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RideQuoteRequest(Value):
    """A vehicle ride to price, given by its length."""

    distance_km: Decimal
    """Length of the ride in kilometres, above 0."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio to price the credits from.

    Left out or null: the default portfolio. Not stated for rides, but its successor takes it.
    """
