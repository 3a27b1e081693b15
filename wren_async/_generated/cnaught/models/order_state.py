# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 0a973c664304a80f630357fe4c8a861700875ce29c1c7bf9b54a4042208a40b4

"""An enum of the CNaught API."""

from __future__ import annotations

from wren_async.core.values import OpenStrEnum


class OrderState(OpenStrEnum):
    """Where an order stands.

    `placed`: accepted, waiting to be matched to credits. `fulfilled`: matched, and the credits are retired.
    `cancelled`: called off, spelt with two l.
    """

    PLACED = "placed"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
