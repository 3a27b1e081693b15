# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 e1ad6ca32cb768381d43881a00bdd5d0cf5c478dc0ccd294ed1a3d060ac997af

"""An enum of the Wren API."""

from __future__ import annotations

from wren_async.core.values import OpenStrEnum


class PaymentMethod(OpenStrEnum):
    """Who pays for an order.

    `stripe` charges the saved card or other payment method; `credits` takes the amount from the prepaid wallet.
    """

    STRIPE = "stripe"
    CREDITS = "credits"
