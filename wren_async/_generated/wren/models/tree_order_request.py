# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

import attrs

from wren_async._generated.wren.models.payment_method import PaymentMethod
from wren_async.core.values import UNSET, Unset, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TreeOrderRequest(Value):
    """An order of trees to be planted."""

    amount_of_trees: int = attrs.field(metadata={"wire": "amountOfTrees"})
    """Number of trees; must be above zero."""
    payment_method: PaymentMethod = attrs.field(metadata={"wire": "paymentMethod"})
    """Who pays: the card or the wallet.

    Wren documents the card as the default, yet says elsewhere that team tokens pay from the wallet; so always say
    which. An unknown value is refused with 400.
    """
    note: str | Unset = UNSET
    """Free text of the caller, kept with the order. Whether the list of tree orders shows it is not stated."""
    dry_run: bool | Unset = attrs.field(default=UNSET, metadata={"wire": "dryRun"})
    """If true, the order is only priced; nothing is bought or charged."""
    on_behalf_of_name: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfName"})
    """Name of the person in whose name the trees are planted, at most 200 characters."""
    on_behalf_of_email: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfEmail"})
    """Mail address kept with the order, at most 320 characters. Nothing is ever mailed to it."""
