# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""Money given to projects that do not sell tonnes."""

from __future__ import annotations

from typing import Final, Unpack

from wren_async._generated.wren import models
from wren_async._lazy import Lazy
from wren_async.core.operation import Call, CallOptions, Effect, Operation

__all__ = [
    "LIST_PROJECT_DONATIONS",
    "list_project_donations",
]


LIST_PROJECT_DONATIONS: Final[Operation[tuple[models.ProjectDonation, ...]]] = Operation(
    id="listProjectDonations",
    method="GET",
    path="/api/project-donations",
    answer=Lazy(lambda: tuple[models.ProjectDonation, ...]),
    effect=Effect.READ,
)


def list_project_donations(
    **options: Unpack[CallOptions],
) -> Call[tuple[models.ProjectDonation, ...]]:
    """List the caller's donations to projects.

    Returns the money the caller gave to projects that do not sell tonnes, in US cents, as a bare array without paging
    and in no documented order. Works with live tokens only; a test token is presumably refused with 403.

    Args:
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: https://www.wren.co/docs/api/project-donations; API Evangelist profile of Wren (2026-07-21)
    """
    return Call(
        operation=LIST_PROJECT_DONATIONS,
        **options,
    )
