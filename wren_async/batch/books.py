"""Agreement with the books: what a batch says it paid, held against Wren's ledger and CNaught's list of orders.

Rows are matched by id. Where the id of an order is not known, because its answer was lost, a charge of its amount that
belongs to no other order of the batch stands for it, and is counted apart: a wallet is shared, and equal amounts are
common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Final, TypeVar, cast

import attrs

from wren_async._generated.cnaught.models import Order, OrderState
from wren_async._generated.wren.models import LedgerEntry, LedgerEntryType
from wren_async.batch.journal import Journal, State
from wren_async.batch.recovery import FIRST_CHECKPOINT
from wren_async.batch.report_row import ReportRow, mass_text, report_rows
from wren_async.cnaught import CNaughtClient
from wren_async.core.paging import OffsetPage
from wren_async.core.values import UNSET
from wren_async.errors import CallError, PagingError
from wren_async.reconcile import Checkpoint
from wren_async.reconcile.listing import references
from wren_async.wren import WrenClient

T = TypeVar("T")

LEDGER: Final = "Wren ledger"
ORDERS: Final = "CNaught orders"

_CLOCKS_APART: Final = timedelta(minutes=15)
"""How far the server's clock may be behind ours before an entry of the batch is taken for an older one."""
_KEPT: Final = 1000


@attrs.frozen(kw_only=True)
class Difference:
    """A place where the batch and the books do not agree."""

    position: int | None
    """Line of the input; `None` where the books have what the batch does not know."""
    order_id: str | None
    problem: str
    cents: int = 0
    """USD cents that the books have more than the batch; below zero where they have less."""

    def __str__(self) -> str:
        place = "no line" if self.position is None else f"line {self.position}"
        return f"{place}, order {self.order_id or 'without an id'}: {self.problem}"


@attrs.frozen(kw_only=True)
class Books:
    """What comparing with one book gave."""

    where: str
    """Which book."""
    orders: int
    """Placed orders of the batch that should stand there."""
    batch_cents: int
    """What they cost by the journal, in USD cents."""
    books_cents: int
    """What the book has for this batch, in USD cents."""
    differences: tuple[Difference, ...] = ()
    """Row by row, in the order of the input; the first thousand."""
    count: int = 0
    """How many differences there are."""
    by_amount: int = 0
    """Orders without an id for which only a charge of the same amount speaks."""
    strangers: int = 0
    """Entries of that time that belong to no order of this batch. They are no difference: accounts are shared."""
    trouble: str | None = None
    """Why the book could not be read."""

    @property
    def agrees(self) -> bool:
        """Whether each row agrees, to the cent."""
        return self.trouble is None and not self.count and self.batch_cents == self.books_cents


async def compare_books(
    journal: Journal, *, wren: WrenClient | None = None, cnaught: CNaughtClient | None = None
) -> tuple[Books, ...]:
    """Hold a batch against the books of the APIs that are given, with rows for them. It changes nothing.

    Wren's ledger has what was paid by credits; orders paid by card do not stand there and are not compared. A test
    token keeps no books.
    """
    batch = await _read_batch(journal)
    books: list[Books] = []
    if wren is not None and not wren.is_test and batch.paid_by_credits:
        books.append(await _compare_ledger(batch, wren))
    if cnaught is not None and batch.positions:
        books.append(await _compare_orders(batch, cnaught))
    return tuple(books)


@attrs.define
class _Batch:
    """What of a batch should stand in the books."""

    paid_by_credits: list[ReportRow] = attrs.field(factory=list[ReportRow])
    at_cnaught: list[ReportRow] = attrs.field(factory=list[ReportRow])
    positions: dict[str, tuple[int, State]] = attrs.field(factory=dict[str, tuple[int, State]])
    """Line and state by reference, of all that was for CNaught and may have been sent."""
    subaccounts: set[str | None] = attrs.field(factory=set[str | None])
    began: datetime | None = None
    checkpoint: Checkpoint | None = None
    """Where Wren's ledger stood before the first order, if that was noted."""

    def take(self, row: ReportRow) -> None:
        """Take in an order."""
        if row.api == "cnaught":
            self.positions[row.reference] = row.position, row.state
            self.subaccounts.add(row.subaccount_id)
        if row.first_sent is not None and (self.began is None or row.first_sent < self.began):
            self.began = row.first_sent
        if row.state is not State.PLACED:
            return
        if row.api == "cnaught":
            self.at_cnaught.append(row)
        elif row.payment_method == "credits":
            self.paid_by_credits.append(row)

    def is_older(self, moment: datetime | None) -> bool:
        """Whether something of that time was there before the batch began."""
        return moment is not None and self.began is not None and moment < self.began - _CLOCKS_APART


