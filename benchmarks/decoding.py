"""What it costs to read a page from bytes: 100 CNaught orders, and 200 entries of the Wren ledger.

    python benchmarks/decoding.py

The measure is msgspec reading into Structs of the same field types, which keeps no unknown fields and takes strings
for numbers.
"""

from __future__ import annotations

import functools
import json
import timeit
import types
import typing
from typing import Any

import attrs
import msgspec

from wren_async.core import codec
from wren_async.models import cnaught, wren

ORDER = {
    "id": "Gre28Fc35bt3",
    "order_number": "47726-53238-46633-33562-7433",
    "created_on": "2022-08-01T18:00:00.000000Z",
    "metadata": "Customer metadata",
    "description": "On behalf of Jane Smith",
    "amount_kg": 10.5,
    "state": "placed",
    "price_usd_cents": 2350,
    "certificate_public_url": "https://registry.example/orders/Gre28Fc35bt3",
    "certificate_download_public_url": "https://registry.example/api/certificates/Gre28Fc35bt3/pdf",
}
ENTRY = {
    "id": "entry",
    "amount_usd_cents": -1040,
    "type": "deduction",
    "order_group_id": "6f0c6b1e-2f6a-4a53-8f3b-0b8f6a7d1c22",
    "stripe_charge_id": None,
    "created_at": "2026-07-21T12:00:00Z",
}


@functools.cache
def struct(form: Any) -> Any:
    """The Struct of the same field types as a model."""
    origin, arguments = typing.get_origin(form), typing.get_args(form)
    if origin is tuple:
        return list[struct(arguments[0])]  # type: ignore[misc]
    if origin in (typing.Union, types.UnionType):
        return functools.reduce(lambda one, other: one | other, map(struct, arguments))
    if not attrs.has(form):
        return form
    hints = typing.get_type_hints(form)
    fields = [
        (field.name, struct(hints[field.name]), *(() if field.default is attrs.NOTHING else (None,)))
        for field in attrs.fields(form)
        if "extra" not in field.metadata
    ]
    return msgspec.defstruct(form.__name__, fields, kw_only=True)


def microseconds(work: Any) -> float:
    """The best of many runs."""
    return min(timeit.repeat(work, number=200, repeat=25)) / 200 * 1e6


def main() -> None:
    """Print a row for each page."""
    orders = {"data": [{**ORDER, "id": f"order{n}"} for n in range(100)]}
    ledger = {"entries": [{**ENTRY, "id": f"entry{n}"} for n in range(200)], "total": 900, "limit": 200, "offset": 0}
    print(f"{'page':32}{'bytes':>8}{'Structs µs':>12}{'models µs':>11}{'ratio':>7}{'with a new field':>18}")
    for name, page, form, items in (
        ("100 CNaught orders", orders, cnaught.OrderList, "data"),
        ("200 ledger entries", ledger, wren.LedgerPage, "entries"),
    ):
        raw = json.dumps(page).encode()
        new = json.dumps(
            {**page, items: [{**item, "new": 1} for item in typing.cast("list[Any]", page[items])]}
        ).encode()
        decoder = msgspec.json.Decoder(struct(form))
        floor = microseconds(lambda raw=raw, decoder=decoder: decoder.decode(raw))
        ours = microseconds(lambda raw=raw, form=form: codec.decode(raw, form))
        unknown = microseconds(lambda new=new, form=form: codec.decode(new, form))
        print(f"{name:32}{len(raw):8}{floor:12.0f}{ours:11.0f}{ours / floor:7.2f}{unknown / floor:18.2f}")


if __name__ == "__main__":
    main()
