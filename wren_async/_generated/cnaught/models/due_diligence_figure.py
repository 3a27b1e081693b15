# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class DueDiligenceFigure(Value):
    """A picture of what CNaught checked about a project."""

    description: str | None = None
    """What the picture shows."""
    image_url: str
    """Address of the picture."""
    image_alt_text: str | None = None
    """Text in place of the picture."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
