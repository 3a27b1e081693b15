"""The report of a batch: sums, what needs a person, and whether the books agree.

Reading it takes one walk through the journal and little memory, so it serves a batch of any size, also one that is
still under way.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import attrs

from wren_async.batch.journal.contract import Journal, State, Totals
from wren_async.batch.journal.notes import Note
from wren_async.batch.report.audit import Books
from wren_async.batch.report.histograms import Durations, Timeline
from wren_async.batch.report.rows import ReportRow, report_rows
from wren_async.batch.run.history import History
from wren_async.batch.run.reasons import Reasons

_KEPT: Final = 500
_UNSETTLED: Final = (State.UNDECIDED, State.SENDING)


@attrs.define(kw_only=True)
class Sums:
    """Sums over some orders."""

    orders: int = 0
    placed: int = 0
    planned_cents: int = 0
    """What the plan expected of all of them, in USD cents."""
    cents: int = 0
    """What those that were placed cost, in USD cents, as far as that was answered."""
    unknown_cents: int = 0
    """Placed orders whose cost was not answered."""
    ordered_kilograms: Decimal = Decimal(0)
    """Kilograms of CO2e that were ordered by mass and placed."""
    kilograms: Decimal = Decimal(0)
    """Kilograms of CO2e that were answered."""
    altered: int = 0
    """Placed orders that were answered with another mass than was ordered."""
    difference: Decimal = Decimal(0)
    """Kilograms that were answered beyond those ordered."""
    replayed: int = 0
    reconciled: int = 0

    def take(self, row: ReportRow) -> None:
        """Take in an order."""
        self.orders += 1
        self.planned_cents += row.planned_cents
        if row.state is not State.PLACED:
            return
        self.placed += 1
        self.cents += row.cents or 0
        self.unknown_cents += row.cents is None
        self.ordered_kilograms += row.ordered_kilograms or 0
        self.kilograms += row.kilograms or 0
        self.altered += bool(row.difference)
        self.difference += row.difference or 0
        self.replayed += row.replayed
        self.reconciled += row.reconciled


@attrs.define(kw_only=True)
class Report:
    """A batch as it stood when the report was made."""

    batch_id: str
    made: datetime
    totals: Totals
    history: History
    books: tuple[Books, ...] = ()
    """Empty where they were not looked at."""
    all: Sums = attrs.field(factory=Sums)
    kinds: dict[str, Sums] = attrs.field(factory=dict[str, Sums])
    """Sums by the kind of order."""
    attempts: Counter[int] = attrs.field(factory=Counter[int])
    """Number of orders by their attempts, of those that were ever sent."""
    refused: Reasons = attrs.field(factory=Reasons)
    unsettled: Reasons = attrs.field(factory=Reasons)
    """Why orders are undecided."""
    timeline: Timeline = attrs.field(factory=Timeline)
    durations: Durations = attrs.field(factory=Durations)
    """How long answers took, of orders that needed one attempt."""
    open_rows: list[ReportRow] = attrs.field(factory=list[ReportRow])
    """Orders that may or may not have been placed; the first five hundred."""
    refused_rows: list[ReportRow] = attrs.field(factory=list[ReportRow])
    """Orders that were refused; the first five hundred."""
    altered_rows: list[ReportRow] = attrs.field(factory=list[ReportRow])
    """Orders that were answered with another mass; the first five hundred."""

    @property
    def done(self) -> bool:
        """Whether each order is placed or refused."""
        return not any(self.number(state) for state in (State.PENDING, *_UNSETTLED))

    @property
    def agrees(self) -> bool | None:
        """Whether the books agree; `None` where none was looked at."""
        return all(book.agrees for book in self.books) if self.books else None

    def number(self, state: State) -> int:
        """Number of orders in a state."""
        return self.totals.orders.get(state, 0)

    def take(self, row: ReportRow) -> None:
        """Take in an order."""
        self.all.take(row)
        self.kinds.setdefault(row.kind, Sums()).take(row)
        if row.attempts:
            self.attempts[row.attempts] += 1
        if row.seconds is not None:
            self.durations.take(row.seconds)
        moment = row.last_sent or row.first_sent
        if moment is not None and row.state is not State.PENDING:
            self.timeline.take(moment, row.state, (row.cents or 0) if row.state is State.PLACED else 0)
        self._sort(row)

    def _sort(self, row: ReportRow) -> None:
        if row.state is State.REFUSED:
            self.refused.take(row.reason)
            _keep(self.refused_rows, row)
        elif row.state in _UNSETTLED:
            self.unsettled.take(row.reason or "it was being sent")
            _keep(self.open_rows, row)
        elif row.difference:
            _keep(self.altered_rows, row)


def _keep(rows: list[ReportRow], row: ReportRow) -> None:
    if len(rows) < _KEPT:
        rows.append(row)


async def read_report(journal: Journal, *, books: tuple[Books, ...] = (), made: datetime | None = None) -> Report:
    """The report of a batch, from its journal.

    Args:
        journal: The journal; nothing in it changes.
        books: What `compare_books` gave, if the books are to be part of it.
        made: When the report is made; now, if left out.
    """
    report = Report(
        batch_id=await journal.noted(Note.ROOT) or journal.batch_id,
        made=made or datetime.now(UTC),
        totals=await journal.totals(),
        history=await History.of(journal),
        books=books,
    )
    async for row in report_rows(journal):
        report.take(row)
    return report
