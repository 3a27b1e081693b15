"""What it costs to read a page from bytes: 100 CNaught orders, and 200 entries of the Wren ledger.

    python benchmarks/decoding.py [--json FILE]

The measure is msgspec reading into Structs of the same field types, which keeps no unknown fields and takes strings
for numbers. All ways of a page take turns in one run, and are compared by the median of their CPU time; the spread is
from the first to the third quartile of the ratio to the Structs of the same turn.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import time
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import msgspec
from measuring import save

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
    fields: list[Any] = []
    for field in attrs.fields(form):
        name, kind = field.metadata.get("wire", field.name), struct(hints[field.name])
        if "extra" not in field.metadata:
            fields.append((name, kind) if field.default is attrs.NOTHING else (name, kind, None))
    return msgspec.defstruct(form.__name__, fields, kw_only=True)


def turns(works: Mapping[str, Callable[[], object]], *, turns: int = 200, loops: int = 20) -> dict[str, list[float]]:
    """CPU microseconds of each work in each turn."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(-20, turns):
        for name, work in works.items():
            started = time.process_time_ns()
            for _ in range(loops):
                work()
            if turn >= 0:
                taken[name].append((time.process_time_ns() - started) / loops / 1000)
    return taken


def ways(page: dict[str, Any], form: Any, items: str | None) -> dict[str, Callable[[], object]]:
    """What a page is read by, the measure first."""
    raw = json.dumps(page).encode()
    changed = {**page, items: [{**item, "new": 1} for item in page[items]]} if items else {**page, "new": 1}
    new = json.dumps(changed).encode()
    structs = msgspec.json.Decoder(struct(form)).decode
    return {
        "msgspec Structs": lambda: structs(raw),
        "msgspec dicts": lambda: msgspec.json.decode(raw),
        "models": lambda: codec.decode(raw, form),
        "models, a new field in each": lambda: codec.decode(new, form),
        "models, by cattrs": lambda: codec.structure(codec.parse(raw), form),
    }


def main() -> None:
    """Print a row for each way to read each page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the rows there")
    chosen, rows = parser.parse_args(), []
    orders = {"data": [{**ORDER, "id": f"order{n}"} for n in range(100)]}
    ledger = {"entries": [{**ENTRY, "id": f"entry{n}"} for n in range(200)], "total": 900, "limit": 200, "offset": 0}
    receipt = {"id": "ch_1", "amountCharged": 1040, "currency": "USD", "tons": 0.45, "creditsRemaining": 960}
    print(f"{'page':32}{'way':36}{'CPU µs':>10}{'ratio':>8}   spread")
    for name, page, form, items in (
        ("100 CNaught orders", orders, cnaught.OrderList, "data"),
        ("200 ledger entries", ledger, wren.LedgerPage, "entries"),
        ("1 receipt of Wren, renamed", receipt, wren.OffsetOrderReceipt, None),
    ):
        taken = turns(ways(page, form, items))
        floor = next(iter(taken.values()))
        for way, each in taken.items():
            ratios = [one / other for one, other in zip(each, floor, strict=True)]
            low, middle, high = statistics.quantiles(ratios, n=4)
            print(f"{name:32}{way:36}{statistics.median(each):10.2f}{middle:8.2f}   {low:.2f}–{high:.2f}")
            rows.append(
                {"page": name, "way": way, "us": statistics.median(each), "ratio": middle, "from": low, "to": high}
            )
    save(chosen.json, rows)


if __name__ == "__main__":
    main()
