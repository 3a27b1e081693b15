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
class OffsetOrder(Value):
    """One row of an offset order: the part that went to one project. No attribute of it is certain to be there."""

    id: str | int | None = attrs.field(default=None, metadata={"lenient": True})
    """Id of the row, which is not the id of the order group."""
    amount_paid_by_customer: int | Decimal | None = attrs.field(
        default=None, metadata={"aliases": ("amountPaidByCustomer",), "lenient": True}
    )
    """What the row cost, in US cents; a part of a small order may have a fraction of one."""
    tons: Decimal | None = attrs.field(default=None, metadata={"lenient": True})
    """Weight of the row, in tonnes of CO2e."""
    portfolio_id: int | None = attrs.field(default=None, metadata={"aliases": ("portfolioId",), "lenient": True})
    """Id of the portfolio ordered from. Null when there was none."""
    project_id: int | None = attrs.field(default=None, metadata={"aliases": ("projectId",), "lenient": True})
    """Id of the project the row went to."""
    source: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Where the order came from, as Wren names it."""
    note: str | None = attrs.field(default=None, metadata={"lenient": True})
    """The note given with the order. Null when there was none."""
    created_at: datetime | None = attrs.field(
        default=None, metadata={"wire": "createdAt", "aliases": ("created_at",), "lenient": True}
    )
    """When the row was made."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
