# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""Past purchases, one for each charge."""

from __future__ import annotations

from typing import Final, Unpack

from wren_async._generated.wren import models
from wren_async._lazy import Lazy
from wren_async.core.operation import Call, CallOptions, Effect, Operation

__all__ = [
    "LIST_PURCHASES",
    "list_purchases",
]


LIST_PURCHASES: Final[Operation[models.PurchaseList]] = Operation(
    id="listPurchases",
    method="GET",
    path="/api/purchases",
    answer=Lazy(lambda: models.PurchaseList),
    effect=Effect.READ,
)


def list_purchases(
    **options: Unpack[CallOptions],
) -> Call[models.PurchaseList]:
    """List the caller's purchases, newest first.

    Returns one summary for each charge: what was paid in US cents, the tonnes of certified offsets and a link to the
    certificate. All at once, newest first. Works with live tokens only; a test token is presumably refused with 403.
    Whether orders paid from the wallet are listed is not stated.

    Args:
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: https://www.wren.co/docs/api/purchases; https://www.wren.co/docs/api/wren-api.postman_collection.json; API
    Evangelist profile of Wren (2026-07-21)
    """
    return Call(
        operation=LIST_PURCHASES,
        **options,
    )
