# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 0a973c664304a80f630357fe4c8a861700875ce29c1c7bf9b54a4042208a40b4

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
