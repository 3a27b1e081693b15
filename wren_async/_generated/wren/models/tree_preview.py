# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TreePreview(Value):
    """The price of a number of trees. The unit of both prices is not stated."""

    amount_of_trees: int = attrs.field(metadata={"wire": "amountOfTrees"})
    """Number of trees priced."""
    price_in_usd: Decimal = attrs.field(metadata={"wire": "priceInUSD"})
    """Price in US money, passed through as it comes: probably dollars, perhaps cents."""
    price_in_user_currency: Decimal = attrs.field(metadata={"wire": "priceInUserCurrency"})
    """Price in the caller's currency, whose code does not come along; in the same doubtful unit as the other price."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
