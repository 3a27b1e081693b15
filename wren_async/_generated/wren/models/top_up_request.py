# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

import attrs

from wren_async.core.values import Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TopUpRequest(Value):
    """An amount to add to the wallet."""

    amount_in_usd_cents: int = attrs.field(metadata={"wire": "amountInUsdCents"})
    """Amount to charge and add, in US cents; at least 100."""
