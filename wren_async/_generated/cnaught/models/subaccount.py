# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Subaccount(Value):
    """A part of the account with orders, a default portfolio and a logo of its own.

    CNaught's support must enable the feature first.
    """

    id: str
    """Id of the subaccount, set by CNaught."""
    created_on: datetime | None = None
    """When the subaccount was created, in UTC."""
    name: str
    """Name of the subaccount."""
    email: str | None = None
    """Mail address of the subaccount; null if none is set."""
    default_portfolio_id: str | None = None
    """Portfolio of its orders that name none; null: the default of the account applies."""
    logo_url: str | None = None
    """Logo, hosted by CNaught; null if there is none. It may change between reads."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
