# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""What has been offset so far."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Unpack

from wren_async._generated.cnaught import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation
from wren_async.core.values import UNSET, Unset

__all__ = [
    "GET_HOSTED_PAGE_CONFIG",
    "GET_IMPACT_DATA",
    "get_hosted_page_config",
    "get_impact_data",
]


GET_IMPACT_DATA: Final[Operation[models.ImpactData]] = Operation(
    id="getImpactData",
    method="GET",
    path="/impact/data",
    answer=Lazy(lambda: models.ImpactData),
    effect=Effect.READ,
    subaccount_header="X-Subaccount-Id",
)


def get_impact_data(
    *,
    from_: datetime | Unset = UNSET,
    to: datetime | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.ImpactData]:
    """Get what has been offset over a period.

    Returns the mass retired in kilograms of CO2e, in total, by project category and by project, with everyday
    comparisons. The period runs from the creation of the account until now unless bounds are given. With a subaccount
    the data are its own.

    Args:
        from_: Start of the period of orders to count, sent as a UTC time. Left out: when the account was created.
            Whether the bound itself counts is not stated.
        to: End of the period of orders to count, sent as a UTC time. Left out: now. Whether the bound itself counts is
            not stated.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: api-reference (2023); docs.cnaught.com, GetImpactData; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK
    3.1.0, integration tests
    """
    return Call(
        operation=GET_IMPACT_DATA,
        query={"from": arguments.moment("from_", from_), "to": arguments.moment("to", to)},
        subaccount_id=subaccount_id,
        **options,
    )


GET_HOSTED_PAGE_CONFIG: Final[Operation[models.HostedPageConfig]] = Operation(
    id="getHostedPageConfig",
    method="GET",
    path="/impact/hosted-page-config",
    answer=Lazy(lambda: models.HostedPageConfig),
    effect=Effect.READ,
    subaccount_header="X-Subaccount-Id",
)


def get_hosted_page_config(
    *,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.HostedPageConfig]:
    """Get the settings of the public impact page.

    Returns whether the impact page that CNaught hosts is public, its address, and the comparisons it shows. With a
    subaccount the page is its own.

    Args:
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: api-reference (2023); CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration tests
    """
    return Call(
        operation=GET_HOSTED_PAGE_CONFIG,
        subaccount_id=subaccount_id,
        **options,
    )
