# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class OrderedPortfolio(Value):
    """The portfolio as it may come inside the receipt of an offset order.

    Known from answers of 2021, and nothing of it is certain.
    """

    id: int | None = attrs.field(default=None, metadata={"lenient": True})
    """Id of the portfolio."""
    name: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Name of the portfolio."""
    description: str | None = attrs.field(default=None, metadata={"lenient": True})
    """What the portfolio is made of, for people."""
    cost_per_ton: Decimal | None = attrs.field(
        default=None, metadata={"wire": "costPerTon", "aliases": ("cost_per_ton",), "lenient": True}
    )
    """Blended price of the portfolio, in US dollars per tonne of CO2e."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
