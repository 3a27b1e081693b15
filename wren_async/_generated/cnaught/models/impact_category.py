# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ImpactCategory(Value):
    """A project category as impact data names it."""

    id: str | None = None
    """Id of the category. Older answers carry it, newer ones do not."""
    name: str
    """Name of the category."""
    description: str | None = None
    """What the category is about. Newer answers carry it, older ones do not."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
