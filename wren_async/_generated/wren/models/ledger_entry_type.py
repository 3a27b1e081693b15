# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 24feab187ff7d51128cde55fc27d8f74796a3e7584558b3329de5305d8b63226

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
