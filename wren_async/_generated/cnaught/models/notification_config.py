# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

import attrs

from wren_async.core.values import Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class NotificationConfig(Value):
    """Where CNaught reports that an order was fulfilled or cancelled, by an HTTP POST with the order.

    It tries again for up to 24 hours until the answer has status 200. The POST is not signed: read the order again
    before trusting it.
    """

    url: str
    """URL that takes the POST. Put a token that nobody can guess in it."""
