"""Plans, changes, reports and orders as they stand in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from rich.console import Console

from wren_async.batch.input.changes import Changes
from wren_async.batch.input.planner import Plan
from wren_async.batch.journal.contract import State
from wren_async.batch.report.audit import Audit
from wren_async.batch.report.rows import ReportRow
from wren_async.batch.report.summary import Report
from wren_async.batch.report.wording import (
    ORDER_COLUMNS,
    ORDER_NUMBERS,
    TYPE_COLUMNS,
    average,
    count,
    order_cells,
    rehearsal,
    repeated_ids,
    sentence,
    spent,
    type_cells,
    verdict,
)
from wren_async.batch.units import duration, mass, usd
from wren_async.cli.columns import columns_from
from wren_async.cli.terminal import say, show_columns

_SHOWN: Final = 20
_FIRST_OF_TYPES: Final = ("type", "orders", "placed", "cost", "planned")
_FIRST_OF_ORDERS: Final = ("line", "state", "order", "cost", "reason", "type", "planned", "ordered kg")
"""What matters most, where a terminal has not room for all."""


def show_plan(console: Console, plan: Plan) -> None:
    """What a batch will buy."""
    faults = f", {plan.left_out:,} bad rows left out" if plan.left_out else ""
    weight = f", {mass(plan.kilograms)} of CO2e" if plan.kilograms else ""
    known = "as planned before" if plan.resumed else f"{count(plan.questions, 'price')} asked for"
    say(
        console, f"Batch {plan.batch_id}: {count(plan.orders, 'order')} for {usd(plan.cents)}{weight} ({known}{faults})"
    )
    for fault in plan.faults[:_SHOWN]:
        say(console, f"  left out: {fault}")
    if plan.repeated.count:
        say(console, f"Mind: {repeated_ids(plan.repeated)}")


def show_changes(console: Console, changes: Changes, source: Path, target: Path, following: str) -> None:
    """Which rows were written, what they do not take back, and the command that follows."""
    rows = changes.same + len(changes.rows)
    if not changes.rows:
        say(console, f"{source.name}: no row is new; nothing was written")
    else:
        say(console, f"{target}: {len(changes.rows):,} of the {count(rows, 'row')} of {source.name}, new or changed")
    if gone := sum(changes.gone_by_state.values()):
        say(console, f"In {source.name} no more, and as they were in the batch: {count(gone, 'order')}")
        show_orders(console, (ReportRow.of(entry) for entry in changes.gone[:_SHOWN]))
        _say_more(console, gone)
    if changes.rows and changes.may_be_bought_twice:
        say(
            console,
            f"If a row of {target.name} is one of these, corrected, take it out of {target.name} unless it is to be "
            "bought once more: placing it does not take back the order that is placed.",
        )
    if changes.gone_by_state.get(State.PENDING):
        say(console, "Those that are pending will be placed by the next run of the batch.")
    if changes.rows:
        say(console, f"Next: {following}")


def show_report(console: Console, report: Report) -> None:
    """Sums, open and refused orders, and the books."""
    where = "".join(f", {api} at {server}" for api, server in report.servers.items())
    where += f", over {report.sent_over}" if report.sent_over else ""
    say(console, f"Batch {report.batch_id}{f' of {report.source.name}' if report.source else ''}{where}")
    if told := rehearsal(report):
        say(console, f"{told[0].upper()}: {told[1]}")
    say(console, f"{sentence(report)} {_money(report)}")
    cells = [type_cells(name, sums) for name, sums in sorted(report.order_types.items())]
    show_columns(console, columns_from(TYPE_COLUMNS, cells, numbers=range(1, len(TYPE_COLUMNS))), _FIRST_OF_TYPES)
    _show_pace(console, report)
    _show_rows(console, "in doubt", report.open_rows, report.in_doubt)
    _show_rows(console, "refused", report.refused_rows, report.number(State.REFUSED))
    _show_rows(console, "answered with another mass", report.altered_rows, report.all.altered)
    for audit in report.audits:
        show_audit(console, audit)


def show_audit(console: Console, audit: Audit) -> None:
    """Whether a book agrees, and where it does not."""
    say(console, f"{audit.where}: {verdict(audit)}")
    if audit.trouble:
        return
    paid = f"{usd(audit.batch_cents)} by the batch, {usd(audit.books_cents)} by the book"
    say(console, f"  {count(audit.orders, 'order')}: {paid}")
    for difference in audit.differences[:_SHOWN]:
        say(console, f"  {difference}")
    _say_more(console, audit.count)


def show_orders(console: Console, rows: Iterable[ReportRow]) -> None:
    """Orders, one a line, with as much of each as fits."""
    columns = columns_from(ORDER_COLUMNS, map(order_cells, rows), numbers=ORDER_NUMBERS)
    left_out = show_columns(console, columns, _FIRST_OF_ORDERS)
    if left_out:
        say(console, f"not shown here: {', '.join(left_out)}; report --csv writes all")


def _money(report: Report) -> str:
    reserved = f"; {usd(report.totals.reserved_cents)} held back" if report.totals.reserved_cents else ""
    return f"Spent: {spent(report.all)}; average price: {average(report.all)}{reserved}"


def _show_rows(console: Console, title: str, rows: Sequence[ReportRow], number: int) -> None:
    if rows:
        say(console, f"\n{number:,} {title}:")
        show_orders(console, rows[:_SHOWN])
        _say_more(console, number, "; --csv writes all of them")


def _say_more(console: Console, number: int, where: str = "") -> None:
    if number > _SHOWN:
        say(console, f"  and {number - _SHOWN:,} more{where}")


def _show_pace(console: Console, report: Report) -> None:
    half, most = report.durations.quantile(0.5), report.durations.quantile(0.95)
    if half is not None and most is not None:
        say(console, f"answers: half within {duration(half)}, 95 % within {duration(most)}")
    again = sum(number for attempts, number in report.attempts.items() if attempts > 1)
    if again:
        share = Decimal(again) / Decimal(report.attempts.total())
        say(console, f"retries: {count(again, 'order')} ({share:.1%}) took more than one attempt")
