"""The options of `wren-async batch`, wherever the journal of the batch is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
from cyclopts import Parameter

from wren_async.cli.exits import Stop
from wren_async.cli.numbers import whole
from wren_async.reconcile import SETTLE_TIME

if TYPE_CHECKING:
    # Each command loads by itself what it needs beyond its words: a help needs none of it.
    from wren_async.batch.input.row_values import Reading
    from wren_async.batch.run.budget import Caps
    from wren_async.cli.running import Settings

Orders = Annotated[Path, Parameter(help="A .csv, .tsv, .xlsx, .jsonl or .ndjson file of orders.")]
Target = Annotated[Path, Parameter(name=("--output", "-o"), help="The file to make, of the same format, or CSV.")]
NeverRun = Annotated[
    tuple[Path, ...],
    Parameter(help="File of earlier changes that never was and never will be run.", negative=()),
]
DryRun = Annotated[bool, Parameter(help="Stop before anything is bought, as `plan` does.", negative=())]
Yes = Annotated[bool, Parameter(name=("--yes", "-y"), help="Spend money without asking.", negative=())]
Continues = Annotated[str | None, Parameter(help="Id of a batch whose journal was lost: its orders are found first.")]
NonePlaced = Annotated[
    bool, Parameter(help="No order of the batch that --continues names was ever placed.", negative=())
]
SendAgain = Annotated[
    bool,
    Parameter(help="Send orders that never arrived again with their keys: this may place them.", negative=()),
]
Position = Annotated[int, Parameter(converter=whole, help="Line of the order, as reports show it.")]
Placed = Annotated[str | None, Parameter(help="It was placed: the id of the order.")]
Cents = Annotated[int | None, Parameter(converter=whole, help="What it cost, in US cents; with --placed.")]
NotPlaced = Annotated[bool, Parameter(help="It was not placed, and is given up.", negative=())]


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

    same_account: Annotated[
        bool, Parameter(help="The token is new, and of the very same account as the old one.", negative=())
    ] = False
    concurrency: Annotated[str | None, Parameter(show=False)] = None
    settle_time: Annotated[str | None, Parameter(show=False)] = None

    def settings(self, continues: str | None = None, *, none_was_placed: bool = False) -> Settings:
        """What planning takes: its caps are kept with the batch. Raises `Stop` for what only a worker can be told."""
        from wren_async.cli.running import Settings

        theirs = {"concurrency": self.concurrency, "settle-time": self.settle_time}
        if given := [f"--{name}" for name, value in theirs.items() if value]:
            raise Stop(
                f"workers place the batches of a database: give {' and '.join(given)} to each `wren-async worker`, and "
                "not here"
            )
        return Settings(
            caps=None,
            concurrency=1,
            settle_time=SETTLE_TIME,
            continues=continues,
            none_was_placed=none_was_placed,
            same_account=self.same_account,
            alarm_is_explained=self.alarm_is_explained,
        )


def check_continuing(continues: str | None, *, none_was_placed: bool) -> None:
    """Raises `Stop` where nothing is continued that nothing could have been placed of."""
    if none_was_placed and continues is None:
        raise Stop("--none-was-placed goes with --continues")
