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
from typing import Final

import attrs

from wren_async.batch.input.origin import noted_input
from wren_async.batch.input.repeated_ids import Repeated, noted_repeated
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Journal, State, Totals
from wren_async.batch.journal.notes import Note, account_of, planned_at, read_note
from wren_async.batch.report.audit import Audit
from wren_async.batch.report.histograms import Durations, Timeline
from wren_async.batch.report.rows import JournalLike, ReportRow, reading, report_rows
from wren_async.batch.report.servers import APIS, Rehearsal, is_sandbox_id, noted_servers, rehearsal_at
from wren_async.batch.run.account_check import TokenDigest
from wren_async.batch.run.history import History
from wren_async.batch.run.reasons import Reasons

_KEPT: Final = 500
_SHOWN: Final = 5000
_MARK: Final = 8
"""Hexadecimal digits of an account's mark."""
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

    def add(self, row: ReportRow) -> None:
        """Add an order."""
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
    file_digest: str | None = None
    """SHA-256 of the file's bytes when it was planned, as `sha256sum` tells it."""
    planned: datetime | None = None
    """When the batch was planned, by the clocks of the servers."""
    planned_by: str | None = None
    """The version of the library that planned it."""
    sent_over: str | None = None
    """The HTTP library that its orders last went over."""
    is_shared: bool = False
    """Whether its journal is in a database, and workers place it."""
    servers: Mapping[Api, str] = attrs.field(factory=dict[Api, str])
    """Where its orders were sent, with what is particular there, such as a test token."""
    accounts: Mapping[Api, str] = attrs.field(factory=dict[Api, str])
    """A mark of the token that its orders were placed with. It tells two tokens of this batch apart, and no secret; the
    same token has another mark in another batch."""
    repeated: Repeated = attrs.field(factory=Repeated)
    """Rows with the `external_id` of an earlier row, as where a file was exported twice; the first twenty."""
    audits: tuple[Audit, ...] = ()
    """Empty where they were not looked at."""
    by_ids: dict[Api, Rehearsal] = attrs.field(factory=dict[Api, Rehearsal])
    """APIs in whose own sandbox an order was placed, as its id says."""
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
    def rehearsals(self) -> Mapping[Api, Rehearsal]:
        """The APIs of which nothing real was bought, and why: by their servers, or by the ids of what was placed."""
        found = dict(self.by_ids)
        for api, server in self.servers.items():
            if (kind := rehearsal_at(server)) is not None:
                found[api] = kind
        return found

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

    def add(self, row: ReportRow) -> None:
        """Add an order."""
        self.all.add(row)
        self.order_types.setdefault(row.kind, Sums()).add(row)
        if is_sandbox_id(row.api, row.order_id):
            self.by_ids[row.api] = "sandbox"
        if len(self.rows) < _SHOWN:
            self.rows.append(row)
        if row.attempts:
            self.attempts[row.attempts] += 1
        if row.seconds is not None:
            self.durations.add(row.seconds)
        moment = row.last_sent or row.first_sent
        if moment is not None and row.state is not State.PENDING:
            self.timeline.add(moment, row.state, (row.cents or 0) if row.state is State.PLACED else 0)
        self._sort(row)

    def _sort(self, row: ReportRow) -> None:
        if row.state is State.REFUSED:
            self.refused.add(row.reason)
            _keep(self.refused_rows, row)
        elif row.state in _UNSETTLED:
            self.unsettled.add(row.reason or "it was being sent")
            _keep(self.open_rows, row)
        elif row.difference:
            _keep(self.altered_rows, row)


def _keep(rows: list[ReportRow], row: ReportRow) -> None:
    if len(rows) < _KEPT:
        rows.append(row)


async def read_report(journal: JournalLike, *, audits: tuple[Audit, ...] = (), made: datetime | None = None) -> Report:
    """The report of a batch, from its journal.

    Args:
        journal: The journal or its path; nothing in it changes.
        audits: What `audit_books` gave, if the books are to be part of it.
        made: When the report is made; now, if left out.

    Raises `JournalError` where there is no journal, or a damaged one.
    """
    async with reading(journal) as opened:
        report = Report(
            batch_id=await opened.noted(Note.ROOT) or opened.batch_id,
            made=made or datetime.now(UTC),
            totals=await opened.totals(),
            history=await History.of(opened),
            source=await noted_input(opened),
            file_digest=await opened.noted(Note.INPUT_DIGEST),
            planned=await planned_at(opened),
            repeated=await noted_repeated(opened),
            planned_by=await opened.noted(Note.PLANNED_BY),
            sent_over=await opened.noted(Note.SENT_OVER),
            is_shared=opened.lease is not None,
            servers=await noted_servers(opened),
            accounts=await _accounts(opened),
            audits=audits,
        )
        async for row in report_rows(opened):
            report.add(row)
    return report


async def _accounts(journal: Journal) -> Mapping[Api, str]:
    marks: dict[Api, str] = {}
    for api in APIS:
        if (noted := await journal.noted(account_of(api))) is not None:
            marks[api] = read_note(journal, account_of(api), noted, TokenDigest.from_json).digest.hex()[:_MARK]
    return marks
