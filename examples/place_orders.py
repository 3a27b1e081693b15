"""Place the orders of a file through both APIs at once, lose two answers on purpose, and hold the books against it all.

    python examples/place_orders.py examples/orders.csv

It starts a sandbox of both APIs on this machine and orders there, so no money moves.
"""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, cast

from rich.console import Console
from rich.table import Table

from wren_async import APIError, CNaughtClient, InvalidParameters, OutcomeUnknown, Placed, WrenClient
from wren_async.cnaught import Orders
from wren_async.sandbox import Sandbox

Row = dict[str, str]
"""One line of the file, by its columns. `wren-async batch plan examples/orders.csv` takes the same file."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


@dataclass(frozen=True)
class Bought:
    """An order that was placed."""

    order_id: str
    amount: str
    cents: int


@dataclass(frozen=True)
class Refused:
    """An order that the server refused, with its reason."""

    why: str


# --- the file ---------------------------------------------------------------------------------------------------------


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


async def attempt(order: Awaitable[Bought]) -> Bought | Refused:
    """What an order came to. Only a refusal is caught: any other error would have to be looked into."""
    try:
        return await order
    except InvalidParameters as error:
        return Refused("; ".join(f"{field}: {', '.join(why)}" for field, why in error.errors.items()))
    except APIError as error:
        return Refused(f"{error.status}: {error.title}")


async def place_all(rows: Sequence[Row], wren: WrenClient, cnaught: CNaughtClient) -> list[Bought | Refused]:
    """Place all orders at once; each ends on its own."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(attempt(place(row, wren, cnaught))) for row in rows]
    return [task.result() for task in tasks]


def show(rows: Sequence[Row], results: Sequence[Bought | Refused]) -> None:
    """Show what was bought, and what was refused and why."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("id", "kind"):
        table.add_column(name, no_wrap=True)
    table.add_column("order", no_wrap=True, overflow="ellipsis", min_width=12, style="dim")
    for name in ("amount", "cost"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("text", no_wrap=True, overflow="ellipsis")
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, Bought):
            text = row["note"] or row["description"]
            table.add_row(row["external_id"], row["kind"], result.order_id, result.amount, usd(result.cents), text)
    console.print(table)
    bought = [each for each in results if isinstance(each, Bought)]
    console.print(f"\n[green]{len(bought)} orders placed[/] for {usd(sum(each.cents for each in bought))}.")
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, Refused):
            console.print(f"[red]1 order refused by the server[/]: {row['external_id']}, {row['kind']}. {result.why}.")


# --- answers that get lost --------------------------------------------------------------------------------------------


async def lose_an_answer_of_wren(sandbox: Sandbox, wren: WrenClient) -> int:
    """Order where the connection breaks after the order was placed; what it costs, in US cents."""
    tons = Decimal("0.2")
    cents = (await wren.offset_orders.create(tons=tons, payment_method="credits", dry_run=True)).amount_charged
    sandbox.faults.add("reset", when="after", operation="createOffsetOrder", times=1)
    try:
        await wren.offset_orders.create(tons=tons, payment_method="credits", note="Ride 1004")
    except OutcomeUnknown as error:
        console.print(
            "[yellow]Wren:[/] the connection broke before the answer came. Wren knows no idempotency keys, so the "
            f"order was not sent again:\n  OutcomeUnknown, with the reference {error.reference}"
        )
        verdict = await wren.reconcile(error)
        if isinstance(verdict, Placed):
            console.print(
                f"  [green]Found:[/] order {verdict.order.id} carries this reference in the account's list. "
                f"It was placed once, for {usd(cents)}."
            )
    return cents


async def lose_an_answer_of_cnaught(sandbox: Sandbox, cnaught: CNaughtClient) -> int:
    """The same at CNaught, whose server knows keys; what it cost, in US cents."""
    sandbox.faults.add("reset", when="after", operation="createOrder", times=1)
    reply = await cnaught.send_raw(Orders.create(amount_kg=20, description="Ride 1005"))
    console.print(
        "[yellow]CNaught:[/] the connection broke here, too. The client sent the order again with its idempotency key, "
        f"and the server {'repeated its first answer' if reply.replayed else 'placed it now'}."
        f"\n  [green]One order[/] after {reply.attempts} attempts: {reply.value.id}, for "
        f"{usd(reply.value.price_usd_cents)}."
    )
    return reply.value.price_usd_cents


# --- the books --------------------------------------------------------------------------------------------------------


async def compare_wren(bought: Sequence[tuple[Row, Bought]], found: int, wren: WrenClient) -> None:
    """Hold the wallet's ledger against what was ordered, and say in words whether they agree."""
    ordered = [got.cents for row, got in bought if row["payment_method"] == "credits"] + [found]
    charged: list[int | Decimal] = [
        -entry.amount_usd_cents async for entry in wren.credits.ledger(limit=5) if entry.type == "deduction"
    ]
    console.print(
        f"Wren's ledger has {len(charged)} charges, {usd(sum(charged))}; ordered from the wallet: {len(ordered)}, "
        f"{usd(sum(ordered))}. {agreement(charged, ordered)}"
    )
    for row, got in bought:
        if row["payment_method"] == "stripe":
            console.print(
                f"  {row['external_id']} ({row['note']}, {usd(got.cents)}) was paid by card, which no ledger shows."
            )


async def compare_cnaught(bought: Sequence[tuple[Row, Bought]], repeated: int, cnaught: CNaughtClient) -> None:
    """Hold the list of orders against what was ordered, and say in words whether they agree."""
    ordered = [got.cents for row, got in bought if row["kind"].startswith("cnaught")] + [repeated]
    charged: list[int | Decimal] = [order.price_usd_cents async for order in cnaught.orders.list(limit=5)]
    console.print(
        f"CNaught's list has {len(charged)} orders, {usd(sum(charged))}; ordered here: {len(ordered)}, "
        f"{usd(sum(ordered))}. {agreement(charged, ordered)}"
    )


def agreement(charged: Sequence[int | Decimal], ordered: Sequence[int]) -> str:
    """Whether the same amounts were charged as were ordered, in words."""
    agree = sorted(charged) == sorted(ordered)
    return "[green]They agree, to the cent.[/]" if agree else "[red]They do not agree.[/]"


def usd(cents: int | Decimal) -> str:
    """Cents as dollars."""
    return f"${Decimal(cents) / 100:,.2f}"


async def main(path: str) -> None:
    """Order everything in the file, lose two answers, then look at the books of both APIs."""
    with open(path, newline="", encoding="utf-8") as file:  # noqa: ASYNC230 - before anything else runs
        rows = list(csv.DictReader(file))
    with Sandbox() as sandbox:
        async with (
            WrenClient(sandbox.wren.live_token, base_url=sandbox.wren.base_url) as wren,
            CNaughtClient(sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url) as cnaught,
        ):
            heading(f"{len(rows)} orders of {path}, through both APIs at once")
            results = await place_all(rows, wren, cnaught)
            show(rows, results)
            heading("Two more, whose answers are lost on purpose")
            found = await lose_an_answer_of_wren(sandbox, wren)
            repeated = await lose_an_answer_of_cnaught(sandbox, cnaught)
            heading("The books")
            bought = [(row, got) for row, got in zip(rows, results, strict=True) if isinstance(got, Bought)]
            await compare_wren(bought, found, wren)
            await compare_cnaught(bought, repeated, cnaught)


def heading(text: str) -> None:
    """Begin a part."""
    console.print(f"\n[bold]{text}[/]\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
