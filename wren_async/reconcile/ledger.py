"""Charges: new entries of Wren's ledger since a checkpoint, and purchases, by which an order's id is found again.

An equal amount is a hint and no proof: a wallet is shared, and refills itself.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, cast

import attrs

from wren_async._generated.wren.models import LedgerEntry, LedgerEntryType
from wren_async._generated.wren.operations import purchases, wallet
from wren_async.core.paging import OffsetPage, OffsetPager
from wren_async.errors import InvalidArgument
from wren_async.reconcile.listing import READ_FAILURES, Reader
from wren_async.reconcile.verdict import Charge, Look

KeyT = TypeVar("KeyT")

LEDGER: Final = "GET /api/credits/ledger"
PURCHASES: Final = "GET /api/purchases"
_PAGE: Final = 200
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
    """New charges, newest first, and how they were come by."""

    look: Look
    charges: tuple[Charge, ...] = ()
    """None where the list could not be read as far back as was needed."""
    top_ups: tuple[Charge, ...] = ()


async def take_checkpoint(reader: Reader) -> Checkpoint:
    """Note where the ledger stands."""
    taken = reader.present().here
    page = await reader.send(wallet.list_credit_ledger(limit=1, offset=0))
    return Checkpoint(total=page.total, newest=_mark(page.entries[0]) if page.entries else None, taken=taken)


async def new_entries(reader: Reader, checkpoint: Checkpoint | None, since: datetime | None) -> Charges:
    """The entries after a checkpoint or, without one, those not older than `since`."""
    entries: list[LedgerEntry] = []
    trouble: str | None
    try:
        trouble = await _walk(reader, checkpoint, since, entries)
    except READ_FAILURES as error:
        trouble = str(error)
    look = Look(where=LEDGER, rows=len(entries), to_the_end=trouble is None, trouble=trouble)
    if trouble is not None:
        return Charges(look=look)
    return Charges(
        look=look,
        charges=tuple(
            Charge(where=LEDGER, id=entry.order_group_id, cents=-entry.amount_usd_cents, at=entry.created_at)
            for entry in entries
            if entry.type == LedgerEntryType.DEDUCTION
        ),
        top_ups=tuple(
            Charge(where=LEDGER, id=entry.stripe_charge_id, cents=entry.amount_usd_cents, at=entry.created_at)
            for entry in entries
            if entry.type == LedgerEntryType.TOP_UP
        ),
    )


async def _walk(
    reader: Reader, checkpoint: Checkpoint | None, since: datetime | None, entries: list[LedgerEntry]
) -> str | None:
    """Collect new entries, newest first; why they cannot be told from old ones, if they cannot."""
    count: int | None = None
    # Closed at once, because the walk mostly ends before the list does.
    async with aclosing(cast("AsyncGenerator[OffsetPage[LedgerEntry], None]", _ledger(reader).pages())) as pages:
        async for page in pages:
            if count is None:
                count = page.total - (checkpoint.total if checkpoint else 0)
                if count < 0:
                    return "it has fewer entries than at the checkpoint"
            for entry in page:
                if _is_old(entry, len(entries), count, checkpoint, since):
                    return None
                entries.append(entry)
    if checkpoint is not None and checkpoint.total:
        return "its entry at the checkpoint did not come"
    if checkpoint is None and any(entry.created_at is None for entry in entries):
        return "its entries have no times, and there is no checkpoint"
    return None


def _is_old(entry: LedgerEntry, place: int, count: int, checkpoint: Checkpoint | None, since: datetime | None) -> bool:
    if checkpoint is None:
        return entry.created_at is not None and since is not None and entry.created_at < since
    return checkpoint.covers(entry, place, count + checkpoint.total)


def _mark(entry: LedgerEntry) -> str | None:
    if entry.id is not None:
        return f"id {entry.id}"
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


async def new_purchases(reader: Reader, since: datetime | None) -> Charges:
    """The purchases not older than `since`."""
    try:
        listed = (await reader.send(purchases.list_purchases())).purchases
    except READ_FAILURES as error:
        return Charges(look=Look(where=PURCHASES, trouble=str(error)))
    return Charges(
        look=Look(where=PURCHASES, rows=len(listed), to_the_end=True),
        charges=tuple(
            Charge(
                where=PURCHASES, id=each.stripe_charge_id, cents=each.total_amount_paid_by_customer, at=each.created_at
            )
            for each in listed
            if since is None or each.created_at >= since
        ),
    )


def fitting(
    charges: Sequence[Charge], amounts: Collection[int], placed_at: datetime | None, known: Collection[str]
) -> tuple[Charge, ...]:
    """The charges of one of these amounts that may belong to an order of that time, and to none that is known."""
    return tuple(
        charge
        for charge in charges
        if charge.cents in amounts
        and charge.id not in known
        and (placed_at is None or charge.at is None or abs(charge.at - placed_at) <= _TOGETHER)
    )


def unique(candidates: Mapping[KeyT, tuple[Charge, ...]]) -> dict[KeyT, Charge]:
    """For each order the only charge that may be its own. A charge that two orders would claim is nobody's."""
    alone: dict[KeyT, Charge] = {key: found[0] for key, found in candidates.items() if len(found) == 1}
    claims = Counter(charge.id for found in candidates.values() for charge in found)
    return {key: charge for key, charge in alone.items() if charge.id is not None and claims[charge.id] == 1}


def earliest(moments: Collection[datetime | None]) -> datetime | None:
    """The earliest moment, or `None` where one of them is not known."""
    told: list[Any] = [moment for moment in moments if moment is not None]
    return min(told) if told and len(told) == len(moments) else None
