"""From a submitted order to one of the journal: what it will cost, and whether it may be bought at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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
from wren_async.errors import AccessRefused, PaymentRequired, RateLimited, WrenAsyncError
from wren_async.outbox.caps import OutboxCaps
from wren_async.outbox.names import sent_reference
from wren_async.outbox.store import ApiJournal, Unplanned
from wren_async.reconcile.listing import UnreadableList

_AT_ONCE: Final = 200
_LOOKED_FOR_AT_ONCE: Final = 1000
"""So many where each of them is looked for: the lists are read once for all of them."""
_LONG_LOOK: Final = 1.0
_REST_OF_LOOKS: Final = 9
"""A look that has taken long is followed by a rest, so many times as long."""
_LONGEST_REST: Final = 300.0
_TRIED: Final = 3
"""Orders whose prices are asked one by one in vain before it counts as the API's fault."""
_LONGEST_WAIT: Final = 60.0
"""Seconds after which the price of an order is asked again."""
_MEETS_ALL: Final = (AccessRefused, PaymentRequired, RateLimited)
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
        self._put_off: dict[int, _PutOff] = {}
        self._looks_from = timing.monotonic()
        """Not before then are the lists read again."""

    @property
    def put_off(self) -> Exception | None:
        """Why an order has no price still, while others get theirs; `None` where there is no such order."""
        return next((each.error for each in self._put_off.values()), None)

    @property
    def problem(self) -> str | None:
        """The same in words, for whoever looks at the health of the outbox."""
        if not self._put_off:
            return None
        first, *others = self._put_off.values()
        more = f" and {len(others)} more" if others else ""
        return f"order {first.reference!r}{more} cannot be priced, and is tried again: {first.error}"

    @property
    def later(self) -> float | None:
        """Seconds until it is to be called again though nothing was submitted."""
        times = [each.until for each in self._put_off.values()]
        if self._rests:
            times.append(self._looks_from)
        return max(0.0, min(times) - self._timing.monotonic()) if times else None

    async def plan(self) -> bool:
        """Plan the oldest orders; whether there were any. Raises what is not about one order, such as a bad token."""
        if self._rests:
            return False
        now = self._timing.monotonic()
        but = [position for position, each in self._put_off.items() if each.until > now]
        most = _LOOKED_FOR_AT_ONCE if self._looks_for_all else _AT_ONCE
        orders = await self._journal.unplanned(most, but)
        self._forget_planned(orders, but, are_all=len(orders) < most)
        if now - self._priced_at > _FRESH:
            self._prices, self._priced_at = PriceList(self._clients), now
        priced = await self._priced(orders)
        if not priced:
            return False
        refused = {row.position: reason for row, price in priced if (reason := self._refusal(row, price))}
        planned = [_with_price(row, price) for row, price in priced]
        doubted = await self._listed([row for row in planned if row.position not in refused])
        await self._journal.plan(planned, refused, doubted)
        self.has_doubted |= bool(doubted)
        return True

    def above_ceilings(self, row: Row) -> str | None:
        """Why an order is above the ceilings of the client, if it is."""
        if self._ceilings is None:
            return None
        return above(self._ceilings, intent_of(row), Price(cents=row.cents, grams=row.grams))

    # --- prices ---

    async def _priced(self, orders: Sequence[Unplanned]) -> list[tuple[Row, Price | Unpriced]]:
        """The orders with their prices. One that gets none is put off, and holds up no other."""
        try:
            rows = [_row(each) for each in orders]
            prices = await self._prices.of([intent_of(row) for row in rows])
        except _MEETS_ALL:
            raise
        except WrenAsyncError:
            return await self._priced_one_by_one(orders)
        for each in orders:
            self._put_off.pop(each.position, None)
        return list(zip(rows, prices, strict=True))

    async def _priced_one_by_one(self, orders: Sequence[Unplanned]) -> list[tuple[Row, Price | Unpriced]]:
        priced: list[tuple[Row, Price | Unpriced]] = []
        failed, is_known = list[Exception](), True
        for each in sorted(orders, key=lambda order: order.position in self._put_off):
            try:
                row = _row(each)
                priced.append((row, (await self._prices.of([intent_of(row)]))[0]))
                self._put_off.pop(each.position, None)
            except _MEETS_ALL:
                if not priced:
                    raise
                break
            except WrenAsyncError as error:
                is_known &= each.position in self._put_off
                failed.append(self._tried_later(each, error))
                if len(failed) >= _TRIED:
                    break
        if failed and not (priced or is_known):
            raise failed[0]
        return priced

    def _tried_later(self, order: Unplanned, error: WrenAsyncError) -> WrenAsyncError:
        before = self._put_off.get(order.position)
        wait = 1.0 if before is None else min(_LONGEST_WAIT, 2 * before.wait)
        self._put_off[order.position] = _PutOff(
            reference=order.order.reference, error=error, wait=wait, until=self._timing.monotonic() + wait
        )
        return error

    def _forget_planned(self, orders: Sequence[Unplanned], but: Collection[int], *, are_all: bool) -> None:
        """Forget those that were put off, and were planned by another process meanwhile."""
        if are_all:
            left = {*but, *(each.position for each in orders)}
            self._put_off = {position: each for position, each in self._put_off.items() if position in left}

    def _refusal(self, row: Row, price: Price | Unpriced) -> str | None:
        if isinstance(price, Unpriced):
            return f"{self._api} would not price it: {price.reason}"
        if reason := self.above_ceilings(_with_price(row, price)):
            return reason
        caps = self._caps()
        return caps.refusal(intent_of(row)) or caps.never_fits(price.cents, price.grams)

    # --- what was forgotten ---

    @property
    def _looks_for_all(self) -> bool:
        return self._looks_first or self._journal.is_behind

    @property
    def _rests(self) -> bool:
        """Whether the lists were read just now, which has taken long. What comes meanwhile shares the next reading."""
        return self._looks_for_all and self._timing.monotonic() < self._looks_from

    async def _listed(self, rows: Sequence[Row]) -> dict[int, Result]:
        """Those orders that the account shows already: this outbox sent them, and has forgotten it since."""
        if not self._looks_for_all:
            rows = [row for row in rows if row.position <= self._journal.inherited]
        if not rows:
            return {}
        sought, entries = Sought(), {row.position: Entry(row=row, result=Result(state=State.PENDING)) for row in rows}
        for entry in entries.values():
            sought.add(entry)
        found: set[int] = set()
        began = self._timing.monotonic()
        try:
            async with aclosing(shown(sought, self._clients, None)) as positions:
                async for position in positions:
                    found.add(position)
        except UnreadableList as error:
            raise JournalError(
                f"a list of {self._api} could not be read, and it may show orders that this outbox has forgotten; "
                f"nothing of {self._api} is sent before it can be: {error}"
            ) from error
        took = self._timing.monotonic() - began
        if took > _LONG_LOOK:
            self._looks_from = began + took + min(_LONGEST_REST, took * _REST_OF_LOOKS)
        why = "the account lists an order with its reference, which this outbox had never sent"
        return {
            position: in_doubt(entries[position], _LONG_AGO, self._clocks.latest(self._api), why) for position in found
        }


@attrs.frozen(kw_only=True)
class _PutOff:
    """An order whose price was asked in vain."""

    reference: str
    error: WrenAsyncError
    wait: float
    until: float


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


def _with_price(row: Row, price: Price | Unpriced) -> Row:
    return row if isinstance(price, Unpriced) else attrs.evolve(row, cents=price.cents, grams=price.grams)
