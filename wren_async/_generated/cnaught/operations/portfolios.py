# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""The mixes of projects to order from."""

from __future__ import annotations

from typing import Final, Unpack

from wren_async._generated.cnaught import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation

__all__ = [
    "GET_PORTFOLIO",
    "LIST_PORTFOLIOS",
    "get_portfolio",
    "list_portfolios",
]


LIST_PORTFOLIOS: Final[Operation[models.PortfolioList]] = Operation(
    id="listPortfolios",
    method="GET",
    path="/portfolios",
    answer=Lazy(lambda: models.PortfolioList),
    effect=Effect.READ,
)


def list_portfolios(
    **options: Unpack[CallOptions],
) -> Call[models.PortfolioList]:
    """List the portfolios that may be ordered from.

    Returns all portfolios available to the account, in one answer without paging. One that is not in it is refused on
    orders with status 403.

    Args:
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration tests
    """
    return Call(
        operation=LIST_PORTFOLIOS,
        **options,
    )


GET_PORTFOLIO: Final[Operation[models.PortfolioDetails]] = Operation(
    id="getPortfolio",
    method="GET",
    path="/portfolios/{id}",
    answer=Lazy(lambda: models.PortfolioDetails),
    effect=Effect.READ,
)


def get_portfolio(
    portfolio_id: str,
    **options: Unpack[CallOptions],
) -> Call[models.PortfolioDetails]:
    """Get a portfolio with its unit prices and make-up.

    Returns a portfolio with its unit prices in US cents per kilogram and the share of each project category. Prices are
    the server's to change.

    Args:
        portfolio_id: Id of the portfolio.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: docs.cnaught.com, GetPortfolioById; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration
    tests
    """
    return Call(
        operation=GET_PORTFOLIO,
        path={"id": arguments.identifier("portfolio_id", portfolio_id)},
        **options,
    )
