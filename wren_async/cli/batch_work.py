"""What the commands of `wren-async batch` do, wherever the journal of the batch is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from wren_async.batch.input.changes import ChangedFile
from wren_async.batch.input.earlier_changes import JournalsOfFile
from wren_async.batch.input.planner import InputChanged, Plan
from wren_async.batch.run.batch import Batch
from wren_async.cli.access import access, check_file, check_journal
from wren_async.cli.asking import Ahead, confirm, look_ahead
from wren_async.cli.batch_options import Input
from wren_async.cli.batch_places import BatchPlace
from wren_async.cli.exits import Exit, Stop
from wren_async.cli.files import check_orders
from wren_async.cli.interrupts import Interrupts, interruptible
from wren_async.cli.progress import Display, PlainDisplay, display
from wren_async.cli.reporting import Reporting
from wren_async.cli.running import Settings, open_batch, run_batch
from wren_async.cli.showing import show_changes, show_plan
from wren_async.cli.terminal import errors, output, say
from wren_async.errors import InvalidArgument

T = TypeVar("T")


def plan_orders(place: BatchPlace, orders: Path, given: Input, settings: Settings) -> Ahead:
    """Plan a file of orders, show what it will cost, and tell what a run may buy."""
    given.reading()
    # Before the journal is opened, which would make one for a misspelt name.
    check_orders(orders)
    progress = display(errors())
    try:
        made, ahead = asyncio.run(interruptible(lambda _: _plan(place, orders, given, settings, progress), progress))
    except InputChanged as error:
        if not error.was_sent:
            raise
        words = ["changes", str(orders), *place.named, *given.words()]
        new = f"new{'.csv' if orders.suffix.lower() == '.xlsx' else orders.suffix}"
        raise Stop(f"{error}:\n  {place.command(*words, '--output', new)}") from None
    show_plan(output(), made)
    return ahead


async def _plan(
    place: BatchPlace, orders: Path, given: Input, settings: Settings, progress: Display
) -> tuple[Plan, Ahead]:
    reading = given.reading()
    async with access(settings.concurrency) as clients:
        await check_file(orders, reading)
        async with place.opened(make=True) as journal, open_batch(journal, clients, settings) as batch:
            made = await batch.plan(
                orders,
                skip_bad_rows=given.skip_bad_rows,
                defaults=reading.defaults,
                ignore=reading.ignore,
                encoding=reading.encoding,
                tell=progress.show,
            )
            return made, await look_ahead(journal, clients)


def what_is_ahead(place: BatchPlace, settings: Settings) -> Ahead:
    """What going on with a batch may buy, without its file."""

    async def look(_: Interrupts) -> Ahead:
        async with (
            access() as clients,
            place.opened() as journal,
            open_batch(journal, clients, settings),
        ):
            if not await journal.sealed():
                raise Stop(
                    f"{place.name}: its planning was broken off, before anything was sent; plan the file again: "
                    f"{place.command('plan', 'FILE', *place.named)}"
                )
            await check_journal(journal)
            return await look_ahead(journal, clients)

    return wait(look)


def reconcile_orders(place: BatchPlace, settings: Settings, *, send_again: bool, yes: bool) -> Exit:
    """Find out what became of the orders in doubt; or send them again, after a question."""
    if send_again and not yes:

        async def look(_: Interrupts) -> Ahead:
            async with (
                access() as clients,
                place.opened() as journal,
                open_batch(journal, clients, settings),
            ):
                return await look_ahead(journal, clients, in_doubt_only=True)

        confirm(wait(look))
    work = run_batch(place.opened, settings, display(errors()), place=False, send_again=send_again)
    return asyncio.run(work)


def report_orders(place: BatchPlace, wanted: Reporting) -> Exit:
    """Show what became of the orders, and write it."""

    async def make(_: Interrupts) -> Exit:
        async with place.opened(read_only=True) as journal:
            return await wanted.make(journal, place.name)

    return wait(make)


def settle_order(place: BatchPlace, position: int, *, placed: str | None, cents: int | None, not_placed: bool) -> Exit:
    """Settle an order in doubt by hand."""
    if (placed is None) == (not not_placed):
        raise Stop("say either --placed ID or --not-placed")
    if cents is not None and (placed is None or cents < 0):
        raise Stop("--cents takes cents of 0 or more, and goes with --placed")

    async def mark(_: Interrupts) -> Exit:
        async with place.opened() as journal, Batch(journal) as batch:
            if placed is None:
                await batch.mark_not_placed(position)
            else:
                await _mark_placed(batch, position, placed, cents)
            tell(f"line {position}: {'not placed' if placed is None else f'placed as {placed}'}")
        return Exit.ALL_PLACED

    return wait(mark)


async def _mark_placed(batch: Batch, position: int, order_id: str, cents: int | None) -> None:
    try:
        await batch.mark_placed(position, order_id, cents=cents)
    except InvalidArgument as error:
        raise (Stop(f"--placed {error.problem}") if error.argument == "order_id" else error) from None


def write_changes(
    place: BatchPlace,
    orders: Path,
    to: Path,
    given: Input,
    journals: JournalsOfFile,
    *,
    also: Collection[str],
    never_run: Collection[Path],
) -> Exit:
    """Write the rows that are new in a file, and show the command that follows."""
    changed = ChangedFile(orders, to, given.reading(), never_run=never_run, skip_bad_rows=given.skip_bad_rows)

    async def make(_: Interrupts) -> Exit:
        following = place.command("plan", str(to), *given.words())
        show_changes(output(), await changed.write(journals, also=also), orders, to, following)
        return Exit.ALL_PLACED

    return wait(make)


def wait(work: Callable[[Interrupts], Coroutine[Any, Any, T]]) -> T:
    """Do something that is not shown while it goes on."""
    return asyncio.run(interruptible(work, PlainDisplay(tell)))


def tell(text: str) -> None:
    """Say something beside the output."""
    say(errors(), text)
