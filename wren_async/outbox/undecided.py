"""The undecided orders of one API, those of other processes included: when they are looked for, and who is called."""

from __future__ import annotations

import logging
from datetime import datetime

import attrs

from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Entry, State
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.outbox.schedule import Looks, needs_person
from wren_async.outbox.store import ApiJournal

_logger = logging.getLogger("wren_async.outbox")


@attrs.define(eq=False)
class Undecided:
    """Knows when to look for them next, and calls a person once for each that the lists do not tell of."""

    api: Api
    journal: ApiJournal
    clocks: ServerClocks
    looks: Looks
    _called: set[str] = attrs.field(factory=set[str])
    """References of those for which a person was called."""

    @property
    def latest(self) -> datetime:
        """The present by the clock that is ahead, by which the last byte of an order is dated."""
        return self.clocks.latest(self.api)

    @property
    def is_due(self) -> bool:
        """Whether it is time to look for them."""
        return self.looks.is_due(self.latest)

    @property
    def seconds(self) -> float | None:
        """Seconds until it is time; `None` while nothing is undecided."""
        return self.looks.seconds(self.latest)

    def add(self, entry: Entry) -> None:
        """Look for one that has just become undecided."""
        self.looks.add(entry.result, self.latest)
        _logger.warning("order %r is undecided, and is looked for: %s", entry.row.reference, entry.result.reason)

    async def looked(self) -> None:
        """All of them were looked for just now: find out which are left."""
        self.looks.looked(self.latest)
        await self.count()

    async def count(self) -> None:
        """Find out when to look for them next."""
        self.looks.count_anew()
        async for entry in self.journal.entries(State.UNDECIDED):
            self.looks.add(entry.result, self.latest)
            self._call_person(entry)

    def _call_person(self, entry: Entry) -> None:
        reference = entry.row.reference
        if reference not in self._called and needs_person(entry.result, self.latest, self.looks.settle_time):
            self._called.add(reference)
            _logger.warning("order %r needs a person, who finds it in the account: see needs_person()", reference)
