"""Place the orders of a CSV file through both APIs at once, and show what was bought, what it cost, what was refused.

    python examples/place_orders.py examples/orders.csv

Without further words it starts a sandbox of both APIs on this machine and orders there, so no money moves.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, cast

from wren_async import CNaughtClient, WrenAsyncError, WrenClient

Row = dict[str, str]
"""One line of the file, by its columns. `wren-async batch plan examples/orders.csv` takes the same file."""


@dataclass(frozen=True)
class Bought:
    """An order that was placed."""

    order_id: str
    amount: str
    cents: int


async def place(row: Row, wren: WrenClient, cnaught: CNaughtClient) -> Bought:
    """Place the order of one row."""
    match row["kind"]:
        case "wren.offset":
            offset = await wren.offset_orders.create(
                tons=Decimal(row["tons"]), payment_method=payment_of(row), note=row["note"]
            )
            return Bought(str(offset.id), f"{offset.tons} t", offset.amount_charged)
        case "wren.project":
            project = await wren.project_orders.create(
                project_id=int(row["project_id"]),
                amount_in_usd_cents=int(row["amount_in_usd_cents"]),
                payment_method=payment_of(row),
                note=row["note"],
            )
            tons = project.impact.tons if project.impact else None
            return Bought(str(project.id), f"{tons} t", project.amount_charged)
        case "wren.trees":
            number = int(row["amount_of_trees"])
            trees = await wren.tree_orders.create(
                amount_of_trees=number, payment_method=payment_of(row), note=row["note"]
            )
            return Bought(str(trees.id), f"{number} trees", trees.amount_charged)
        case "cnaught.mass":
            order = await cnaught.orders.create(amount_kg=Decimal(row["amount_kg"]), description=row["description"])
            return Bought(order.id, f"{order.amount_kg} kg", order.price_usd_cents)
        case "cnaught.price":
            order = await cnaught.orders.create_by_price(
                total_price_usd_cents=int(row["total_price_usd_cents"]), description=row["description"]
            )
            return Bought(order.id, f"{order.amount_kg} kg", order.price_usd_cents)
        case kind:
            raise ValueError(f"no such kind of order: {kind}")


def payment_of(row: Row) -> Literal["stripe", "credits"]:
    """The payment method of a row. The client refuses any other word."""
    return cast('Literal["stripe", "credits"]', row["payment_method"])


async def attempt(order: Awaitable[Bought]) -> Bought | str:
    """What an order came to: a purchase, or the reason why there is none."""
    try:
        return await order
    except (ValueError, WrenAsyncError) as error:
        return str(error)


async def place_all(rows: Sequence[Row], wren: WrenClient, cnaught: CNaughtClient) -> list[Bought | str]:
    """Place all orders at once; each ends on its own."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(attempt(place(row, wren, cnaught))) for row in rows]
    return [task.result() for task in tasks]


@contextlib.asynccontextmanager
async def sandbox() -> AsyncIterator[dict[str, dict[str, str]]]:
    """A sandbox of both APIs in a process of its own; gives its addresses and tokens."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "wren_async.sandbox", "--port", "0", "--json", stdout=asyncio.subprocess.PIPE
    )
    try:
        yield json.loads(await process.stdout.readline()) if process.stdout else {}
    finally:
        process.terminate()
        await process.wait()


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def usd(cents: int | Decimal) -> str:
    """Cents as dollars."""
    return f"${Decimal(cents) / 100:.2f}"


def report(rows: Sequence[Row], results: Sequence[Bought | str]) -> None:
    """Print what was bought and what was refused."""
    bought = [(row, result) for row, result in zip(rows, results, strict=True) if isinstance(result, Bought)]
    refused = [(row, result) for row, result in zip(rows, results, strict=True) if isinstance(result, str)]
    table(
        "Bought",
        ("id", "kind", "order", "amount", "cost", "text"),
        [
            (row["external_id"], row["kind"], got.order_id, got.amount, usd(got.cents), text_of(row))
            for row, got in bought
        ],
    )
    total = sum(got.cents for _, got in bought)
    print(f"\n  {len(bought)} orders for {usd(total)}")
    table("Refused", ("id", "kind", "why"), [(row["external_id"], row["kind"], why) for row, why in refused])


def text_of(row: Row) -> str:
    """What the file says of an order."""
    return row["note"] or row["description"]


def read(path: str) -> list[Row]:
    """The rows of a CSV file."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


async def main(path: str) -> None:
    """Order everything in the file, then look at the books of both APIs."""
    rows = read(path)
    async with (
        sandbox() as at,
        WrenClient(at["wren"]["live_token"], base_url=at["wren"]["base_url"]) as wren,
        CNaughtClient(at["cnaught"]["api_key"], base_url=at["cnaught"]["base_url"]) as cnaught,
    ):
        report(rows, await place_all(rows, wren, cnaught))
        entries = [entry async for entry in wren.credits.ledger(limit=5)]
        spent = -sum(entry.amount_usd_cents for entry in entries if entry.type == "deduction")
        balance = (await wren.credits.balance()).credit_balance_usd_cents
        orders = [order async for order in cnaught.orders.list(limit=5)]
        table(
            "Books",
            ("api", "entries", "sum"),
            [
                ("Wren ledger, 5 a page", str(len(entries)), f"{usd(spent)} spent, {usd(balance)} left"),
                (
                    "CNaught orders, 5 a page",
                    str(len(orders)),
                    f"{usd(sum(order.price_usd_cents for order in orders))}, {sum(o.amount_kg for o in orders)} kg",
                ),
            ],
        )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
