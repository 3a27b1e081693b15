"""From the rows of Wren's lists, or from a receipt, to the order that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import TypeAlias

import attrs

from wren_async._generated.wren.models import (
    OffsetOrder,
    OffsetOrderReceipt,
    ProjectDonation,
    ProjectOrderReceipt,
    TreeOrder,
    TreeOrderReceipt,
)

Row: TypeAlias = OffsetOrder | ProjectDonation | TreeOrder
Receipt: TypeAlias = OffsetOrderReceipt | ProjectOrderReceipt | TreeOrderReceipt


@attrs.frozen(kw_only=True)
class FoundOrder:
    """An order of Wren's as its lists show it: all the rows of one order together."""

    reference: str
    id: str | None = None
    """Id of the order group; `None` where neither the rows nor a unique charge tell it."""
    cents: int | None = None
    """What it cost, in US cents; `None` where that is not shown."""
    tons: Decimal | None = None
    """What it offsets, in tonnes of CO2e."""
    trees: int | None = None
    created_at: datetime | None = None
    rows: tuple[Row, ...] = attrs.field(default=(), repr=False)
    """The rows that carry the reference, as they were listed: one for each project."""
    receipt: Receipt | None = None
    """The answer to the order, where it was placed only now."""


def note_of(row: Row) -> str | None:
    """The note of a row. For tree orders the list is not documented to have one, so it may be in `extra_fields`."""
    note = row.extra_fields.get("note") if isinstance(row, TreeOrder) else row.note
    return note if isinstance(note, str) else None


def order_of(reference: str, rows: Sequence[Row]) -> FoundOrder:
    """The order that rows with its reference make up."""
    offsets = [row.tons for row in rows if isinstance(row, OffsetOrder)]
    tons = [part for part in offsets if part is not None]
    return FoundOrder(
        reference=reference,
        id=_only(row.extra_fields.get(name) for row in rows for name in ("order_group_id", "orderGroupId")),
        cents=_whole(_cents(row) for row in rows),
        # Where the mass of one row is not shown, the sum is unknown.
        tons=sum(tons, Decimal(0)) if offsets and len(tons) == len(offsets) else None,
        trees=next((row.amount_of_trees for row in rows if isinstance(row, TreeOrder)), None),
        created_at=min((row.created_at for row in rows if row.created_at is not None), default=None),
        rows=tuple(rows),
    )


def is_doubled(order: FoundOrder) -> bool:
    """Whether rows repeat each other, as when several orders were sent with one reference."""
    parts = [(type(row), None if isinstance(row, TreeOrder) else row.project_id) for row in order.rows]
    known = [part for part in parts if part[1] is not None or part[0] is TreeOrder]
    return len(set(known)) < len(known)


def order_of_receipt(reference: str, receipt: Receipt) -> FoundOrder:
    """The order that was placed just now."""
    tons, trees = None, None
    if isinstance(receipt, OffsetOrderReceipt):
        tons = receipt.tons
    elif isinstance(receipt, ProjectOrderReceipt):
        tons = receipt.impact.tons if receipt.impact else None
    else:
        trees = receipt.impact.trees
    return FoundOrder(
        reference=reference,
        id=receipt.id,
        cents=receipt.amount_charged if receipt.currency == "USD" else None,
        tons=tons,
        trees=trees,
        receipt=receipt,
    )


def _cents(row: Row) -> Decimal | None:
    if isinstance(row, TreeOrder):
        shown = row.extra_fields.get("amountPaidByCustomer")
        return Decimal(shown) if isinstance(shown, int) else None
    return None if row.amount_paid_by_customer is None else Decimal(row.amount_paid_by_customer)


def _whole(parts: Iterable[Decimal | None]) -> int | None:
    """The sum in whole cents, rounded up; `None` where a part is not known."""
    total = Decimal(0)
    for part in parts:
        if part is None:
            return None
        total += part
    return int(total.to_integral_value(ROUND_CEILING))


def _only(values: Iterable[object]) -> str | None:
    told = {value for value in values if isinstance(value, str)}
    return told.pop() if len(told) == 1 else None
