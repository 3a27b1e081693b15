"""A file of orders to begin with: every column, and a row of each type of order that can be planned as it stands. Pure.

In a spreadsheet the rows are overwritten with real ones, and the columns that stay empty may go.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from typing import Final

from wren_async.batch.intents import ORDER_TYPES, Api, forms

_FIRST: Final = ("external_id", "kind")
_DECIMAL: Final = frozenset(
    name for order_type in ORDER_TYPES.values() for name, form in forms(order_type).items() if form == "decimal"
)
_EXAMPLES: Final = (
    {
        "external_id": "R-1001",
        "kind": "wren.offset",
        "tons": "0.45",
        "payment_method": "credits",
        "note": "Ride to the airport",
        "on_behalf_of_name": "Ada Example",
        "on_behalf_of_email": "ada@example.com",
    },
    {
        "external_id": "INV-2026-07",
        "kind": "wren.project",
        "project_id": "18",
        "amount_in_usd_cents": "2500",
        "payment_method": "credits",
        "note": "Matched gift of July",
    },
    {
        "external_id": "T-17",
        "kind": "wren.trees",
        "amount_of_trees": "10",
        "payment_method": "credits",
        "note": "Ten trees for an anniversary",
    },
    {
        "external_id": "S-88231",
        "kind": "cnaught.mass",
        "amount_kg": "10",
        "description": "Delivery of 10 kg",
        "metadata": "cost center 4400",
    },
    {
        "external_id": "S-88232",
        "kind": "cnaught.price",
        "total_price_usd_cents": "1500",
        "description": "Budget of 15 dollars",
    },
)


def template_csv(apis: Collection[Api], *, decimal_comma: bool = False) -> str:
    """A file of orders for these APIs, as CSV in plain ASCII.

    Args:
        apis: Whose orders.
        decimal_comma: Write `0,45` and separate columns by semicolons, as spreadsheets of many countries read it.
    """
    kinds = [name for name, order_type in ORDER_TYPES.items() if order_type.api in apis]
    names = dict.fromkeys([*_FIRST, *(name for kind in kinds for name in forms(ORDER_TYPES[kind]))])
    text = io.StringIO()
    separator = ";" if decimal_comma else ","
    table = csv.DictWriter(text, list(names), restval="", lineterminator="\r\n", delimiter=separator)
    table.writeheader()
    for row in _EXAMPLES:
        if row["kind"] in kinds:
            table.writerow({name: _local(name, cell) if decimal_comma else cell for name, cell in row.items()})
    return text.getvalue()


def _local(name: str, cell: str) -> str:
    return cell.replace(".", ",") if name in _DECIMAL else cell
