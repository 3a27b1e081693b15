# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""An enum of the CNaught API."""

from __future__ import annotations

from enum import StrEnum


class QuoteSource(StrEnum):
    """Channel through which a quoted order would be placed.

    `api`: through this API, by `create_order_by_amount` or `create_order_by_price`. `checkout`: through a hosted
    checkout session.
    """

    API = "api"
    CHECKOUT = "checkout"