async def _read_batch(journal: Journal) -> _Batch:
    noted = await journal.noted(FIRST_CHECKPOINT)
    batch = _Batch(checkpoint=Checkpoint.from_json(noted) if noted else None)
    async for row in report_rows(journal):
        batch.take(row)
    return batch


class _Comparison:
    """One book being compared: what is wanted there, what was found, and what differs."""

    def __init__(self, where: str, rows: Sequence[ReportRow]) -> None:
        self._where = where
        self._orders = len(rows)
        self._batch_cents = sum(row.cents or 0 for row in rows)
        self._differences: list[Difference] = []
        self.books_cents = 0
        self.by_amount = 0
        self.strangers: Counter[int] = Counter()
        """Entries that belong to no order that is wanted, by their cents."""
        self._nameless: list[ReportRow] = []
        self.wanted: dict[str, ReportRow] = {}
        """By their ids, the orders that should stand there."""
        for row in rows:
            self._want(row)

    def differ(self, row: ReportRow | None, problem: str, *, cents: int = 0, order_id: str | None = None) -> None:
        """Note a difference."""
        position, known_id = (None, None) if row is None else (row.position, row.order_id)
        self._differences.append(
            Difference(position=position, order_id=order_id or known_id, problem=problem, cents=cents)
        )

    def compare_cents(self, row: ReportRow, cents: int) -> None:
        """Hold what an order cost by the book against what the journal says."""
        self.books_cents += cents
        if row.cents is None:
            self.differ(row, f"its cost was not answered; the book has {cents} cents", cents=cents)
        elif row.cents != cents:
            told = f"answered as {row.cents} cents; the book has {cents}"
            self.differ(row, told, cents=cents - row.cents)

    def match_nameless(self) -> None:
        """Find charges for the orders without an id among those that belong to nobody else."""
        for row in self._nameless:
            if row.cents is not None and self.strangers[row.cents]:
                self.strangers[row.cents] -= 1
                self.by_amount += 1
                self.books_cents += row.cents
            else:
                problem = "its id is not known, and no charge of its amount is left"
                self.differ(row, problem, cents=-(row.cents or 0))

    def result(self, trouble: str | None) -> Books:
        """What came of it."""
        differences = sorted(self._differences, key=lambda each: (each.position is None, each.position or 0))
        return Books(
            where=self._where,
            orders=self._orders,
            batch_cents=self._batch_cents,
            books_cents=self.books_cents,
            differences=tuple(differences[:_KEPT]),
            count=len(differences),
            by_amount=self.by_amount,
            strangers=self.strangers.total(),
            trouble=trouble,
        )

    def _want(self, row: ReportRow) -> None:
        if row.order_id is None:
            self._nameless.append(row)
        elif (other := self.wanted.setdefault(row.order_id, row)) is not row:
            self.differ(row, f"has the same id as line {other.position}", cents=-(row.cents or 0))


async def _read_whole(reading: Coroutine[None, None, None], finish: Callable[[str | None], Books]) -> Books:
    try:
        await reading
    except (CallError, PagingError) as error:
        return finish(str(error))
    return finish(None)


async def _take_recent(
    pages: AsyncIterator[Iterable[T]], is_older: Callable[[T], bool], take: Callable[[T], None]
) -> None:
    """Take the items of a list that comes newest first, up to the first that is older."""
    # Closed at once, because the walk mostly ends before the list does.
    async with aclosing(cast("AsyncGenerator[Iterable[T], None]", pages)) as walked:
        async for page in walked:
            for item in page:
                if is_older(item):
                    return
                take(item)


# --- Wren -----------------------------------------------------------------------------------------------------------


