# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""An enum of the Wren API."""

from __future__ import annotations

from wren_async.core.values import OpenStrEnum


class PaymentMethod(OpenStrEnum):
    """Who pays for an order.

    `stripe` charges the saved card or other payment method; `credits` takes the amount from the prepaid wallet.
    """

    STRIPE = "stripe"
    CREDITS = "credits"
