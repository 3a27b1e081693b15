# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 0a973c664304a80f630357fe4c8a861700875ce29c1c7bf9b54a4042208a40b4

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
