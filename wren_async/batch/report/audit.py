"""Agreement with the books: what a batch says it paid, held against Wren's ledger and purchases and CNaught's orders.

Rows are matched by id. Where the id of an order is not known, because its answer was lost, a charge of its amount that
belongs to no other order of the batch stands for it, and is counted apart: a wallet is shared, and equal amounts are
common.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import Final, TypeVar, cast

import attrs

from wren_async._generated.cnaught.models import Order, OrderState
from wren_async._generated.wren.models import LedgerEntry, LedgerEntryType, Purchase
from wren_async._generated.wren.operations import purchases
from wren_async.batch.chunks import in_chunks
from wren_async.batch.journal.contract import Journal, State
from wren_async.batch.journal.notes import Note, read_note
from wren_async.batch.report.rows import ReportRow, mass_text, report_rows
from wren_async.batch.report.staging import Item, StagingTable
from wren_async.cnaught import CNaughtClient
from wren_async.core.paging import OffsetPage
from wren_async.core.reference import carried
from wren_async.core.values import UNSET
from wren_async.reconcile import Checkpoint
from wren_async.reconcile.ledger import whole_cents
from wren_async.reconcile.listing import READ_FAILURES, Reader, read_list
from wren_async.wren import WrenClient

T = TypeVar("T")

LEDGER: Final = "Wren ledger"
PURCHASES: Final = "Wren purchases"
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
class Audit:
    """What holding a batch against one book gave."""

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
    unknown: int = 0
    """Placed orders whose charge was not answered. They are no difference, because there is nothing to compare."""
    unknown_cents: int = 0
    """What the book has for those of them that it names, in USD cents."""
    by_amount: int = 0
    """Orders without an id for which only a charge of the same amount speaks."""
    unmatched: int = 0
    """Entries of that time that belong to no order of this batch. They are no difference: accounts are shared."""
    trouble: str | None = None
    """Why the book could not be read."""

    @property
    def agrees(self) -> bool:
        """Whether each row whose charge is known agrees, to the cent."""
        return self.trouble is None and not self.count and self.batch_cents == self.books_cents


async def audit_books(
    journal: Journal, *, wren: WrenClient | None = None, cnaught: CNaughtClient | None = None
) -> tuple[Audit, ...]:
    """Hold a batch against the books of the APIs that are given, with rows for them. It changes nothing.

    Wren's ledger has what was paid by credits, its purchases what was paid by card. A test token keeps no books.
    """
    staging = await asyncio.to_thread(StagingTable)
    try:
        batch = await _read_batch(journal, staging)
        audits: list[Audit] = []
        if wren is not None and not wren.is_test:
            if staging.sums(LEDGER)[0]:
                audits.append(await _compare_ledger(batch, wren))
            if staging.sums(PURCHASES)[0]:
                audits.append(await _compare_purchases(batch, wren))
        if cnaught is not None and batch.subaccounts:
            audits.append(await _compare_orders(batch, cnaught))
        return tuple(audits)
    finally:
        staging.close()


@attrs.define
class _Batch:
    """What of a batch should stand in the books."""

    staging: StagingTable
    subaccounts: set[str | None] = attrs.field(factory=set[str | None])
    """Those of CNaught's that it orders for; `None` is the client's own."""
    began: datetime | None = None
    checkpoint: Checkpoint | None = None
    """Where Wren's ledger stood before the first order, if that was noted."""

    def add(self, row: ReportRow) -> str | None:
        """Add an order, and return the book in which it should stand."""
        if row.api == "cnaught":
            self.subaccounts.add(row.subaccount_id)
        if row.first_sent is not None and (self.began is None or row.first_sent < self.began):
            self.began = row.first_sent
        if row.state is not State.PLACED:
            return None
        if row.api == "cnaught":
            return ORDERS
        return LEDGER if row.payment_method == "credits" else PURCHASES

    def is_older(self, moment: datetime | None) -> bool:
        """Whether something of that time was there before the batch began."""
        return moment is not None and self.began is not None and moment < self.began - _CLOCKS_APART


async def _read_batch(journal: Journal, staging: StagingTable) -> _Batch:
    noted = await journal.noted(Note.FIRST_LEDGER)
    checkpoint = read_note(journal, Note.FIRST_LEDGER, noted, Checkpoint.from_json) if noted else None
    batch = _Batch(staging, checkpoint=checkpoint)
    async for rows in in_chunks(report_rows(journal)):
        await asyncio.to_thread(staging.lay_out, [(row, batch.add(row)) for row in rows])
    await asyncio.to_thread(staging.sort)
    return batch


