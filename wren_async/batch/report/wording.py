"""What a report says, in words that its page and the command line share."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final

import attrs

from wren_async.batch.input.repeated_ids import Repeated
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import State
from wren_async.batch.report.audit import Audit
from wren_async.batch.report.rows import ReportRow, mass_text
from wren_async.batch.report.servers import Rehearsal, rehearsal_at
from wren_async.batch.report.summary import Report, Sums
from wren_async.batch.run.worker import FIND_OUT
from wren_async.batch.units import mass, usd
from wren_async.reconcile import SETTLE_TIME

NOTHING: Final = "–"
"""What a cell says where there is nothing to say."""

ORDER_COLUMNS: Final = (
    "line", "external id", "type", "state", "order", "planned", "cost", "ordered kg", "answered kg", "attempts", "by",
    "reason",
)  # fmt: skip
ORDER_NUMBERS: Final = (0, 5, 6, 7, 8, 9)
"""Which of those columns hold numbers."""
TYPE_COLUMNS: Final = ("type", "orders", "placed", "planned", "cost", "ordered", "answered", "replayed", "reconciled")

_REPEATED_SHOWN: Final = 5
_NAMES: Final[Mapping[Api, str]] = {"wren": "Wren", "cnaught": "CNaught"}


@attrs.frozen
class Need:
    """Something that a person has to do."""

    what: str
    commands: tuple[str, ...] = ()
    since: datetime | None = None
    """From when on the commands can help."""


def count(number: int, noun: str) -> str:
    """A number of things, such as `1 order` or `2,000 orders`."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def when(moment: datetime) -> str:
    """A time, in UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def rehearsal(report: Report) -> tuple[str, str] | None:
    """A word for a batch, or a part of one, that bought nothing real, and what that is seen by; `None` for others."""
    if not (found := report.rehearsals):
        return None
    told = [_rehearsed(api, kind, report.servers.get(api)) for api, kind in found.items()]
    real = [
        f"Orders of {_NAMES[api]} are REAL: they go to {server}."
        for api, server in report.servers.items()
        if api not in found
    ]
    kinds = " and ".join(sorted(set(found.values())))
    return f"{'partly ' if real else ''}{kinds}", " ".join([*told, *real])


def _rehearsed(api: Api, kind: Rehearsal, server: str | None) -> str:
    if kind == "test token":
        return f"Orders of {_NAMES[api]} are placed with a test token, which buys nothing."
    if rehearsal_at(server) is None:
        return f"Orders of {_NAMES[api]} were placed in its own sandbox, as their ids say."
    return f"Orders of {_NAMES[api]} go to {server}, a server on this machine."


def sentence(report: Report) -> str:
    """How the batch stands, in a sentence or three."""
    placed, orders = report.number(State.PLACED), report.all.orders
    if not orders:
        return "The batch has no orders."
    if not report.sent:
        return "The order was not sent yet." if orders == 1 else f"None of {orders:,} orders was sent yet."
    were = "was" if placed == 1 else "were"
    share = f"All {orders:,} orders" if placed == orders > 1 else f"{placed:,} of {count(orders, 'order')}"
    told = [f"{share} {were} placed."]
    if report.in_doubt:
        told.append(f"{count(report.in_doubt, 'order')} may or may not have been placed.")
    if unknown := report.all.unknown:
        told.append(f"What {count(unknown, 'placed order')} cost is not known.")
    return " ".join(told)


def spent(sums: Sums) -> str:
    """What orders cost; a cost that was not answered is told as such, and never as the planned one."""
    if not sums.placed:
        return NOTHING
    if not sums.unknown:
        return usd(sums.cents)
    unknown = f"{sums.unknown:,} unknown (planned {usd(sums.unknown_planned_cents)})"
    return unknown if sums.unknown == sums.placed else f"{usd(sums.cents)} and {unknown}"


def average(sums: Sums) -> str:
    """What a tonne cost, of the orders that told both their cost and their mass."""
    if not sums.priced_kilograms:
        return NOTHING
    return f"{usd(round(sums.priced_cents / sums.priced_kilograms * 1000))} / t"


def order_cells(row: ReportRow) -> tuple[str, ...]:
    """An order in the columns of `ORDER_COLUMNS`."""
    unknown = "unknown" if row.state is State.PLACED else NOTHING
    return (
        str(row.position), row.external_id or NOTHING, row.kind, row.state.value, row.order_id or NOTHING,
        usd(row.planned_cents), unknown if row.cents is None else usd(row.cents),
        mass_text(row.ordered_kilograms) or NOTHING,
        mass_text(row.kilograms) or NOTHING, _sent(row.attempts), row.settled_by or NOTHING, row.reason or "",
    )  # fmt: skip


def _sent(number: int) -> str:
    """A number of what was sent; none is told as nothing, because nothing may have been sent yet."""
    return f"{number:,}" if number else NOTHING


def ordered(row: ReportRow) -> str:
    """What an order was for, where that is a mass or trees and not money."""
    if row.ordered_trees is not None:
        return count(row.ordered_trees, "tree")
    return NOTHING if row.ordered_kilograms is None else f"{mass_text(row.ordered_kilograms)} kg"


def type_cells(name: str, sums: Sums) -> tuple[str, ...]:
    """Sums in the columns of `TYPE_COLUMNS`."""
    return (
        name, f"{sums.orders:,}", _sent(sums.placed), usd(sums.planned_cents), spent(sums),
        mass(sums.ordered_kilograms) if sums.ordered_kilograms else NOTHING,
        mass(sums.kilograms) if sums.kilograms else NOTHING, _sent(sums.replayed), _sent(sums.reconciled),
    )  # fmt: skip


def verdict(audit: Audit) -> str:
    """Whether a book agrees, and with what reservations."""
    if audit.trouble:
        return f"could not be read: {audit.trouble}"
    told = ["agrees to the cent" if audit.agrees else count(audit.count, "difference")]
    if audit.unknown:
        known = f", of which the book has {usd(audit.unknown_cents)}" if audit.unknown_cents else ""
        told.append(f"what {count(audit.unknown, 'order')} cost was not answered{known}")
    if audit.by_amount:
        told.append(f"{count(audit.by_amount, 'order')} by their amount alone")
    return "; ".join(told)


_WORKERS_LOOK: Final = (
    "Workers look for them in the account by themselves, unless the batch is stopped. This looks at once, and buys "
    "nothing:"
)


def needs(report: Report, journal: str) -> Iterator[Need]:
    """What needs a person, the most urgent first, with the commands for it.

    Args:
        report: The report.
        journal: The path of its journal, or the name of its batch in a database, as the commands are to name it.
    """
    if report.repeated.count:
        yield Need(f"{repeated_ids(report.repeated)} See whether that was meant.")
    command = partial(batch_command, is_shared=report.is_shared)
    if report.history.alarms:
        yield Need(
            f"An alarm was raised: see Runs, below. {FIND_OUT} Then this goes on, and looks through the lists first:",
            (command("resume", journal, "--alarm-is-explained"),),
        )
    if report.in_doubt:
        yield Need(
            f"In doubt: {count(report.in_doubt, 'order')}, which may or may not have been placed, and "
            f"{usd(report.totals.reserved_cents)} held back. "
            + (_WORKERS_LOOK if report.is_shared else "This looks for them in the account, and buys nothing:"),
            (command("reconcile", journal),),
            _since(report),
        )
    if pending := report.number(State.PENDING):
        # What raised an alarm is to be understood first.
        commands = () if report.history.alarms else (command("resume", journal),)
        yield Need(f"Not sent yet: {count(pending, 'order')}.", commands)
    if report.all.unknown:
        told = (
            f"What {count(report.all.unknown, 'placed order')} cost was not answered: compare with the account's books."
        )
        yield Need(told, (command("report", journal, "--books"),))
    if report.agrees is False:
        yield Need("The books do not agree, or could not be read. See Books, below.")
    if refused := report.number(State.REFUSED):
        told = f"Refused: {count(refused, 'order')}, for which nothing was spent. To order after all what was refused, "
        source, corrected = ("ORDERS", "CORRECTED") if report.source is None else _files(report.source)
        named = "--name" if report.is_shared else "--journal"
        yield Need(
            f"{told}correct its lines in the file, and let those lines alone be written to a file of their own.",
            (command("changes", source, named, journal, "--output", corrected),),
        )


def repeated_ids(found: Repeated) -> str:
    """Which rows have the `external_id` of an earlier one, and what that means."""
    told = "; ".join(map(str, found.rows[:_REPEATED_SHOWN]))
    told += f"; and {found.count - _REPEATED_SHOWN:,} more" if found.count > _REPEATED_SHOWN else ""
    have = "1 row has" if found.count == 1 else f"{found.count:,} rows have"
    return f"{have} an external_id that an earlier row has, and each is an order of its own: {told}."


@attrs.frozen
class Doubt:
    """An order that may or may not have been placed, and how a person settles it."""

    row: ReportRow
    since: datetime | None
    """Before this, its absence from the API's lists proves nothing."""
    placed: str
    """The command that says that it was placed."""
    not_placed: str
    """The command that says that it was not, and gives it up."""


