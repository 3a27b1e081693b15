"""The commands of `wren-async batch`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import attrs
from cyclopts import App, Parameter

from wren_async.cli.exits import Exit, Stop, help_text
from wren_async.cli.files import check_journal_file, check_orders
from wren_async.cli.numbers import whole
from wren_async.cli.reporting import Reporting
from wren_async.reconcile import SETTLE_TIME

if TYPE_CHECKING:
    # Each command loads by itself what it needs beyond its words: a help needs none of it.
    from wren_async.batch.input.planner import Plan
    from wren_async.batch.input.row_values import Reading
    from wren_async.batch.run.budget import Caps
    from wren_async.cli.asking import Ahead
    from wren_async.cli.running import Interrupts, Settings

T = TypeVar("T")

_REPORTING: Final = Reporting()

batch_app = App(
    name="batch",
    help="Place many orders from a file, each once, whatever happens on the way.",
    help_epilogue=help_text(),
    help_format="plaintext",
)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Input:
    """How to read the orders."""

    default: Annotated[
        tuple[str, ...], Parameter(help="Value for a column that rows leave empty, as COLUMN=VALUE.", negative=())
    ] = ()
    ignore: Annotated[tuple[str, ...], Parameter(help="Column of the file that means nothing here.", negative=())] = ()
    encoding: Annotated[str | None, Parameter(help="Encoding of the file, if it is not UTF-8.")] = None
    skip_bad_rows: Annotated[bool, Parameter(help="Leave bad rows out instead of refusing the file.", negative=())] = (
        False
    )

    def words(self) -> list[str]:
        """These options as they were given, for a command that is to be given next."""
        told = [f"--default={pair}" for pair in self.default] + [f"--ignore={name}" for name in self.ignore]
        told += [] if self.encoding is None else [f"--encoding={self.encoding}"]
        return told + (["--skip-bad-rows"] if self.skip_bad_rows else [])

    def reading(self) -> Reading:
        """What the batch takes."""
        from wren_async.batch.input.row_values import Reading

        pairs = [pair.partition("=") for pair in self.default]
        if bad := next((name for name, equals, _ in pairs if not equals), None):
            raise Stop(f"--default takes COLUMN=VALUE, not {bad!r}")
        return Reading(defaults={name: value for name, _, value in pairs}, ignore=self.ignore, encoding=self.encoding)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class CapOptions:
    """What a batch may not exceed."""

    max_usd: Annotated[Decimal | None, Parameter(help="Dollars that the whole batch may cost at most.")] = None
    max_kg: Annotated[
        Decimal | None, Parameter(help="Kilograms of CO2e that it may buy at most; not for orders by price.")
    ] = None
    max_failures: Annotated[
        int, Parameter(converter=whole, help="Refused or undecided orders after which a run stops.")
    ] = 100
    alarm_is_explained: Annotated[
        bool,
        Parameter(
            help="A person found out why a run ended in an alarm, and nothing else places orders of this batch now.",
            negative=(),
        ),
    ] = False

    def caps(self) -> Caps:
        """What the batch takes."""
        from wren_async.batch.run.budget import Caps

        cents = None if self.max_usd is None else self.max_usd * 100
        if cents is not None and (not cents.is_finite() or cents != cents.to_integral_value()):
            raise Stop(f"--max-usd takes dollars and whole cents, such as 500.00, not {self.max_usd}")
        return Caps(cents=None if cents is None else int(cents), kilograms=self.max_kg, failures=self.max_failures)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Limits(CapOptions):
    """What a run may not exceed, and how it goes."""

    concurrency: Annotated[
        int, Parameter(converter=whole, help="Orders on the wire at most; how many follows the server.")
    ] = 32
    settle_time: Annotated[
        float, Parameter(help="Seconds after a lost sending before its absence from the lists proves anything.")
    ] = SETTLE_TIME
    same_account: Annotated[
        bool, Parameter(help="The token is new, and of the very same account as the old one.", negative=())
    ] = False

    def settings(self, continues: str | None = None, *, none_was_placed: bool = False) -> Settings:
        """What a run takes."""
        from wren_async.cli.running import Settings

        if not self.settle_time >= 0:
            raise Stop(f"--settle-time takes seconds of 0 or more, not {self.settle_time}")
        return Settings(
            caps=self.caps(),
            concurrency=self.concurrency,
            settle_time=self.settle_time,
            continues=continues,
            none_was_placed=none_was_placed,
            same_account=self.same_account,
            alarm_is_explained=self.alarm_is_explained,
        )


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class SharedLimits(CapOptions):
    """What a batch may not exceed, over all its workers. How each of them goes is told to `wren-async worker`."""

    concurrency: Annotated[str | None, Parameter(show=False)] = None
    settle_time: Annotated[str | None, Parameter(show=False)] = None
    same_account: Annotated[bool, Parameter(show=False, negative=())] = False

    def settings(self) -> Settings:
        """What planning takes. Raises `Stop` for what only a worker can be told."""
        from wren_async.cli.running import Settings

        theirs = {"concurrency": self.concurrency, "settle-time": self.settle_time, "same-account": self.same_account}
        if given := [f"--{name}" for name, value in theirs.items() if value]:
            raise Stop(
                f"workers place the batches of a database: give {' and '.join(given)} to each `wren-async worker`, and "
                "not here"
            )
        return Settings(
            caps=self.caps(), concurrency=1, settle_time=SETTLE_TIME, alarm_is_explained=self.alarm_is_explained
        )


batch_app.command("wren_async.cli.template:template", name="template")

Orders = Annotated[Path, Parameter(help="A .csv, .tsv, .xlsx, .jsonl or .ndjson file of orders.")]
JournalOption = Annotated[
    Path | None, Parameter(help="The journal of the batch; by default the name of the file with .journal after it.")
]
JournalArgument = Annotated[Path, Parameter(help="The journal of the batch.")]
Yes = Annotated[bool, Parameter(name=("--yes", "-y"), help="Spend money without asking.", negative=())]
Continues = Annotated[str | None, Parameter(help="Id of a batch whose journal was lost: its orders are found first.")]
NonePlaced = Annotated[
    bool, Parameter(help="No order of the batch that --continues names was ever placed.", negative=())
]


@batch_app.command
def plan(orders: Orders, *, journal: JournalOption = None, given: Input = Input()) -> Exit:
    """Read the orders into a journal and ask what they will cost. Nothing is bought."""
    from wren_async.cli.asking import objection

    ahead = _plan(orders, journal, given, Limits().settings())
    if problem := objection(ahead, None):
        _say(f"mind the sum: {problem}")
    return Exit.ALL_PLACED


@batch_app.command
def changes(
    orders: Orders,
    *,
    to: Annotated[Path, Parameter(name=("--output", "-o"), help="The file to make, of the same format, or CSV.")],
    journal: JournalOption = None,
    also: Annotated[
        tuple[Path, ...],
        Parameter(help="Journal of earlier changes of the file, if it has a name of its own.", negative=()),
    ] = (),
    never_run: Annotated[
        tuple[Path, ...], Parameter(help="File of earlier changes that never was and never will be run.", negative=())
    ] = (),
    given: Input = Input(),
) -> Exit:
    """Write the rows that were changed or added since the batch was planned to a file of their own. Nothing is bought.

    That file is then planned and run as a batch of its own. Identical rows count: of three, where two were ordered, one
    is new.
    """
    from wren_async.batch.input.changes import write_changes
    from wren_async.cli.showing import show_changes
    from wren_async.cli.terminal import output

    reading = given.reading()

    async def make(_: Interrupts) -> Exit:
        found = await write_changes(
            orders,
            to,
            journal=journal,
            also=also,
            never_run=[str(each) for each in never_run],
            skip_bad_rows=given.skip_bad_rows,
            defaults=reading.defaults,
            ignore=reading.ignore,
            encoding=reading.encoding,
        )
        show_changes(output(), found, orders, to, _command("plan", str(to), *given.words()))
        return Exit.ALL_PLACED

    return _wait(make)


@batch_app.command(name="run")
def run_(
    orders: Orders,
    *,
    journal: JournalOption = None,
    dry_run: Annotated[bool, Parameter(help="Stop before anything is bought, as `plan` does.", negative=())] = False,
    yes: Yes = False,
    continues: Continues = None,
    none_was_placed: NonePlaced = False,
    given: Input = Input(),
    limits: Limits = Limits(),
) -> Exit:
    """Plan a batch and place its orders. The same command again goes on where it ended.

    Ctrl-C takes no new orders and finishes those on the wire; a second one leaves at once. Neither loses an order.
    """
    if none_was_placed and continues is None:
        raise Stop("--none-was-placed goes with --continues")
    settings = limits.settings(continues, none_was_placed=none_was_placed)
    ahead = _plan(orders, journal, given, settings)
    if dry_run:
        return Exit.ALL_PLACED
    return _place(_journal_of(orders, journal), ahead, settings, yes=yes)


@batch_app.command
def resume(journal: JournalArgument, *, yes: Yes = False, limits: Limits = Limits()) -> Exit:
    """Go on with a batch that was planned, without its file. What is in doubt is looked for first."""
    from wren_async.cli.access import access, check_journal
    from wren_async.cli.asking import look_ahead
    from wren_async.cli.running import open_batch

    settings = limits.settings()
    check_journal_file(journal)

    async def look(_: Interrupts) -> Ahead:
        async with access() as clients, open_batch(journal, clients, settings) as batch:
            if not await batch.journal.sealed():
                raise Stop(
                    f"{journal}: its planning was broken off, before anything was sent; plan the file again: "
                    f"{_command('plan', 'FILE', '--journal', str(journal))}"
                )
            await check_journal(batch.journal)
            return await look_ahead(batch.journal, clients)

    return _place(journal, _wait(look), settings, yes=yes)


@batch_app.command
def reconcile(
    journal: JournalArgument,
    *,
    send_again: Annotated[
        bool,
        Parameter(help="Send orders that never arrived again with their keys: this may place them.", negative=()),
    ] = False,
    yes: Yes = False,
    limits: Limits = Limits(),
) -> Exit:
    """Find out what became of orders in doubt. Nothing is bought, unless --send-again is given."""
    import asyncio

    from wren_async.cli.access import access
    from wren_async.cli.asking import confirm, look_ahead
    from wren_async.cli.progress import display
    from wren_async.cli.running import open_batch, run_batch
    from wren_async.cli.terminal import errors

    check_journal_file(journal)
    settings = limits.settings()
    if send_again and not yes:

        async def look(_: Interrupts) -> Ahead:
            async with access() as clients, open_batch(journal, clients, settings) as batch:
                return await look_ahead(batch.journal, clients, in_doubt_only=True)

        confirm(_wait(look))
    work = run_batch(journal, settings, display(errors()), place=False, send_again=send_again)
    return asyncio.run(work)


@batch_app.command
def report(journal: JournalArgument, *, wanted: Reporting = _REPORTING) -> Exit:
    """Show what became of a batch, also while a run of it is on."""
    from wren_async.batch.journal.sqlite import SqliteJournal

    check_journal_file(journal)

    async def make(_: Interrupts) -> Exit:
        async with await SqliteJournal.open(journal, read_only=True) as held:
            return await wanted.make(held, str(journal))

    return _wait(make)


@batch_app.command
def settle(
    journal: JournalArgument,
    position: Annotated[int, Parameter(converter=whole, help="Line of the order, as reports show it.")],
    *,
    placed: Annotated[str | None, Parameter(help="It was placed: the id of the order.")] = None,
    cents: Annotated[int | None, Parameter(converter=whole, help="What it cost, in US cents; with --placed.")] = None,
    not_placed: Annotated[bool, Parameter(help="It was not placed, and is given up.", negative=())] = False,
) -> Exit:
    """Settle an undecided order by hand, after looking for it in the API's own pages."""
    from wren_async.batch.run.batch import Batch

    if (placed is None) == (not not_placed):
        raise Stop("say either --placed ID or --not-placed")
    if cents is not None and (placed is None or cents < 0):
        raise Stop("--cents takes cents of 0 or more, and goes with --placed")
    check_journal_file(journal)

    async def mark(_: Interrupts) -> Exit:
        async with Batch(journal) as batch:
            if placed is None:
                await batch.mark_not_placed(position)
            else:
                await batch.mark_placed(position, placed, cents=cents)
            _say(f"line {position}: {'not placed' if placed is None else f'placed as {placed}'}")
        return Exit.ALL_PLACED

    return _wait(mark)