class _Comparison:
    """One book being compared: what was found there, and what differs."""

    def __init__(self, where: str, staging: StagingTable) -> None:
        self.where = where
        self.staging = staging
        self._kept: list[Difference] = []
        self._count = 0
        self._books_cents = 0
        self._unknown = 0
        self._unknown_cents = 0
        self._by_amount = 0

    def differ(self, item: Item | None, problem: str, *, cents: int = 0, order_id: str | None = None) -> None:
        """Note a difference."""
        position, known_id = (None, None) if item is None else (item.position, item.order_id)
        self._count += 1
        self._kept.append(Difference(position=position, order_id=order_id or known_id, problem=problem, cents=cents))
        if len(self._kept) >= 2 * _KEPT:
            self._kept = sorted(self._kept, key=_place)[:_KEPT]

    def differ_unknown(self, order_id: str, problem: str, cents: int) -> None:
        """Note an entry that is of this batch by its reference, and of no order that the journal knows as placed."""
        self._books_cents += cents
        self.differ(None, problem, cents=cents, order_id=order_id)

    def compare(self, missing: str) -> None:
        """Hold each order against what was found for it. `missing` is what to say where nothing was."""
        for item in self.staging.items(self.where):
            if item.order_id is None:
                self._match_nameless(item)
            elif item.first != item.position:
                self.differ(item, f"has the same id as line {item.first}", cents=-(item.cents or 0))
            elif item.charged is None:
                self.differ(item, missing, cents=-(item.cents or 0))
            else:
                self._compare_cents(item, item.charged)
            if item.refunded:
                self._count_in(item, -item.refunded)
                self.differ(item, f"{item.refunded} cents were refunded", cents=-item.refunded)

    def _compare_cents(self, item: Item, cents: int) -> None:
        """Hold what an order cost by the book against what the journal says."""
        self._count_in(item, cents)
        if item.cents is None:
            self._unknown += 1
        elif item.cents != cents:
            told = f"answered as {item.cents} cents; the book has {cents}"
            self.differ(item, told, cents=cents - item.cents)

    def _count_in(self, item: Item, cents: int) -> None:
        """Count what the book has of an order: apart from the others where its charge was not answered."""
        if item.cents is None:
            self._unknown_cents += cents
        else:
            self._books_cents += cents

    def _match_nameless(self, item: Item) -> None:
        """Find a charge for an order without an id among those that belong to nobody else."""
        if item.cents is None:
            self._unknown += 1
        elif self.staging.take_unmatched(self.where, item.cents):
            self._by_amount += 1
            self._books_cents += item.cents
        else:
            self.differ(item, "its id is not known, and no charge of its amount is left", cents=-item.cents)

    def result(self, trouble: str | None) -> Audit:
        """What came of it."""
        orders, batch_cents = self.staging.sums(self.where)
        return Audit(
            where=self.where,
            orders=orders,
            batch_cents=batch_cents,
            books_cents=self._books_cents,
            differences=tuple(sorted(self._kept, key=_place)[:_KEPT]),
            count=self._count,
            unknown=self._unknown,
            unknown_cents=self._unknown_cents,
            by_amount=self._by_amount,
            unmatched=self.staging.unmatched(self.where),
            trouble=trouble,
        )


def _place(difference: Difference) -> tuple[bool, int]:
    return difference.position is None, difference.position or 0


async def _read_whole(reading: Coroutine[None, None, None], finish: Callable[[str | None], Audit]) -> Audit:
    try:
        await reading
    except READ_FAILURES as error:
        return finish(str(error))
    return finish(None)


async def _match_recent(
    pages: AsyncIterator[Iterable[T]], is_older: Callable[[T], bool], match: Callable[[Sequence[T]], None]
) -> None:
    """Match with the batch a list that comes newest first, up to the first item that is older, a page at a time."""
    # Closed at once, because the walk mostly ends before the list does.
    async with aclosing(cast("AsyncGenerator[Iterable[T], None]", pages)) as walked:
        async for page in walked:
            items = list(page)
            recent = list(takewhile(lambda item: not is_older(item), items))
            await asyncio.to_thread(match, recent)
            if len(recent) < len(items):
                return


# --- Wren -----------------------------------------------------------------------------------------------------------