async def _compare_ledger(batch: _Batch, client: WrenClient) -> Books:
    comparison = _Comparison(LEDGER, batch.paid_by_credits)
    charged: dict[str, int] = {}
    refunded: dict[str, int] = {}

    async def read() -> None:
        await _take_recent(
            _since(client.credits.ledger().pages(), batch.checkpoint),
            lambda entry: batch.checkpoint is None and batch.is_older(entry.created_at),
            lambda entry: _take_entry(entry, comparison, charged, refunded),
        )
        for order_id, row in comparison.wanted.items():
            if order_id in charged:
                comparison.compare_cents(row, charged[order_id])
            else:
                comparison.differ(row, "the ledger has no charge for it, or not yet", cents=-(row.cents or 0))
            if order_id in refunded:
                comparison.books_cents -= refunded[order_id]
                comparison.differ(row, f"{refunded[order_id]} cents were refunded", cents=-refunded[order_id])
        comparison.match_nameless()

    return await _read_whole(read(), comparison.result)


async def _since(
    pages: AsyncIterator[OffsetPage[LedgerEntry]], checkpoint: Checkpoint | None
) -> AsyncIterator[Sequence[LedgerEntry]]:
    """The entries of a ledger, newest first, down to those that were there at a checkpoint."""
    place, total = 0, None
    async with aclosing(cast("AsyncGenerator[OffsetPage[LedgerEntry], None]", pages)) as walked:
        async for page in walked:
            total = page.total if total is None else total
            new: list[LedgerEntry] = []
            for entry in page:
                if checkpoint is not None and checkpoint.covers(entry, place, total):
                    yield new
                    return
                new.append(entry)
                place += 1
            yield new


def _take_entry(entry: LedgerEntry, comparison: _Comparison, charged: dict[str, int], refunded: dict[str, int]) -> None:
    kind, order_id = entry.type, entry.order_group_id
    if order_id not in comparison.wanted:
        if kind == LedgerEntryType.DEDUCTION:
            comparison.strangers[-entry.amount_usd_cents] += 1
    elif kind == LedgerEntryType.DEDUCTION:
        charged[order_id] = charged.get(order_id, 0) - entry.amount_usd_cents
    elif kind == LedgerEntryType.REFUND:
        # The sign of a refund is not documented.
        refunded[order_id] = refunded.get(order_id, 0) + abs(entry.amount_usd_cents)


# --- CNaught --------------------------------------------------------------------------------------------------------


async def _compare_orders(batch: _Batch, client: CNaughtClient) -> Books:
    comparison = _Comparison(ORDERS, batch.at_cnaught)
    seen: set[str] = set()

    def take(order: Order) -> None:
        if order.id not in seen:
            seen.add(order.id)
            _take_order(order, comparison, batch)

    async def read() -> None:
        # An account's list may hold its subaccounts' orders as well: each counts once.
        for subaccount in sorted(batch.subaccounts, key=lambda each: each or ""):
            orders = client.orders.list(subaccount_id=UNSET if subaccount is None else subaccount)
            await _take_recent(orders.pages(), lambda order: batch.is_older(order.created_on), take)
        for order_id, row in comparison.wanted.items():
            if order_id not in seen:
                comparison.differ(row, "does not stand in the list, or not yet", cents=-(row.cents or 0))
        comparison.match_nameless()

    return await _read_whole(read(), comparison.result)


def _take_order(order: Order, comparison: _Comparison, batch: _Batch) -> None:
    carried = [reference for reference in references(order.metadata) if reference in batch.positions]
    row = comparison.wanted.get(order.id)
    if row is None:
        _take_stranger(order, carried, comparison, batch)
        return
    comparison.compare_cents(row, order.price_usd_cents)
    if row.kilograms is not None and order.amount_kg != row.kilograms:
        told = f"answered as {mass_text(row.kilograms)} kg; the list has {mass_text(order.amount_kg)} kg"
        comparison.differ(row, told)
    if row.reference not in carried:
        comparison.differ(row, "the order of this id does not carry its reference")
    if order.state == OrderState.CANCELLED:
        comparison.differ(row, "was cancelled")


def _take_stranger(order: Order, carried: Sequence[str], comparison: _Comparison, batch: _Batch) -> None:
    if not carried:
        comparison.strangers[order.price_usd_cents] += 1
        return
    position, state = batch.positions[carried[0]]
    problem = f"carries the reference of line {position}, which is {state} in the journal, not as this order"
    comparison.books_cents += order.price_usd_cents
    comparison.differ(None, problem, cents=order.price_usd_cents, order_id=order.id)
