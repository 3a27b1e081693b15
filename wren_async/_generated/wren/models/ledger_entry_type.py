# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 1ca91da6caf11765a7f108a92059391001139dbba3efe41403cf7dacaa45ed03

"""An enum of the Wren API."""

from __future__ import annotations

from wren_async.core.values import OpenStrEnum


class LedgerEntryType(OpenStrEnum):
    """Kind of a movement.

    `top_up` is money charged and added to the wallet; `deduction` is money taken for an order; `refund` is money given
    back.
    """

    TOP_UP = "top_up"
    DEDUCTION = "deduction"
    REFUND = "refund"
