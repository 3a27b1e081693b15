# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""Portfolios of projects and their prices."""

from __future__ import annotations

from typing import Final, Unpack

from wren_async._generated.wren import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation
from wren_async.core.values import UNSET, Unset

__all__ = [
    "LIST_PORTFOLIOS",
    "list_portfolios",
]


LIST_PORTFOLIOS: Final[Operation[models.PortfolioList]] = Operation(
    id="listPortfolios",
    method="GET",
    path="/api/portfolios",
    answer=Lazy(lambda: models.PortfolioList),
    effect=Effect.READ,
    credentials="optional",
)


def list_portfolios(
    *,
    expanded: bool | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.PortfolioList]:
    """List the portfolios that can be ordered.

    Returns the preset portfolios with their projects and prices in US dollars per tonne. The token is optional; with
    one, the caller's own custom portfolio may be among them. A test token sees what a live one does. Two kinds exist:
    single-project portfolios, and the mixed Wren Climate Fund, from which orders are taken when they name none. No
    errors are documented; a token that is sent and not recognised is presumably refused.

    Args:
        expanded: Asks for the full portfolios, whose attributes are in camelCase and not further documented. Its mere
            presence counts, so even a false value may switch it on; leave it out for the plain form.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: https://www.wren.co/docs/api/portfolios; https://www.wren.co/docs/api/wren-api.postman_collection.json; API
    Evangelist profile of Wren (2026-07-21)
    """
    return Call(
        operation=LIST_PORTFOLIOS,
        query={"expanded": arguments.flag("expanded", expanded)},
        **options,
    )
