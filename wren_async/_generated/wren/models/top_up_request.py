# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 1ca91da6caf11765a7f108a92059391001139dbba3efe41403cf7dacaa45ed03

"""A model of the Wren API."""

from __future__ import annotations

import attrs

from wren_async.core.values import Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TopUpRequest(Value):
    """An amount to add to the wallet."""

    amount_in_usd_cents: int = attrs.field(metadata={"wire": "amountInUsdCents"})
    """Amount to charge and add, in US cents; at least 100."""