def doubts(report: Report, journal: str) -> Iterator[Doubt]:
    """The orders in doubt, each with its own commands. Neither of them sends or buys anything.

    Args:
        report: The report.
        journal: The path of its journal, or the name of its batch in a database, as the commands are to name it.
    """
    command = partial(batch_command, is_shared=report.is_shared)
    for row in report.open_rows:
        line = str(row.position)
        yield Doubt(
            row,
            _settled_after(row.last_sent),
            command("settle", journal, line, "--placed", "ORDER_ID"),
            command("settle", journal, line, "--not-placed"),
        )


def _files(source: Path) -> tuple[str, str]:
    """The name of a file of orders, and one for its corrected lines."""
    return source.name, f"corrected{'.csv' if source.suffix.lower() == '.xlsx' else source.suffix}"


def batch_command(*words: str, is_shared: bool = False) -> str:
    """A command of `wren-async batch`, to be copied into a shell.

    That of a batch in a database names the variable and never the address, in which a password may stand.
    """
    where = ' --database "$WREN_ASYNC_DATABASE"' if is_shared else ""
    return f"{shlex.join(['wren-async', 'batch', *words])}{where}"


def _since(report: Report) -> datetime | None:
    """When the last of the orders in doubt is old enough for its absence to prove anything."""
    return _settled_after(max((row.last_sent for row in report.open_rows if row.last_sent is not None), default=None))


def _settled_after(sent: datetime | None) -> datetime | None:
    try:
        return None if sent is None else sent + timedelta(seconds=SETTLE_TIME)
    except OverflowError:  # a clock was wrong by millennia
        return None


def difference_text(kilograms: Decimal) -> str:
    """A mass more or less than ordered."""
    return f"{'+' if kilograms > 0 else ''}{mass(kilograms)}"
