# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

import attrs

from wren_async._generated.wren.models.payment_method import PaymentMethod
from wren_async.core.values import UNSET, Unset, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ProjectOrderRequest(Value):
    """An amount of money for one project."""

    project_id: int = attrs.field(metadata={"wire": "projectId"})
    """Id of the project, as in the projects of a portfolio. Projects sold by the tree are refused."""
    amount_in_usd_cents: int = attrs.field(metadata={"wire": "amountInUsdCents"})
    """Amount to spend, in US cents; at least 100, whichever way it is paid."""
    note: str | Unset = UNSET
    """Free text of the caller, kept with the offset orders or donations that come of the order."""
    dry_run: bool | Unset = attrs.field(default=UNSET, metadata={"wire": "dryRun"})
    """If true, the order is only priced; nothing is bought or charged."""
    send_receipt_email: bool | Unset = attrs.field(default=UNSET, metadata={"wire": "sendReceiptEmail"})
    """If true, Wren mails a receipt. Without effect on a dry run."""
    payment_method: PaymentMethod = attrs.field(metadata={"wire": "paymentMethod"})
    """Who pays: the card or the wallet.

    Missing from Wren's table of attributes but used in its own examples, so no default is documented; always say which.
    """
    on_behalf_of_name: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfName"})
    """Name of the person in whose name the money is given, at most 200 characters."""
    on_behalf_of_email: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfEmail"})
    """Mail address kept with the order, at most 320 characters. Nothing is ever mailed to it."""
