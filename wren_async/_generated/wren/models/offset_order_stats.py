# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class OffsetOrderStats(Value):
    """Summary figures of the caller's offset orders.

    The equivalents carry the names that older clients read; the place of rank and percentile is a guess.
    """

    total_tons: Decimal | None = attrs.field(default=None, metadata={"wire": "totalTons", "lenient": True})
    """Weight of all orders, in tonnes of CO2e."""
    approximate_trees_saved_per_year_equivalent: Decimal | None = attrs.field(
        default=None, metadata={"wire": "approximateTreesSavedPerYearEquivalent", "lenient": True}
    )
    """The same weight, roughly, as trees saved in a year."""
    approximate_miles_driven_equivalent: Decimal | None = attrs.field(
        default=None, metadata={"wire": "approximateMilesDrivenEquivalent", "lenient": True}
    )
    """The same weight, roughly, as miles driven."""
    approximate_flights_taken_equivalent: Decimal | None = attrs.field(
        default=None, metadata={"wire": "approximateFlightsTakenEquivalent", "lenient": True}
    )
    """The same weight, roughly, as flights taken."""
    rank: int | None = attrs.field(default=None, metadata={"lenient": True})
    """Place of the caller among all buyers. Documented by name only."""
    percentile: Decimal | None = attrs.field(default=None, metadata={"lenient": True})
    """Percentile of the caller among all buyers. Documented by name only; its scale is not stated."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
