"""From a submitted order to one of the journal: what it will cost, and whether it may be bought at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final

import attrs

from wren_async.batch.input.ceilings import above
from wren_async.batch.input.pricing import Price, PriceList, Unpriced
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Entry, JournalError, Result, Row, State
from wren_async.batch.run.account_lists import Sought, shown
from wren_async.batch.run.outcomes import in_doubt, intent_of
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.core.client import BaseClient
from wren_async.core.timing import Timing
from wren_async.outbox.caps import OutboxCaps
from wren_async.outbox.names import sent_reference
from wren_async.outbox.store import ApiJournal, Unplanned
from wren_async.reconcile.listing import UnreadableList

_AT_ONCE: Final = 200
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""The key of an order that was forgotten and submitted anew is not the one that was sent: it is never trusted."""
_FRESH: Final = 600.0
"""Seconds for which a price is taken to be the same."""


class Planning:
    """Plans the submitted orders of one API: asks their prices, and takes them into the journal."""

    def __init__(
        self,
        api: Api,
        client: BaseClient,
        journal: ApiJournal,
        *,
        caps: Callable[[], OutboxCaps],
        timing: Timing,
        clocks: ServerClocks,
        looks_first: bool,
    ) -> None:
        """Set it up. Where it `looks_first`, an order that the account lists already becomes undecided, and is not sent
        before it is found out what became of it. Orders that may have been sent before are always looked for."""
        self._api: Api = api
        self._clients: Mapping[Api, BaseClient] = {api: client}
        self._ceilings = client.ceilings
        self._journal = journal
        self._caps = caps
        self._timing = timing
        self._clocks = clocks
        self._looks_first = looks_first
        self.has_doubted = False
        """Whether orders became undecided, since somebody last asked, because the account lists them already."""
        self._prices = PriceList(self._clients)
        self._priced_at = timing.monotonic()

    async def plan(self) -> bool:
        """Plan the oldest orders; whether there were any. Raises what is not about one order, such as a bad token."""
        orders = await self._journal.unplanned(_AT_ONCE)
        if not orders:
            return False
        rows = [_row(each) for each in orders]
        now = self._timing.monotonic()
        if now - self._priced_at > _FRESH:
            self._prices, self._priced_at = PriceList(self._clients), now
        prices = await self._prices.of([intent_of(row) for row in rows])
        refused = {
            row.position: reason
            for row, price in zip(rows, prices, strict=True)
            if (reason := self._refusal(row, price))
        }
        planned = [_priced(row, price) for row, price in zip(rows, prices, strict=True)]
        doubted = await self._listed([row for row in planned if row.position not in refused])
        await self._journal.plan(planned, refused, doubted)
        self.has_doubted |= bool(doubted)
        return True

    def _refusal(self, row: Row, price: Price | Unpriced) -> str | None:
        if isinstance(price, Unpriced):
            return f"{self._api} would not price it: {price.reason}"
        if self._ceilings is not None and (reason := above(self._ceilings, intent_of(row), price)):
            return reason
        caps = self._caps()
        return caps.refusal(intent_of(row)) or caps.never_fits(price.cents, price.grams)

    async def _listed(self, rows: Sequence[Row]) -> dict[int, Result]:
        """Those orders that the account shows already: this outbox sent them, and has forgotten it since."""
        if not (self._looks_first or self._journal.is_behind):
            rows = [row for row in rows if row.position <= self._journal.inherited]
        if not rows:
            return {}
        sought, entries = Sought(), {row.position: Entry(row=row, result=Result(state=State.PENDING)) for row in rows}
        for entry in entries.values():
            sought.add(entry)
        found: set[int] = set()
        try:
            async with aclosing(shown(sought, self._clients, None)) as positions:
                async for position in positions:
                    found.add(position)
        except UnreadableList as error:
            raise JournalError(
                f"a list of {self._api} could not be read, and it may show orders that this outbox has forgotten; "
                f"nothing of {self._api} is sent before it can be: {error}"
            ) from error
        why = "the account lists an order with its reference, which this outbox had never sent"
        return {
            position: in_doubt(entries[position], _LONG_AGO, self._clocks.latest(self._api), why) for position in found
        }


def _row(submitted: Unplanned) -> Row:
    order = submitted.order
    return Row(
        position=submitted.position,
        intent=order.intent,
        digest=order.digest,
        reference=sent_reference(order.outbox, order.reference),
        key=order.key,
        cents=0,
        grams=0,
    )


def _priced(row: Row, price: Price | Unpriced) -> Row:
    return row if isinstance(price, Unpriced) else attrs.evolve(row, cents=price.cents, grams=price.grams)
