# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wren_async._generated.wren.models.payment_method import PaymentMethod
from wren_async._generated.wren.models.tree_impact import TreeImpact
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TreeOrderReceipt(Value):
    """What an order of trees cost, or would cost when it was a dry run."""

    id: str | None = None
    """Id of the order group: a Stripe charge id when paid by card, a UUID when paid from the wallet, beginning with
    `test_to_` in test mode.

    Null for a dry run. Opaque.
    """
    amount_charged: int = attrs.field(metadata={"wire": "amountCharged"})
    """Amount charged, in the smallest unit of `currency`, so 5000 is 50.00 USD. A fraction is rounded up."""
    currency: str
    """Upper-case code of the currency charged: the caller's own for a card, USD for the wallet and in test mode."""
    impact: TreeImpact
    """What is planted."""
    payment_method: PaymentMethod | None = attrs.field(default=None, metadata={"wire": "paymentMethod"})
    """Says `credits` when the wallet paid; absent when the card did."""
    credits_remaining: int | None = attrs.field(default=None, metadata={"wire": "creditsRemaining"})
    """US cents left in the wallet after the order; absent when the card paid.

    On a dry run and in test mode only a hint.
    """
    test: bool | None = attrs.field(default=None, metadata={"lenient": True})
    """True when a test token was used; absent otherwise."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
