# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 e1ad6ca32cb768381d43881a00bdd5d0cf5c478dc0ccd294ed1a3d060ac997af

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
