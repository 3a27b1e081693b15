"""`wren-async batch ... --database`: batches that any number of workers place, from wherever one is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import attrs
from cyclopts import App, Parameter

from wren_async.batch.input.shared_changes import JournalsInDatabase
from wren_async.batch.journal.postgres.opening import batch_names
from wren_async.batch.journal.postgres.tables import PARTS
from wren_async.batch.run.budget import Caps
from wren_async.cli.asking import objection
from wren_async.cli.batch_options import (
    Cents,
    Continues,
    DryRun,
    Input,
    Limits,
    NeverRun,
    NonePlaced,
    NotPlaced,
    Orders,
    Placed,
    Position,
    SendAgain,
    SharedLimits,
    Target,
    Yes,
    check_continuing,
)
from wren_async.cli.batch_work import (
    plan_orders,
    reconcile_orders,
    report_orders,
    settle_order,
    tell,
    wait,
    what_is_ahead,
    write_changes,
)
from wren_async.cli.columns import columns_from
from wren_async.cli.exits import Exit, help_text
from wren_async.cli.interrupts import Interrupts
from wren_async.cli.outboxes import check_batch_name, resume_outbox
from wren_async.cli.reporting import Reporting
from wren_async.cli.starting import (
    BatchInDatabase,
    check_beside,
    check_lost,
    go_on,
    keep_planned_caps,
    tell_same_file,
)
from wren_async.cli.terminal import output, show_columns
from wren_async.cli.watching import Standing
from wren_async.cli.worker import DatabaseOption, dsn_of
from wren_async.postgres.database import Database
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.schema import check

_INPUT: Final = Input()
_LIMITS: Final = SharedLimits()
_ALONE: Final = Limits()
"""Of a command that does its work itself, and leaves it to no worker."""
_REPORTING: Final = Reporting()

_STATUS: Final = ("batch", "orders", "placed", "refused", "in doubt", "left", "stands")
_WORKERS: Final = ("batch", "worker", "machine", "version", "lease ends in")

shared_app = App(
    name="batch",
    help="Batches in a database, which any number of workers place: `wren-async worker` starts one.",
    help_epilogue=help_text(),
    help_format="plaintext",
)
shared_app.command("wren_async.cli.template:template", name="template")
Name = Annotated[str, Parameter(help="Name of the batch in the database.")]
NameOption = Annotated[
    str | None, Parameter(help="Name of the batch in the database; by default that of the file without its ending.")
]
Leave = Annotated[bool, Parameter(help="Do not wait for the workers.", negative=())]


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
    place, settings = _of_file(database, orders, name), limits.settings()
    caps = limits.caps()
    wait(lambda _: check_beside(place, orders))
    ahead = plan_orders(place, orders, given, settings)
    wait(lambda _: tell_same_file(place))
    if problem := objection(ahead, keep_planned_caps(place, caps).cents):
        tell(f"mind the sum: {problem}")
    return Exit.ALL_PLACED


@shared_app.command
def changes(
    orders: Orders,
    *,
    to: Target,
    database: DatabaseOption = None,
    name: NameOption = None,
    also: Annotated[
        tuple[str, ...],
        Parameter(
            help="Name of a batch of earlier changes of the file, if it was planned from another place.", negative=()
        ),
    ] = (),
    never_run: NeverRun = (),
    given: Input = _INPUT,
) -> Exit:
    """Write the rows that were changed or added since the batch was planned to a file of their own. Nothing is bought.

    That file is then planned and run as a batch of its own. Identical rows count: of three, where two were ordered, one
    is new.
    """
    place = _of_file(database, orders, name)
    journals = JournalsInDatabase(place.dsn, place.name)
    return write_changes(place, orders, to, given, journals, also=also, never_run=never_run)


@shared_app.command(name="run")
def run_(
    orders: Orders,
    *,
    database: DatabaseOption = None,
    name: NameOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    leave: Leave = False,
    continues: Continues = None,
    none_was_placed: NonePlaced = False,
    given: Input = _INPUT,
    limits: SharedLimits = _LIMITS,
) -> Exit:
    """Plan a batch, let the workers place it, and show how far they are. The same command again looks on.

    Ctrl-C ends the looking, and not the batch: `batch pause` stops the workers.
    """
    check_continuing(continues, none_was_placed=none_was_placed)
    place, settings = _of_file(database, orders, name), limits.settings(continues, none_was_placed=none_was_placed)
    limits.caps()
    wait(lambda _: check_beside(place, orders) if continues is None else check_lost(place, continues))
    ahead = plan_orders(place, orders, given, settings)
    wait(lambda _: tell_same_file(place))
    return Exit.ALL_PLACED if dry_run else go_on(place, ahead, settings, limits, yes=yes, leave=leave)


@shared_app.command
def resume(
    name: Name,
    *,
    database: DatabaseOption = None,
    yes: Yes = False,
    leave: Leave = False,
    limits: SharedLimits = _LIMITS,
) -> Exit:
    """Let the workers begin, or go on with, a batch, and show how far they are. Caps that are given replace the old."""
    place, settings = _of_name(database, name), limits.settings()
    limits.caps()
    if wait(lambda _: resume_outbox(place)):
        return Exit.ALL_PLACED
    return go_on(place, what_is_ahead(place, settings), settings, limits, yes=yes, leave=leave)


@shared_app.command
def reconcile(
    name: Name,
    *,
    database: DatabaseOption = None,
    send_again: SendAgain = False,
    yes: Yes = False,
    limits: Limits = _ALONE,
) -> Exit:
    """Find out what became of orders in doubt. Nothing is bought, unless --send-again is given.

    Workers do so by themselves, with the batches that go on. This looks at once, also in one that is stopped.
    """
    settings = limits.settings()
    if limits.caps() == Caps():
        # Those that the batch has: none is lost by silence.
        settings = attrs.evolve(settings, caps=None)
    return reconcile_orders(_of_name(database, name), settings, send_again=send_again, yes=yes)


@shared_app.command
def report(name: Name, *, database: DatabaseOption = None, wanted: Reporting = _REPORTING) -> Exit:
    """Show what became of a batch, also while workers are at it."""
    return report_orders(_of_name(database, name), wanted)


@shared_app.command
def settle(
    name: Name,
    position: Position,
    *,
    database: DatabaseOption = None,
    placed: Placed = None,
    cents: Cents = None,
    not_placed: NotPlaced = False,
) -> Exit:
    """Settle an undecided order by hand, after looking for it in the API's own pages."""
    return settle_order(_of_name(database, name), position, placed=placed, cents=cents, not_placed=not_placed)


