# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TopUpReceipt(Value):
    """What a top-up charged and the balance after it."""

    amount_charged: int = attrs.field(metadata={"wire": "amountCharged"})
    """Amount charged, in the smallest unit of the caller's currency, so 10000 is 100.00 USD.

    As the currency may not come along, rely on `credit_balance` instead.
    """
    id: str
    """Stripe charge id of the top-up. Its form in test mode is not stated."""
    credit_balance: int = attrs.field(metadata={"wire": "creditBalance"})
    """Balance of the wallet after the top-up, in US cents."""
    currency: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Upper-case code of the currency charged. Not documented; orders have it."""
    test: bool | None = attrs.field(default=None, metadata={"lenient": True})
    """True when a test token was used; absent otherwise."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
