"""`wren-async batch ... --database`: batches that any number of workers place, from wherever one is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final, TypeVar

import attrs
from cyclopts import App, Parameter

from wren_async.batch.events import Progress
from wren_async.batch.journal.contract import Bounds, State, Totals
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.postgres.opening import batch_names
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.budget import Caps, bounds_of, caps_of
from wren_async.cli.access import access, check_file
from wren_async.cli.asking import Ahead, confirm, look_ahead, objection
from wren_async.cli.batches import Input, SharedLimits, Yes
from wren_async.cli.columns import columns_from
from wren_async.cli.endings import of_totals
from wren_async.cli.exits import Exit, Stop, help_text
from wren_async.cli.progress import PlainDisplay, display
from wren_async.cli.reporting import Reporting
from wren_async.cli.running import Interrupts, interruptible, open_batch
from wren_async.cli.showing import show_plan
from wren_async.cli.terminal import errors, output, say, show_columns
from wren_async.cli.worker import DatabaseOption, dsn_of
from wren_async.postgres.database import Database

T = TypeVar("T")


_INPUT: Final = Input()
_LIMITS: Final = SharedLimits()
_REPORTING: Final = Reporting()
_LOOK: Final = 1.0
"""Seconds between two looks at how far the workers are."""

_STATUS: Final = ("batch", "orders", "placed", "refused", "in doubt", "left", "stands")
_WORKERS: Final = ("batch", "worker", "machine", "version", "lease ends in")

shared_app = App(
    name="batch",
    help="Batches in a database, which any number of workers place: `wren-async worker` starts one.",
    help_epilogue=help_text(),
    help_format="plaintext",
)
Name = Annotated[str, Parameter(help="Name of the batch in the database.")]
NameOption = Annotated[
    str | None, Parameter(help="Name of the batch in the database; by default that of the file without its ending.")
]
Orders = Annotated[Path, Parameter(help="A .csv, .tsv, .jsonl or .ndjson file of orders.")]


@shared_app.command
def plan(
    orders: Orders,
    *,
    database: DatabaseOption = None,
    name: NameOption = None,
    given: Input = _INPUT,
    limits: SharedLimits = _LIMITS,
) -> Exit:
    """Read the orders into the database and ask what they will cost. No worker touches them before `batch run`."""
    ahead = _plan(orders, database, name, given, limits)
    if problem := objection(ahead, limits.settings().caps.cents):
        _say(f"mind the sum: {problem}")
    return Exit.ALL_PLACED


@shared_app.command(name="run")
def run_(
    orders: Orders,
    *,
    database: DatabaseOption = None,
    name: NameOption = None,
    yes: Yes = False,
    leave: Annotated[bool, Parameter(help="Do not wait for the workers.", negative=())] = False,
    given: Input = _INPUT,
    limits: SharedLimits = _LIMITS,
) -> Exit:
    """Plan a batch, let the workers place it, and show how far they are. The same command again looks on.

    Ctrl-C ends the looking, and not the batch: `batch pause` stops the workers.
    """
    ahead = _plan(orders, database, name, given, limits)
    if problem := objection(ahead, limits.settings().caps.cents):
        raise Stop(f"nothing was placed: {problem}", Exit.CAP)
    if not yes:
        confirm(ahead)
    batch = _name_of(orders, name)

    async def go(_: Interrupts) -> Exit:
        async with opened(database, batch) as journal:
            await _start(journal)
            return Exit.ALL_PLACED if leave else await _watch(journal)

    return _wait(go)


@shared_app.command
def status(name: Name | None = None, *, database: DatabaseOption = None) -> Exit:
    """Show how far the batches of the database are, and which workers are at them."""

    async def look(_: Interrupts) -> Exit:
        async with Database(dsn_of(database)) as made:
            names = [name] if name is not None else await made.run(batch_names)
        rows, workers = [], []
        for each in names:
            async with opened(database, each, read_only=True) as journal:
                rows.append(await _row(journal))
                if late := await journal.late_answers():
                    _say(
                        f"{each}: {late:,} answers came after another worker had taken over, or a person had settled "
                        "the order; the table wren_async.stray_answer has them, to hold against the report"
                    )
                workers += [(each, *map(str, found[:3]), f"{found[3]:.0f} s") for found in await journal.workers()]
        show_columns(output(), columns_from(_STATUS, rows, numbers=range(1, 6)), _STATUS)
        if workers:
            show_columns(output(), columns_from(_WORKERS, workers), _WORKERS)
        return Exit.ALL_PLACED

    return _wait(look)


@shared_app.command
def pause(name: Name, *, database: DatabaseOption = None) -> Exit:
    """Let all workers of a batch send nothing more. What is on the wire is finished."""

    async def go(_: Interrupts) -> Exit:
        async with opened(database, name) as journal:
            await journal.stop_all(f"paused by a person; `wren-async batch resume {name} --database ...` goes on")
        _say(f"{name}: paused; workers see it within a second")
        return Exit.ALL_PLACED

    return _wait(go)


@shared_app.command
def resume(
    name: Name, *, database: DatabaseOption = None, yes: Yes = False, limits: SharedLimits | None = None
) -> Exit:
    """Let the workers begin, or go on with, a batch. With --max-usd, --max-kg or --max-failures under new caps."""

    settings = None if limits is None else limits.settings()

    async def look(_: Interrupts) -> Ahead:
        async with access() as clients, opened(database, name) as journal:
            if not await journal.sealed():
                raise Stop(f"{name}: its planning was broken off, before anything was sent; plan the file again")
            return await look_ahead(journal, clients)

    ahead = _wait(look)
    if not yes:
        confirm(ahead)

    async def go(_: Interrupts) -> Exit:
        async with opened(database, name) as journal:
            if settings is not None:
                await journal.set_bounds(bounds_of(await _caps(journal, settings.caps)))
                if settings.alarm_is_explained and await journal.noted(Note.ALARM):
                    await journal.note(Note.DOUBT, "something else may have placed them, as an alarm told")
                    await journal.note(Note.ALARM, "")
            await _start(journal)
        _say(f"{name}: workers go on")
        return Exit.ALL_PLACED

    return _wait(go)


@shared_app.command
def report(name: Name, *, database: DatabaseOption = None, wanted: Reporting = _REPORTING) -> Exit:
    """Show what became of a batch, also while workers are at it."""

    async def make(_: Interrupts) -> Exit:
        async with opened(database, name, read_only=True) as journal:
            return await wanted.make(journal, name)

    return _wait(make)


@shared_app.command
def settle(
    name: Name,
    position: Annotated[int, Parameter(help="Line of the order, as reports show it.")],
    *,
    database: DatabaseOption = None,
    placed: Annotated[str | None, Parameter(help="It was placed: the id of the order.")] = None,
    cents: Annotated[int | None, Parameter(help="What it cost, in US cents; with --placed.")] = None,
    not_placed: Annotated[bool, Parameter(help="It was not placed, and is given up.", negative=())] = False,
) -> Exit:
    """Settle an undecided order by hand, after looking for it in the API's own pages."""
    if (placed is None) == (not not_placed):
        raise Stop("say either --placed ID or --not-placed")
    if cents is not None and (placed is None or cents < 0):
        raise Stop("--cents takes cents of 0 or more, and goes with --placed")

    async def mark(_: Interrupts) -> Exit:
        async with opened(database, name) as journal, Batch(journal) as batch:
            if placed is None:
                await batch.mark_not_placed(position)
            else:
                await batch.mark_placed(position, placed, cents=cents)
            _say(f"line {position}: {'not placed' if placed is None else f'placed as {placed}'}")
        return Exit.ALL_PLACED

    return _wait(mark)


