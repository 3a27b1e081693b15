# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""The kinds of projects."""

from __future__ import annotations

from typing import Final, Unpack

from wren_async._generated.cnaught import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation

__all__ = [
    "GET_PROJECT_CATEGORY",
    "get_project_category",
]


GET_PROJECT_CATEGORY: Final[Operation[models.ProjectCategory]] = Operation(
    id="getProjectCategory",
    method="GET",
    path="/project-categories/{id}",
    answer=Lazy(lambda: models.ProjectCategory),
    effect=Effect.READ,
)


def get_project_category(
    category_id: str,
    **options: Unpack[CallOptions],
) -> Call[models.ProjectCategory]:
    """Get a project category with its projects.

    Returns a project category and the projects in it. There is no list of categories; ids come from portfolios.

    Args:
        category_id: Id of the project category.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration tests
    """
    return Call(
        operation=GET_PROJECT_CATEGORY,
        path={"id": arguments.identifier("category_id", category_id)},
        **options,
    )