async def _compare_ledger(batch: _Batch, client: WrenClient) -> Audit:
    comparison = _Comparison(LEDGER, batch.staging)

    async def read() -> None:
        await _match_recent(
            _since(client.credits.ledger().pages(), batch.checkpoint),
            lambda entry: batch.checkpoint is None and batch.is_older(entry.created_at),
            lambda entries: _match_entries(entries, batch.staging),
        )
        await asyncio.to_thread(comparison.compare, "the ledger has no charge for it, or not yet")

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


def _match_entries(entries: Sequence[LedgerEntry], staging: StagingTable) -> None:
    for entry in entries:
        item = staging.by_id(LEDGER, entry.order_group_id)
        if entry.type == LedgerEntryType.DEDUCTION:
            if item is None:
                staging.put_aside(LEDGER, entry.order_group_id, whole_cents(-entry.amount_usd_cents))
            else:
                staging.charge(item.position, cents=whole_cents(-entry.amount_usd_cents))
        elif entry.type == LedgerEntryType.REFUND and item is not None:
            # The sign of a refund is not documented.
            staging.charge(item.position, refunded=whole_cents(abs(Decimal(entry.amount_usd_cents))))


async def _compare_purchases(batch: _Batch, client: WrenClient) -> Audit:
    """What was paid by card: the id of such an order is that of its charge, and a purchase is the sum of a charge."""
    comparison = _Comparison(PURCHASES, batch.staging)

    async def read() -> None:
        reader = Reader(client)
        async for purchase in read_list(reader, purchases.list_purchases(), "purchases", Purchase):
            _match_purchase(purchase, batch)
        await asyncio.to_thread(comparison.compare, "no purchase is of its charge, or not yet")

    return await _read_whole(read(), comparison.result)


def _match_purchase(purchase: Purchase, batch: _Batch) -> None:
    cents = purchase.total_amount_paid_by_customer
    item = batch.staging.by_id(PURCHASES, purchase.stripe_charge_id)
    if item is not None:
        batch.staging.charge(item.position, cents=cents)
    elif purchase.stripe_charge_id is None or batch.staging.by_id(LEDGER, purchase.stripe_charge_id) is not None:
        # Orders paid by credits may stand here too, with or without their id.
        return
    elif not batch.is_older(purchase.created_at):
        batch.staging.put_aside(PURCHASES, purchase.stripe_charge_id, cents)


# --- CNaught --------------------------------------------------------------------------------------------------------


async def _compare_orders(batch: _Batch, client: CNaughtClient) -> Audit:
    comparison = _Comparison(ORDERS, batch.staging)

    def match(orders: Sequence[Order]) -> None:
        for order in orders:
            _match_order(order, comparison)

    async def read() -> None:
        for subaccount in sorted(batch.subaccounts, key=lambda each: each or ""):
            orders = client.orders.list(subaccount_id=UNSET if subaccount is None else subaccount)
            await _match_recent(orders.pages(), lambda order: batch.is_older(order.created_on), match)
        await asyncio.to_thread(comparison.compare, "does not stand in the list, or not yet")

    return await _read_whole(read(), comparison.result)


def _match_order(order: Order, comparison: _Comparison) -> None:
    staging = comparison.staging
    item = staging.by_id(ORDERS, order.id)
    # An account's list may hold its subaccounts' orders as well: each counts once.
    if item is None and not staging.is_aside(ORDERS, order.id):
        _put_aside(order, comparison)
    if item is None or item.charged is not None:
        return
    staging.charge(item.position, cents=order.price_usd_cents)
    if item.kilograms is not None and order.amount_kg != item.kilograms:
        told = f"answered as {mass_text(item.kilograms)} kg; the list has {mass_text(order.amount_kg)} kg"
        comparison.differ(item, told)
    if item.reference != carried(order.metadata):
        comparison.differ(item, "the order of this id does not carry its reference")
    if order.state == OrderState.CANCELLED:
        comparison.differ(item, "was cancelled")


def _put_aside(order: Order, comparison: _Comparison) -> None:
    staging = comparison.staging
    reference = carried(order.metadata)
    ours = None if reference is None else staging.by_reference(reference)
    staging.put_aside(ORDERS if ours is None else f"{ORDERS}, of this batch", order.id, order.price_usd_cents)
    if ours is not None:
        told = f"carries the reference of line {ours.position}, which is {ours.state} in the journal"
        comparison.differ_unknown(order.id, f"{told}, not as this order", order.price_usd_cents)