# --- inside ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened(
    database: str | None, name: str, *, make: bool = False, read_only: bool = False
) -> AsyncIterator[PostgresJournal]:
    """The journal of a batch in the database."""
    journal = await PostgresJournal.open(dsn_of(database), name, make=make, read_only=read_only)
    async with journal:
        yield journal


def _plan(orders: Path, database: str | None, name: str | None, given: Input, limits: SharedLimits) -> Ahead:
    if not orders.is_file():
        raise Stop(f"{orders}: there is no such file")
    reading, progress, settings = given.reading(), display(errors()), limits.settings()

    async def make(_: Interrupts) -> Ahead:
        async with access(settings.concurrency) as clients:
            await check_file(orders, reading)
            async with opened(database, _name_of(orders, name), make=True) as journal:
                kept = attrs.evolve(settings, caps=await _caps(journal, settings.caps))
                async with open_batch(journal, clients, kept) as batch:
                    made = await batch.plan(
                        orders,
                        skip_bad_rows=given.skip_bad_rows,
                        defaults=reading.defaults,
                        ignore=reading.ignore,
                        encoding=reading.encoding,
                        tell=progress.show,
                    )
                progress.end()
                show_plan(output(), made)
                return await look_ahead(journal, clients)

    return asyncio.run(interruptible(make, progress))


