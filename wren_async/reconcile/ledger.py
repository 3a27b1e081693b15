"""Charges: new entries of Wren's ledger since a checkpoint, and purchases, by which an order's id is found again.

A charge of the same amount is a hint and no proof: several programs may use one wallet, and it may top itself up.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar, cast

import attrs

from wren_async._generated.wren.models import LedgerEntry, LedgerEntryType, Purchase
from wren_async._generated.wren.operations import purchases, wallet
from wren_async.core.paging import OffsetPage, OffsetPager
from wren_async.core.printable import printable
from wren_async.errors import InvalidArgument
from wren_async.reconcile.listing import READ_FAILURES, Reader, UnreadableList, read_list
from wren_async.reconcile.verdict import Charge, Look

KeyT = TypeVar("KeyT")

Accounted: TypeAlias = Callable[[Collection[str]], Awaitable[Collection[str]]]
"""Given some ids, returns those of orders that are accounted for.

A function and no set, because there may be more such orders than fit in memory.
"""

LEDGER: Final = "GET /api/credits/ledger"
PURCHASES: Final = "GET /api/purchases"
_PAGE: Final = 200
_AT_ONCE: Final = 5000
"""Charges of which one call of `Accounted` is asked."""
_TOGETHER: Final = timedelta(minutes=2)
"""How far the times of an order and of its charge may lie apart."""


@attrs.frozen(kw_only=True)
class Checkpoint:
    """Where the ledger stood before something was sent. Take it with `await wren.checkpoint()`."""

    total: int
    """Entries in the ledger."""
    newest: str | None
    """What the newest entry is recognised by; `None` where there was none, or nothing to go by."""
    taken: datetime
    """When it was taken, by this machine's clock."""

    def to_json(self) -> str:
        """The checkpoint as text, for a journal."""
        return json.dumps({"total": self.total, "newest": self.newest, "taken": self.taken.isoformat()})

    def covers(self, entry: LedgerEntry, place: int, total: int) -> bool:
        """Whether an entry was there then: the one at this place, from 0, in a ledger of `total`, newest first."""
        if self.newest is not None:
            return _mark(entry) == self.newest
        return self.total > 0 and place >= total - self.total

    @classmethod
    def from_json(cls, text: str) -> Checkpoint:
        """The checkpoint that `to_json` wrote. Raises `InvalidArgument`."""
        try:
            told = json.loads(text)
            taken = datetime.fromisoformat(told["taken"]).astimezone(UTC)
            return cls(total=int(told["total"]), newest=told["newest"], taken=taken)
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidArgument("text", f"is no checkpoint: {error}") from None


@attrs.frozen(kw_only=True)
class Charges:
    """New charges, newest first, and the look at the list that showed them."""

    look: Look
    charges: tuple[Charge, ...] = ()
    """None where the list could not be read as far back as was needed."""
    top_ups: tuple[Charge, ...] = ()


async def take_checkpoint(reader: Reader) -> Checkpoint:
    """Note where the ledger stands."""
    taken = reader.present().here
    page = await reader.send(wallet.list_credit_ledger(limit=1, offset=0))
    return Checkpoint(total=page.total, newest=_mark(page.entries[0]) if page.entries else None, taken=taken)


@attrs.define
class _OpenCharges:
    """The charges of a wanted amount that belong to no known order, picked out of any number of them.

    Which orders are known is asked for some thousand charges at a time, because all of them may not fit in memory.
    """

    amounts: Collection[int]
    accounted: Accounted
    charges: list[Charge] = attrs.field(factory=list[Charge])
    _unasked: list[Charge] = attrs.field(factory=list[Charge])

    async def add(self, charge: Charge) -> None:
        """Consider a charge: it is kept if its amount is wanted and no known order is its own."""
        if charge.cents in self.amounts:
            self._unasked.append(charge)
            if len(self._unasked) >= _AT_ONCE:
                await self.ask()

    async def ask(self) -> None:
        """Ask which of the charges held back are accounted for, and keep the others."""
        known = await self.accounted([charge.id for charge in self._unasked if charge.id is not None])
        self.charges += [charge for charge in self._unasked if charge.id not in known]
        self._unasked = []


async def new_entries(
    reader: Reader,
    checkpoint: Checkpoint | None,
    since: datetime | None,
    amounts: Collection[int],
    accounted: Accounted,
) -> Charges:
    """The entries of these amounts after a checkpoint or, without one, those not older than `since`."""
    deductions, top_ups = _OpenCharges(amounts, accounted), _OpenCharges(amounts, accounted)
    rows, trouble = 0, None
    try:
        async with aclosing(_entries_since(reader, checkpoint, since)) as entries:
            async for entry in entries:
                rows += 1
                if entry.type == LedgerEntryType.DEDUCTION:
                    await deductions.add(_charge(entry, entry.order_group_id, -entry.amount_usd_cents))
                elif entry.type == LedgerEntryType.TOP_UP:
                    await top_ups.add(_charge(entry, entry.stripe_charge_id, entry.amount_usd_cents))
        await deductions.ask()
        await top_ups.ask()
    except READ_FAILURES as error:
        trouble = str(error)
    look = Look(where=LEDGER, rows=rows, to_the_end=trouble is None, trouble=trouble)
    if trouble is not None:
        return Charges(look=look)
    return Charges(look=look, charges=tuple(deductions.charges), top_ups=tuple(top_ups.charges))


