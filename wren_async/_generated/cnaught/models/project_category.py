# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 0a973c664304a80f630357fe4c8a861700875ce29c1c7bf9b54a4042208a40b4

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wren_async._generated.cnaught.models.project import Project
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ProjectCategory(Value):
    """A kind of project, with the projects of that kind."""

    id: str
    """Id of the category."""
    name: str
    """Name of the category."""
    description: str | None = None
    """Text about the category."""
    primary_image_url: str | None = None
    """Picture that stands for it."""
    projects: tuple[Project, ...]
    """The projects of the category."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
