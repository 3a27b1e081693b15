# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""An enum of the CNaught API."""

from __future__ import annotations

from wren_async.core.values import OpenStrEnum


class CheckoutSessionState(OpenStrEnum):
    """Where a checkout session stands.

    `open`: waiting for the buyer. `complete`: paid, and the order exists. `expired`: ended unpaid.
    """

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"
