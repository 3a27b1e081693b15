# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

import attrs

from wren_async.core.values import UNSET, Unset, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class SubaccountCreateRequest(Value):
    """A subaccount to create."""

    name: str
    """Name of the subaccount, at most 512 characters."""
    email: str | None | Unset = UNSET
    """Mail address of the subaccount."""
    default_portfolio_id: str | None | Unset = UNSET
    """Portfolio of its orders that name none. Left out or null: the default of the account applies."""
    logo_url: str | None | Unset = UNSET
    """Address of the logo, which anyone must be able to fetch; CNaught keeps a copy."""
