"""Whether something else places the orders of a batch: a copy of its journal that is run elsewhere.

No journal knows of its copies; only the account does. So a run looks at it before its first order. It then places one
order alone, which is a sign to every copy, and looks again: of two that begin at the same time at least one sees the
other before it sends a second order. The first order of the one that stops may be placed by the other too. Later it
looks again from time to time.

A look is cheap. Wren's ledger tells in one request that nothing was bought with the wallet, or nothing but what this
journal knows; only where it tells something else, or where a card pays, the lists are read. Orders with a key need no
look as long as the key is trusted: whoever comes second gets the order of the first, and that is an alarm. A machine
that has slept in the middle of a run looks anew, for them too.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Final, cast

from wren_async.batch.chunks import in_chunks
from wren_async.batch.input.order_types import noted_order_types, noted_payment_methods
from wren_async.batch.intents import ORDER_TYPES, Api, api_of
from wren_async.batch.journal.contract import Entry, Journal, Past, State
from wren_async.batch.journal.notes import Note, planned_at, read_note
from wren_async.batch.run.account_lists import UNREADABLE, Row, Sought, listed_since, shown, shown_by_wren
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.batch.run.wren_ledger import checkpoint_of
from wren_async.core.client import BaseClient
from wren_async.core.timing import Timing
from wren_async.reconcile import KEY_TRUST, Checkpoint
from wren_async.reconcile.ledger import charged_since
from wren_async.reconcile.listing import Reader
from wren_async.reconcile.order_rows import is_doubled, order_of
from wren_async.wren import WrenClient

_AHEAD: Final = 200
"""Orders of which one is placed first. Two copies rarely choose the same."""
_LOOKS: Final = (10.0, 60.0, 300.0)
"""Seconds from each look to the next; the last of them again and again."""
_AWAY: Final = 300.0
"""Seconds without an order after which the machine may have slept, while a copy went on. Keys may be forgotten then."""

_logger = logging.getLogger("wren_async.batch")


class OtherCopies:
    """Looks for what copies of a journal have placed."""

    def __init__(
        self, journal: Journal, clients: Mapping[Api, BaseClient], *, clocks: ServerClocks, timing: Timing
    ) -> None:
        self._journal = journal
        self._clocks = clocks
        self._timing = timing
        wren = clients.get("wren")
        # What is ordered with a test token is bought by nobody.
        self._wren = wren if isinstance(wren, WrenClient) and not wren.is_test else None
        self._at_start: Checkpoint | None = None
        """Where the ledger stood when the run began, until somebody takes it."""
        self._before: Checkpoint | None = None
        """Where it stood before the first order of the run."""
        self._first: int | None = None
        self._all = clients
        self._looks = 0
        self._looked = self._gave = self._clock()
        self._was_away = False

    async def have_bought_nothing(self) -> bool:
        """Whether since the planning nothing was bought that would be bought twice now. It takes a request at most.

        False says only that the lists have to tell.
        """
        types = await noted_order_types(self._journal)
        if types is None or await self._journal.noted(Note.ROOT):
            return False
        has_keys = any(name.startswith("cnaught.") for name in types)
        return not (has_keys and not await self._keys_are_fresh()) and not (
            _has_none(types) and self._wren is not None and not await self._wallet_is_as_planned(self._wren)
        )

    async def checkpoint(self) -> Checkpoint | None:
        """Where Wren's ledger stands before anything is sent; `None` where it cannot be read."""
        checkpoint, self._at_start = self._at_start, None
        if checkpoint is None and self._wren is not None:
            checkpoint = await checkpoint_of(self._wren)
        self._before = checkpoint
        return checkpoint

    async def begin(self) -> None:
        """Note where the account stands before the first order of a run."""
        types = await noted_order_types(self._journal)
        if types is not None and not _has_none(types):
            self._wren = None
        self._looked = self._gave = self._clock()
        self._looks = 0
        if self._before is None:
            await self.checkpoint()

    def end(self) -> None:
        """Forget where the account stood, at the end of a run."""
        self._before = self._first = None

    @asynccontextmanager
    async def first(self) -> AsyncGenerator[Entry | None]:
        """The order to place alone, claimed while this lasts. `None` where all orders that are ahead have keys."""
        if self._wren is None:
            yield None
            return
        ahead: list[Entry] = []
        async with aclosing(cast("AsyncGenerator[Entry, None]", self._journal.claimed())) as entries:
            async for entry in entries:
                ahead.append(entry)
                if len(ahead) >= _AHEAD:
                    break
            yield self._choice([entry for entry in ahead if api_of(entry.row.intent) == "wren"])

    def _choice(self, entries: Sequence[Entry]) -> Entry | None:
        if not entries:
            return None
        first = entries[min(int(self._timing.draw() * len(entries)), len(entries) - 1)]
        self._first = first.row.position
        return first

    async def until_next_look(self) -> AsyncIterator[Entry]:
        """The pending orders, until it is time to look again; then it ends, though there may be more."""
        async with aclosing(cast("AsyncGenerator[Entry, None]", self._journal.claimed())) as entries:
            async for entry in entries:
                self._gave = self._clock()
                yield entry
                self._was_away |= self._since(self._gave) > _AWAY
                if self.is_due:
                    return

    @property
    def is_due(self) -> bool:
        """Whether it is time to look again."""
        if self._wren is None or self._was_away:
            return self._was_away
        wait = _LOOKS[min(max(self._looks - 1, 0), len(_LOOKS) - 1)]
        return self._since(self._looked) >= wait

    async def found(self) -> tuple[Entry, str] | None:
        """An order that something else has placed, and what to say of it. `None` where the account shows none.

        An account that cannot be read shows none; it is looked at again later.
        """
        self._looks += 1
        self._looked = self._clock()
        was_away, self._was_away = self._was_away, False
        try:
            if was_away and (position := await self._listed_with_key()) is not None:
                return await self._journal.entry(position), _told(position)
            if self._wren is None or await self._is_all_known(self._wren):
                return None
            return await self._listed(self._wren)
        except UNREADABLE as error:
            _logger.warning(
                "batch %s: the account could not be read, and it may show that a copy of the journal is at work; it is "
                "read again later: %s",
                self._journal.batch_id,
                error,
            )
            return None

    # --- inside ---

    async def _keys_are_fresh(self) -> bool:
        if self._journal.past is not Past.NEW:
            # An older copy in the place of the journal is no reason for an alarm.
            return False
        planned = await planned_at(self._journal)
        if planned is None or not self._clocks.knows("cnaught"):
            return False
        return (self._clocks.latest("cnaught") - planned).total_seconds() <= KEY_TRUST

    async def _wallet_is_as_planned(self, wren: WrenClient) -> bool:
        noted = await self._journal.noted(Note.FIRST_LEDGER)
        if noted is None or not await self._is_paid_by_wallet():
            return False
        planned = read_note(self._journal, Note.FIRST_LEDGER, noted, Checkpoint.from_json)
        now = self._at_start = await checkpoint_of(wren)
        return now is not None and (now.total, now.newest) == (planned.total, planned.newest)

    async def _is_paid_by_wallet(self) -> bool:
        methods = await noted_payment_methods(self._journal)
        return methods is not None and set(methods) <= {"credits"}

    async def _is_all_known(self, wren: WrenClient) -> bool:
        """Whether nothing was charged since the run began but what the journal knows."""
        if self._before is None or not await self._is_paid_by_wallet():
            return False
        charged = await charged_since(Reader(wren), self._before)
        return charged is not None and set(charged) <= set(await self._journal.placed_among(charged))

    async def _listed(self, wren: WrenClient) -> tuple[Entry, str] | None:
        """Look in the lists for orders that are pending: the journal is asked for those alone that are listed."""
        types = await noted_order_types(self._journal)
        root = await self._journal.noted(Note.ROOT) or self._journal.batch_id
        of_first: list[Row] = []
        async with aclosing(shown_by_wren(ORDER_TYPES if types is None else types, root, wren)) as rows:
            async for chunk in in_chunks(rows):
                # Asked only now: of a shared batch another worker may have sent some since the list was asked for.
                pending = await self._journal.pending_among([position for position, *_ in chunk])
                for position, reference, row in chunk:
                    if position in pending and await self._has(position, reference):
                        return await self._journal.entry(position), _told(position)
                    if position == self._first:
                        of_first.append(row)
        return await self._placed_twice(of_first)

    async def _has(self, position: int, reference: str) -> bool:
        return (await self._journal.entry(position)).row.reference == reference

    async def _listed_with_key(self) -> int | None:
        clients: dict[Api, BaseClient] = {api: client for api, client in self._all.items() if api == "cnaught"}
        sought, since = await Sought.of(self._journal, State.PENDING), await listed_since(self._journal)
        async with aclosing(shown(sought, clients, since)) as positions:
            async for position in positions:
                return position
        return None

    def _clock(self) -> tuple[float, datetime]:
        return self._timing.monotonic(), self._timing.utc()

    def _since(self, then: tuple[float, datetime]) -> float:
        """Seconds since then: by the clock on the wall too, because the other one may stand still in a sleep."""
        now, utc = self._clock()
        return max(now - then[0], abs((utc - then[1]).total_seconds()))

    async def _placed_twice(self, rows: list[Row]) -> tuple[Entry, str] | None:
        if self._first is None or not rows:
            return None
        entry = await self._journal.entry(self._first)
        if not is_doubled(order_of(entry.row.reference, rows)):
            return None
        return entry, (
            f"order {self._first} was placed twice, by this run and by something else at the same time: {_WHAT}"
        )


def _has_none(order_types: Collection[str]) -> bool:
    """Whether there are orders without keys among these types: those of Wren."""
    return any(name.startswith("wren.") for name in order_types)


_WHAT: Final = "is a copy of the journal at work?"


def _told(position: int) -> str:
    return f"order {position} was placed by something else than this run: {_WHAT}"
