"""The commands of `wren-async batch`, for a batch whose journal is a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter

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
    Target,
    Yes,
    check_continuing,
)
from wren_async.cli.batch_places import FileOfBatch
from wren_async.cli.exits import Exit, Stop, help_text
from wren_async.cli.reporting import Reporting

if TYPE_CHECKING:
    # Each command loads by itself what it needs beyond its words: a help needs none of it.
    from wren_async.cli.asking import Ahead
    from wren_async.cli.running import Settings

_INPUT: Final = Input()
_LIMITS: Final = Limits()
_REPORTING: Final = Reporting()

batch_app = App(
    name="batch",
    help="Place many orders from a file, each once, whatever happens on the way.",
    help_epilogue=(
        "Where --database or WREN_ASYNC_DATABASE names a PostgreSQL database, the same commands, and more, are for "
        f"batches that any number of workers place: `wren-async batch --help --database ADDRESS`\n\n{help_text()}"
    ),
    help_format="plaintext",
)
batch_app.command("wren_async.cli.template:template", name="template")

JournalOption = Annotated[
    Path | None, Parameter(help="The journal of the batch; by default the name of the file with .journal after it.")
]
JournalArgument = Annotated[Path, Parameter(help="The journal of the batch.")]


@batch_app.command
def plan(orders: Orders, *, journal: JournalOption = None, given: Input = _INPUT) -> Exit:
    """Read the orders into a journal and ask what they will cost. Nothing is bought."""
    from wren_async.cli.asking import objection
    from wren_async.cli.batch_work import plan_orders, tell

    ahead = plan_orders(_beside(orders, journal), orders, given, _LIMITS.settings())
    if problem := objection(ahead, None):
        tell(f"mind the sum: {problem}")
    return Exit.ALL_PLACED


@batch_app.command
def changes(
    orders: Orders,
    *,
    to: Target,
    journal: JournalOption = None,
    also: Annotated[
        tuple[Path, ...],
        Parameter(help="Journal of earlier changes of the file, if it has a name of its own.", negative=()),
    ] = (),
    never_run: NeverRun = (),
    given: Input = _INPUT,
) -> Exit:
    """Write the rows that were changed or added since the batch was planned to a file of their own. Nothing is bought.

    That file is then planned and run as a batch of its own. Identical rows count: of three, where two were ordered, one
    is new.
    """
    from wren_async.batch.input.earlier_changes import JournalFiles
    from wren_async.cli.batch_work import write_changes

    place, files = _beside(orders, journal), JournalFiles(orders, journal)
    return write_changes(place, orders, to, given, files, also=[str(each) for each in also], never_run=never_run)


@batch_app.command(name="run")
def run_(
    orders: Orders,
    *,
    journal: JournalOption = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    continues: Continues = None,
    none_was_placed: NonePlaced = False,
    given: Input = _INPUT,
    limits: Limits = _LIMITS,
) -> Exit:
    """Plan a batch and place its orders. The same command again goes on where it ended.

    Ctrl-C takes no new orders and finishes those on the wire; a second one leaves at once. Neither loses an order.
    """
    from wren_async.cli.batch_work import plan_orders

    check_continuing(continues, none_was_placed=none_was_placed)
    settings, place = limits.settings(continues, none_was_placed=none_was_placed), _beside(orders, journal)
    ahead = plan_orders(place, orders, given, settings)
    return Exit.ALL_PLACED if dry_run else _place(place, ahead, settings, limits, yes=yes)


@batch_app.command
def resume(journal: JournalArgument, *, yes: Yes = False, limits: Limits = _LIMITS) -> Exit:
    """Go on with a batch that was planned, without its file. What is in doubt is looked for first."""
    from wren_async.cli.batch_work import what_is_ahead

    settings, place = limits.settings(), _of(journal)
    return _place(place, what_is_ahead(place, settings), settings, limits, yes=yes)


@batch_app.command
def reconcile(
    journal: JournalArgument, *, send_again: SendAgain = False, yes: Yes = False, limits: Limits = _LIMITS
) -> Exit:
    """Find out what became of orders in doubt. Nothing is bought, unless --send-again is given."""
    from wren_async.cli.batch_work import reconcile_orders

    return reconcile_orders(_of(journal), limits.settings(), send_again=send_again, yes=yes)


@batch_app.command
def report(journal: JournalArgument, *, wanted: Reporting = _REPORTING) -> Exit:
    """Show what became of a batch, also while a run of it is on."""
    from wren_async.cli.batch_work import report_orders

    return report_orders(_of(journal), wanted)


@batch_app.command
def settle(
    journal: JournalArgument,
    position: Position,
    *,
    placed: Placed = None,
    cents: Cents = None,
    not_placed: NotPlaced = False,
) -> Exit:
    """Settle an undecided order by hand, after looking for it in the API's own pages."""
    from wren_async.cli.batch_work import settle_order

    return settle_order(_of(journal), position, placed=placed, cents=cents, not_placed=not_placed)


# --- inside ---------------------------------------------------------------------------------------------------------


def _of(journal: Path) -> FileOfBatch:
    return FileOfBatch(journal, ("--journal", str(journal)))


def _beside(orders: Path, journal: Path | None) -> FileOfBatch:
    from wren_async.batch.input.origin import journal_of

    return FileOfBatch(journal_of(orders)) if journal is None else _of(journal)


def _place(place: FileOfBatch, ahead: Ahead, settings: Settings, limits: Limits, *, yes: bool) -> Exit:
    import asyncio

    from wren_async.cli.asking import confirm, objection
    from wren_async.cli.progress import display
    from wren_async.cli.running import run_batch
    from wren_async.cli.terminal import errors

    if problem := objection(ahead, limits.caps().cents):
        raise Stop(f"nothing was placed: {problem}", Exit.CAP)
    if not yes:
        confirm(ahead)
    return asyncio.run(run_batch(place.opened, settings, display(errors()), place=True))
