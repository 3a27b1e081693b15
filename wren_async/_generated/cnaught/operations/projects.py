# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""The projects behind the credits."""

from __future__ import annotations

from typing import Final, Unpack

from wren_async._generated.cnaught import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation

__all__ = [
    "GET_PROJECT",
    "get_project",
]


GET_PROJECT: Final[Operation[models.ProjectDetails]] = Operation(
    id="getProject",
    method="GET",
    path="/projects/{id}",
    answer=Lazy(lambda: models.ProjectDetails),
    effect=Effect.READ,
)


def get_project(
    project_id: str,
    **options: Unpack[CallOptions],
) -> Call[models.ProjectDetails]:
    """Get a project with the credits issued for it.

    Returns a project with the credits issued for each of its years. There is no list of projects; ids come from orders,
    portfolios and categories.

    Args:
        project_id: Id of the project.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: docs.cnaught.com, GetProjectById; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0, integration
    tests
    """
    return Call(
        operation=GET_PROJECT,
        path={"id": arguments.identifier("project_id", project_id)},
        **options,
    )