async def charged_since(reader: Reader, checkpoint: Checkpoint) -> Collection[str] | None:
    """What was charged to the wallet after a checkpoint, by the ids of its orders; `None` where that is not told.

    Raises one of `READ_FAILURES` where the ledger cannot be read.
    """
    charged: set[str] = set()
    async with aclosing(_entries_since(reader, checkpoint, None)) as entries:
        async for entry in entries:
            if entry.type == LedgerEntryType.DEDUCTION:
                if entry.order_group_id is None or len(charged) >= _AT_ONCE:
                    return None
                charged.add(entry.order_group_id)
    return charged


def _charge(entry: LedgerEntry, linked: str | None, cents: int | Decimal) -> Charge:
    return Charge(where=LEDGER, id=linked, cents=whole_cents(cents), at=entry.created_at)


def whole_cents(cents: int | Decimal) -> int:
    """An amount of the ledger in whole US cents, as an order's answer has it: a fraction of a cent is rounded up."""
    return math.ceil(cents)


async def _entries_since(
    reader: Reader, checkpoint: Checkpoint | None, since: datetime | None
) -> AsyncGenerator[LedgerEntry, None]:
    """New entries, newest first. Raises `UnreadableList` where they cannot be told from old ones."""
    count: int | None = None
    place, undated = 0, False
    # Closed at once, because the walk mostly ends before the list does.
    async with aclosing(cast("AsyncGenerator[OffsetPage[LedgerEntry], None]", _ledger(reader).pages())) as pages:
        async for page in pages:
            if count is None:
                count = page.total - (checkpoint.total if checkpoint else 0)
                if count < 0:
                    raise UnreadableList(f"{LEDGER} has fewer entries than at the checkpoint")
            for entry in page:
                if _is_old(entry, place, count, checkpoint, since):
                    return
                place += 1
                undated |= entry.created_at is None
                yield entry
    if checkpoint is not None and checkpoint.total:
        raise UnreadableList(f"{LEDGER}: the entry at the checkpoint did not come")
    if checkpoint is None and undated:
        raise UnreadableList(f"{LEDGER}: the entries have no times, and there is no checkpoint")


def _is_old(entry: LedgerEntry, place: int, count: int, checkpoint: Checkpoint | None, since: datetime | None) -> bool:
    if checkpoint is None:
        return entry.created_at is not None and since is not None and entry.created_at < since
    return checkpoint.covers(entry, place, count + checkpoint.total)


def _mark(entry: LedgerEntry) -> str | None:
    if entry.id is not None:
        return f"id {printable(str(entry.id), 60)}"
    linked = entry.order_group_id or entry.stripe_charge_id
    return f"{entry.type} {linked} {entry.amount_usd_cents}" if linked else None


def _ledger(reader: Reader) -> OffsetPager[LedgerEntry]:
    return OffsetPager(
        reader,
        wallet.list_credit_ledger(limit=_PAGE, offset=0),
        items=lambda page: page.entries,
        total=lambda page: page.total,
        starts_at=lambda page: page.offset,
        identify=lambda entry: entry.id,
    )


async def new_purchases(
    reader: Reader, since: datetime | None, amounts: Collection[int], accounted: Accounted
) -> Charges:
    """The purchases of these amounts not older than `since`."""
    kept = _OpenCharges(amounts, accounted)
    rows, trouble = 0, None
    try:
        async for each in read_list(reader, purchases.list_purchases(), "purchases", Purchase):
            rows += 1
            if since is None or each.created_at >= since:
                cents = each.total_amount_paid_by_customer
                await kept.add(Charge(where=PURCHASES, id=each.stripe_charge_id, cents=cents, at=each.created_at))
        await kept.ask()
    except READ_FAILURES as error:
        trouble = str(error)
    look = Look(where=PURCHASES, rows=rows, to_the_end=trouble is None, trouble=trouble)
    return Charges(look=look, charges=() if trouble else tuple(kept.charges))


def fitting(
    charges: Sequence[Charge], amounts: Collection[int], placed_at: datetime | None, taken: Collection[str]
) -> tuple[Charge, ...]:
    """The charges of one of these amounts that may belong to an order of that time, and are not taken."""
    return tuple(
        charge
        for charge in charges
        if charge.cents in amounts
        and charge.id not in taken
        and (placed_at is None or charge.at is None or abs(charge.at - placed_at) <= _TOGETHER)
    )


def unique(candidates: Mapping[KeyT, tuple[Charge, ...]]) -> dict[KeyT, Charge]:
    """For each order, the only charge that may be its own. A charge that two orders could claim goes to neither."""
    alone: dict[KeyT, Charge] = {key: found[0] for key, found in candidates.items() if len(found) == 1}
    claims = Counter(charge.id for found in candidates.values() for charge in found)
    return {key: charge for key, charge in alone.items() if charge.id is not None and claims[charge.id] == 1}


def earliest(moments: Collection[datetime | None]) -> datetime | None:
    """The earliest moment, or `None` where one of them is not known."""
    told: list[Any] = [moment for moment in moments if moment is not None]
    return min(told) if told and len(told) == len(moments) else None
