# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from wren_async._generated.wren.models.ledger_entry_type import LedgerEntryType
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class LedgerEntry(Value):
    """One movement of the wallet."""

    id: str | int | None = attrs.field(default=None, metadata={"lenient": True})
    """Id of the entry. Not documented, so it may be absent."""
    amount_usd_cents: int | Decimal
    """Amount in US cents: above zero for a top-up, below zero for a deduction, and presumably above zero for a refund.

    Documented as cents, and a row of an order below a cent may have a fraction of one.
    """
    type: LedgerEntryType
    """What kind of movement it is."""
    order_group_id: str | None = None
    """Id of the order group that a deduction paid for. Null for a top-up; not stated for a refund."""
    stripe_charge_id: str | None = None
    """Stripe charge id of a top-up. Null for a deduction; not stated for a refund."""
    created_at: datetime | None = attrs.field(default=None, metadata={"aliases": ("createdAt",), "lenient": True})
    """When the entry was made. Not documented, so it may be absent."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