@shared_app.command
def status(name: Name | None = None, *, database: DatabaseOption = None) -> Exit:
    """Show how far the batches of the database are, and which workers are at them."""
    dsn = dsn_of(database)

    async def look(_: Interrupts) -> Exit:
        names = [name] if name is not None else await _names(dsn)
        found = [await _standing(BatchInDatabase(dsn, each)) for each in names]
        if not found:
            tell(f"{dsn}: no batch was planned here yet")
            return Exit.ALL_PLACED
        show_columns(output(), columns_from(_STATUS, [each.row for each in found], numbers=range(1, 6)), _STATUS)
        if workers := [
            (each.name, *map(str, worker[:3]), f"{worker[3]:.0f} s") for each in found for worker in each.workers
        ]:
            show_columns(output(), columns_from(_WORKERS, workers), _WORKERS)
        for each in found:
            if advice := each.advice(BatchInDatabase(dsn, each.name)):
                tell(f"{each.name}: {advice}")
        return Exit.ALL_PLACED

    return wait(look)


@shared_app.command
def pause(name: Name, *, database: DatabaseOption = None) -> Exit:
    """Let all workers of a batch send nothing more. What is on the wire is finished."""
    place = _of_name(database, name)

    async def go(_: Interrupts) -> Exit:
        async with place.opened() as journal:
            standing = await Standing.of(journal)
            is_on = (standing.is_started or standing.is_outbox) and standing.ending is None
            if not is_on:
                tell(f"{name}: {standing.words}; no worker sends anything of it")
            await journal.stop_all(f"paused by a person; `{place.command('resume', name)}` goes on")
        if is_on:
            tell(f"{name}: paused; workers see it within a second")
        return Exit.ALL_PLACED

    return wait(go)


# --- inside ---------------------------------------------------------------------------------------------------------


def _of_name(database: str | None, name: str) -> BatchInDatabase:
    return BatchInDatabase(dsn_of(database), name, ("--name", name))


def _of_file(database: str | None, orders: Path, name: str | None) -> BatchInDatabase:
    place = BatchInDatabase(dsn_of(database), orders.stem) if name is None else _of_name(database, name)
    check_batch_name(place.name)
    return place


async def _names(dsn: Dsn) -> list[str]:
    async with Database(dsn) as made:
        await made.read(lambda connection: check(connection, PARTS))
        return await made.read(batch_names)


async def _standing(place: BatchInDatabase) -> Standing:
    async with place.opened(read_only=True) as journal:
        if late := await journal.late_answers():
            tell(
                f"{place.name}: {late:,} answers came after another worker had taken over, or a person had settled "
                "the order; the table wren_async.stray_answer has them, to hold against the report"
            )
        return await Standing.of(journal)