# --- inside ---------------------------------------------------------------------------------------------------------


def _plan(orders: Path, journal: Path | None, given: Input, settings: Settings) -> Ahead:
    import asyncio

    from wren_async.batch.input.planner import InputChanged
    from wren_async.cli.access import access, check_file
    from wren_async.cli.asking import look_ahead
    from wren_async.cli.progress import display
    from wren_async.cli.running import interruptible, open_batch
    from wren_async.cli.showing import show_plan
    from wren_async.cli.terminal import errors, output

    reading = given.reading()
    # Before the journal is opened, which would make one for a misspelt name.
    check_orders(orders)
    progress = display(errors())

    async def make(_: Interrupts) -> tuple[Plan, Ahead]:
        async with access(settings.concurrency) as clients:
            await check_file(orders, reading)
            async with open_batch(_journal_of(orders, journal), clients, settings) as batch:
                made = await batch.plan(
                    orders,
                    skip_bad_rows=given.skip_bad_rows,
                    defaults=reading.defaults,
                    ignore=reading.ignore,
                    encoding=reading.encoding,
                    tell=progress.show,
                )
                return made, await look_ahead(batch.journal, clients)

    try:
        made, ahead = asyncio.run(interruptible(make, progress))
    except InputChanged as error:
        if not error.was_sent:
            raise
        words = ["changes", str(orders), *([] if journal is None else ["--journal", str(journal)]), *given.words()]
        new = f"new{'.csv' if orders.suffix.lower() == '.xlsx' else orders.suffix}"
        raise Stop(f"{error}:\n  {_command(*words, '--output', new)}") from None
    show_plan(output(), made)
    return ahead


def _command(*words: str) -> str:
    return shlex.join(["wren-async", "batch", *words])


def _journal_of(orders: Path, journal: Path | None) -> Path:
    from wren_async.batch.input.origin import journal_of

    return journal_of(orders) if journal is None else journal


def _place(journal: Path, ahead: Ahead, settings: Settings, *, yes: bool) -> Exit:
    import asyncio

    from wren_async.cli.asking import confirm, objection
    from wren_async.cli.progress import display
    from wren_async.cli.running import run_batch
    from wren_async.cli.terminal import errors

    if problem := objection(ahead, settings.caps.cents):
        raise Stop(f"nothing was placed: {problem}", Exit.CAP)
    if not yes:
        confirm(ahead)
    return asyncio.run(run_batch(journal, settings, display(errors()), place=True))


def _wait(work: Callable[[Interrupts], Coroutine[Any, Any, T]]) -> T:
    """Do something that is not shown while it goes on."""
    import asyncio

    from wren_async.cli.progress import PlainDisplay
    from wren_async.cli.running import interruptible

    return asyncio.run(interruptible(work, PlainDisplay(_say)))


def _say(text: str) -> None:
    from wren_async.cli.terminal import errors, say

    say(errors(), text)
