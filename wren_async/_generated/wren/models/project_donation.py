# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ProjectDonation(Value):
    """Money given to one project that does not sell tonnes."""

    id: str | int | None = attrs.field(default=None, metadata={"lenient": True})
    """Id of the donation."""
    project_id: int | None = attrs.field(default=None, metadata={"wire": "projectId", "lenient": True})
    """Id of the project."""
    user_id: int | None = attrs.field(default=None, metadata={"wire": "userId", "lenient": True})
    """Id of the user who gave."""
    amount_paid_by_customer: Decimal = attrs.field(metadata={"wire": "amountPaidByCustomer"})
    """Amount given, in US cents.

    Fractions of a cent come up when an order of less than a dollar, paid from the wallet, was divided among projects.
    """
    created_at: datetime | None = attrs.field(default=None, metadata={"wire": "createdAt", "lenient": True})
    """When the donation was made."""
    source: str | None = None
    """Where the donation came from, as Wren names it."""
    note: str | None = attrs.field(default=None, metadata={"lenient": True})
    """The note given with the order. Null when there was none."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
