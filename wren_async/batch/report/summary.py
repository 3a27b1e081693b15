"""The report of a batch: sums, what needs a person, and whether the books agree.

Reading it takes one walk through the journal and little memory, so it serves a batch of any size, also one that is
still under way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, get_args
from urllib.parse import urlsplit

import attrs

from wren_async.batch.input.origin import noted_input
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Journal, State, Totals
from wren_async.batch.journal.notes import Note, server_of
from wren_async.batch.report.audit import Audit
from wren_async.batch.report.histograms import Durations, Timeline
from wren_async.batch.report.rows import ReportRow, report_rows
from wren_async.batch.run.history import History
from wren_async.batch.run.reasons import Reasons

_KEPT: Final = 500
_SHOWN: Final = 5000
_APIS: Final[tuple[Api, ...]] = get_args(Api)
_TEST_TOKEN: Final = "(test token)"  # noqa: S105 - no secret, but what the journal says of one
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
    unknown: int = 0
    """Placed orders whose cost was not answered."""
    unknown_planned_cents: int = 0
    """What the plan expected of those, in USD cents."""
    ordered_kilograms: Decimal = Decimal(0)
    """Kilograms of CO2e that were ordered by mass and placed."""
    kilograms: Decimal = Decimal(0)
    """Kilograms of CO2e that were answered."""
    altered: int = 0
    """Placed orders that were answered with another mass than was ordered."""
    difference: Decimal = Decimal(0)
    """Kilograms that were answered beyond those ordered."""
    priced_cents: int = 0
    """What those cost that were answered with both a cost and a mass, in USD cents."""
    priced_kilograms: Decimal = Decimal(0)
    """Kilograms of CO2e of those."""
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
        if row.cents is None:
            self.unknown += 1
            self.unknown_planned_cents += row.planned_cents
        elif row.kilograms:
            self.priced_cents += row.cents
            self.priced_kilograms += row.kilograms
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
    source: Path | None = None
    """The file that the batch was planned from, where it then was; `None` where it was planned from none."""
    servers: Mapping[Api, str] = attrs.field(factory=dict[Api, str])
    """Where its orders were sent, with what is particular there, such as a test token."""
    audits: tuple[Audit, ...] = ()
    """Empty where they were not looked at."""
    all: Sums = attrs.field(factory=Sums)
    order_types: dict[str, Sums] = attrs.field(factory=dict[str, Sums])
    """Sums by the type of order."""
    attempts: Counter[int] = attrs.field(factory=Counter[int])
    """Number of orders by their attempts, of those that were ever sent."""
    refused: Reasons = attrs.field(factory=Reasons)
    unsettled: Reasons = attrs.field(factory=Reasons)
    """Why orders are undecided."""
    timeline: Timeline = attrs.field(factory=Timeline)
    durations: Durations = attrs.field(factory=Durations)
    """How long answers took, of orders that needed one attempt."""
    rows: list[ReportRow] = attrs.field(factory=list[ReportRow])
    """All orders; the first five thousand."""
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
    def sent(self) -> bool:
        """Whether any order was ever sent."""
        return bool(self.attempts) or self.number(State.PENDING) < self.all.orders

    @property
    def rehearsal(self) -> bool:
        """Whether every server was one on this machine, such as a sandbox, or was spoken to with a test token."""
        return bool(self.servers) and all(map(is_rehearsal, self.servers.values()))

    @property
    def in_doubt(self) -> int:
        """Orders that may or may not have been placed."""
        return sum(map(self.number, _UNSETTLED))

    @property
    def agrees(self) -> bool | None:
        """Whether the books agree; `None` where none was looked at."""
        return all(book.agrees for book in self.audits) if self.audits else None

    def number(self, state: State) -> int:
        """Number of orders in a state."""
        return self.totals.orders.get(state, 0)

    def take(self, row: ReportRow) -> None:
        """Take in an order."""
        self.all.take(row)
        self.order_types.setdefault(row.kind, Sums()).take(row)
        if len(self.rows) < _SHOWN:
            self.rows.append(row)
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


def is_rehearsal(server: str) -> bool:
    """Whether a server, as the journal names it, is one on this machine, or was spoken to with a test token."""
    host = urlsplit(server.partition(" ")[0]).hostname or ""
    return server.endswith(_TEST_TOKEN) or host in ("localhost", "::1") or host.startswith("127.")


def _keep(rows: list[ReportRow], row: ReportRow) -> None:
    if len(rows) < _KEPT:
        rows.append(row)


async def read_report(journal: Journal, *, audits: tuple[Audit, ...] = (), made: datetime | None = None) -> Report:
    """The report of a batch, from its journal.

    Args:
        journal: The journal; nothing in it changes.
        audits: What `audit_books` gave, if the books are to be part of it.
        made: When the report is made; now, if left out.
    """
    report = Report(
        batch_id=await journal.noted(Note.ROOT) or journal.batch_id,
        made=made or datetime.now(UTC),
        totals=await journal.totals(),
        history=await History.of(journal),
        source=await noted_input(journal),
        servers={api: server for api in _APIS if (server := await journal.noted(server_of(api))) is not None},
        audits=audits,
    )
    async for row in report_rows(journal):
        report.take(row)
    return report
