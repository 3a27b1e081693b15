# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 24feab187ff7d51128cde55fc27d8f74796a3e7584558b3329de5305d8b63226

"""An enum of the Wren API."""

from __future__ import annotations

from wren_async.core.values import OpenStrEnum


class PaymentMethod(OpenStrEnum):
    """Who pays for an order.

    `stripe` charges the saved card or other payment method; `credits` takes the amount from the prepaid wallet.
    """

    STRIPE = "stripe"
    CREDITS = "credits"