async def _caps(journal: PostgresJournal, given: Caps) -> Caps:
    """The caps that are given, and for those that are not, the ones that the batch has: none is lost by silence."""
    bounds = await journal.bounds()
    if bounds is None or bounds == Bounds():
        return given
    kept = caps_of(bounds)
    return Caps(
        cents=kept.cents if given.cents is None else given.cents,
        kilograms=kept.kilograms if given.kilograms is None else given.kilograms,
        failures=kept.failures if given.failures == Caps().failures else given.failures,
    )


def _name_of(orders: Path, name: str | None) -> str:
    return orders.stem if name is None else name


async def _start(journal: PostgresJournal) -> None:
    if alarm := await journal.noted(Note.ALARM):
        raise Stop(
            f"{journal.name}: a run ended in an alarm: {alarm} A person has to find out first, and then say "
            "`batch resume --alarm-is-explained`",
            Exit.UNFINISHED,
        )
    await journal.resume_all()


async def _watch(journal: PostgresJournal) -> Exit:
    """Show how far the workers are, until nothing is left to send."""
    loop = asyncio.get_running_loop()
    shown, began, first = display(errors()), loop.time(), _settled(await journal.totals())
    shown.begin(await journal.totals())
    try:
        while True:
            totals, signal = await journal.totals(), await journal.signal()
            number = totals.orders
            if signal.ending is not None:
                raise Stop(f"{journal.name}: stopped: {signal.message}", Exit.UNFINISHED)
            if not number[State.PENDING] and not number[State.SENDING]:
                return of_totals(totals)
            seconds = max(1e-9, loop.time() - began)
            rate = (_settled(totals) - first) / seconds
            left = (number[State.PENDING] + number[State.SENDING]) / rate if rate else None
            sending = number[State.SENDING]
            shown.show(
                Progress(totals=totals, in_flight=sending, limit=sending, seconds=seconds, rate=rate, seconds_left=left)
            )
            await asyncio.sleep(_LOOK)
    finally:
        shown.end()


def _settled(totals: Totals) -> int:
    return sum(totals.orders[state] for state in (State.PLACED, State.REFUSED, State.UNDECIDED))


async def _row(journal: PostgresJournal) -> tuple[str, ...]:
    totals, signal = await journal.totals(), await journal.signal()
    number = totals.orders
    doubt, left = number[State.UNDECIDED] + number[State.SENDING], number[State.PENDING]
    if not await journal.started():
        stands = "planned, and not started"
    elif signal.ending is not None:
        stands = f"stopped: {signal.message}"
    else:
        stands = "under way" if left or doubt else "done"
    counts = (sum(number.values()), number[State.PLACED], number[State.REFUSED], doubt, left)
    return (journal.name, *(f"{each:,}" for each in counts), stands)


def _wait(work: Callable[[Interrupts], Coroutine[object, object, T]]) -> T:
    return asyncio.run(interruptible(work, PlainDisplay(_say)))


def _say(text: str) -> None:
    say(errors(), text)
