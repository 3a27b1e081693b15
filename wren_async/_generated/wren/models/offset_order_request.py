# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from decimal import Decimal

import attrs

from wren_async._generated.wren.models.payment_method import PaymentMethod
from wren_async.core.values import UNSET, Unset, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class OffsetOrderRequest(Value):
    """An order of carbon offsets by weight."""

    tons: Decimal
    """Weight to offset, in tonnes of CO2e. Must be above zero; no maximum is documented."""
    portfolio_id: int | Unset = attrs.field(default=UNSET, metadata={"wire": "portfolioId"})
    """Id of the portfolio to buy from, as in the list of portfolios. The Wren Climate Fund when absent."""
    note: str | Unset = UNSET
    """Free text of the caller, copied onto every order row of the order and shown in the list of orders.

    No limit of length is documented.
    """
    dry_run: bool | Unset = attrs.field(default=UNSET, metadata={"wire": "dryRun"})
    """If true, the order is only priced; nothing is bought or charged."""
    send_receipt_email: bool | Unset = attrs.field(default=UNSET, metadata={"wire": "sendReceiptEmail"})
    """If true, Wren mails a receipt. Without effect on a dry run."""
    payment_method: PaymentMethod = attrs.field(metadata={"wire": "paymentMethod"})
    """Who pays: the card or the wallet.

    Wren documents the card as the default, yet says elsewhere that team tokens pay from the wallet; so always say
    which.
    """
    on_behalf_of_name: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfName"})
    """Name shown as the purchaser on the certificate, at most 200 characters."""
    on_behalf_of_email: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfEmail"})
    """Mail address kept with the order, at most 320 characters. Nothing is ever mailed to it."""
