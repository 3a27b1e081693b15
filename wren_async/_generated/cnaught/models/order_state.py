# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

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
