# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

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
