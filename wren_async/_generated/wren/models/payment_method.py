# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 1ca91da6caf11765a7f108a92059391001139dbba3efe41403cf7dacaa45ed03

"""An enum of the Wren API."""

from __future__ import annotations

from wren_async.core.values import OpenStrEnum


class PaymentMethod(OpenStrEnum):
    """Who pays for an order.

    `stripe` charges the saved card or other payment method; `credits` takes the amount from the prepaid wallet.
    """

    STRIPE = "stripe"
    CREDITS = "credits"
