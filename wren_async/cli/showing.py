"""Plans, reports and orders as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wren_async.batch.input.planner import Plan
from wren_async.batch.journal.contract import State
from wren_async.batch.report.audit import Books
from wren_async.batch.report.page import mass, usd
from wren_async.batch.report.plots import duration
from wren_async.batch.report.rows import ReportRow, mass_text
from wren_async.batch.report.summary import Report
from wren_async.cli.progress import clean, sums

_SHOWN = 20


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = (), title: str = "") -> Table:
    """A table of texts, none of which is taken for markup."""
    made = Table(
        title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2)
    )
    right = set(numbers)
    for place, name in enumerate(head):
        made.add_column(name, justify="right" if place in right else "left", header_style="dim", overflow="fold")
    for row in rows:
        made.add_row(*(Text(clean(cell)) for cell in row))
    return made


def show_plan(console: Console, plan: Plan) -> None:
    """What a batch will buy."""
    faults = f", {plan.left_out:,} bad rows left out" if plan.left_out else ""
    weight = f", {mass(plan.kilograms)} of CO2e" if plan.kilograms else ""
    known = "as planned before" if plan.resumed else f"{plan.questions:,} prices asked for"
    _say(console, f"Batch {plan.batch_id}: {plan.orders:,} orders for {usd(plan.cents)}{weight} ({known}{faults})")
    for fault in plan.faults[:_SHOWN]:
        _say(console, f"  left out: {fault}")


def show_report(console: Console, report: Report) -> None:
    """Sums, open and refused orders, and the books."""
    _say(console, f"Batch {report.batch_id}: {sums(report.totals)}")
    head = ("kind", "orders", "placed", "planned", "cost", "ordered", "answered", "replayed", "reconciled")
    rows = [
        (kind, f"{each.orders:,}", f"{each.placed:,}", usd(each.planned_cents), usd(each.cents),
         mass(each.ordered_kilograms) if each.ordered_kilograms else "-",
         mass(each.kilograms) if each.kilograms else "-",
         f"{each.replayed:,}", f"{each.reconciled:,}")
        for kind, each in sorted(report.kinds.items())
    ]  # fmt: skip
    console.print(table(head, rows, numbers=range(1, len(head))))
    _show_pace(console, report)
    _show_rows(console, "undecided", report.open_rows, report.number(State.UNDECIDED) + report.number(State.SENDING))
    _show_rows(console, "refused", report.refused_rows, report.number(State.REFUSED))
    _show_rows(console, "answered with another mass", report.altered_rows, report.all.altered)
    for book in report.books:
        show_book(console, book)


def show_book(console: Console, book: Books) -> None:
    """Whether a book agrees, and where it does not."""
    if book.trouble:
        _say(console, f"{book.where}: could not be read: {clean(book.trouble)}")
        return
    told = "agrees to the cent" if book.agrees else f"{book.count:,} differences"
    paid = f"{usd(book.batch_cents)} by the batch, {usd(book.books_cents)} by the book"
    alone = f", {book.by_amount:,} orders by their amount alone" if book.by_amount else ""
    _say(console, f"{book.where}: {told}; {book.orders:,} orders, {paid}{alone}")
    for difference in book.differences[:_SHOWN]:
        _say(console, f"  {difference}")
    if book.count > _SHOWN:
        _say(console, f"  and {book.count - _SHOWN:,} more")


def row_table(rows: Iterable[ReportRow]) -> Table:
    """Orders, one a line."""
    head = (
        "line",
        "kind",
        "state",
        "order",
        "planned",
        "cost",
        "ordered kg",
        "answered kg",
        "attempts",
        "by",
        "reason",
    )
    return table(head, map(_cells, rows), numbers=(0, 4, 5, 6, 7, 8))


def _cells(row: ReportRow) -> tuple[str, ...]:
    return (
        str(row.position), row.kind, row.state.value, row.order_id or "-", usd(row.planned_cents),
        "-" if row.cents is None else usd(row.cents), mass_text(row.ordered_kilograms) or "-",
        mass_text(row.kilograms) or "-", str(row.attempts), row.settled_by or "-", row.reason or "",
    )  # fmt: skip


def _show_rows(console: Console, title: str, rows: Sequence[ReportRow], count: int) -> None:
    if rows:
        _say(console, f"\n{count:,} {title}:")
        console.print(row_table(rows[:_SHOWN]))
        if count > _SHOWN:
            _say(console, f"and {count - _SHOWN:,} more; --csv writes all of them")


def _show_pace(console: Console, report: Report) -> None:
    half, most = report.durations.quantile(0.5), report.durations.quantile(0.95)
    if half is not None and most is not None:
        _say(console, f"answers: half within {duration(half)}, 95 % within {duration(most)}")
    again = sum(count for attempts, count in report.attempts.items() if attempts > 1)
    if again:
        share = Decimal(again) / Decimal(report.attempts.total())
        _say(console, f"retries: {again:,} orders ({share:.1%}) took more than one attempt")


def _say(console: Console, text: str) -> None:
    console.print(Text(text), soft_wrap=True)
