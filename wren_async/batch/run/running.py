"""One run of a batch: what is in doubt is looked for, what is pending is placed, and what happens is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Final

from wren_async.batch.events import Ending, Event, Progress
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Entry, Journal, Past
from wren_async.batch.run.budget import Budget, Caps
from wren_async.batch.run.concurrency import AdaptiveConcurrency
from wren_async.batch.run.copies import OtherCopies
from wren_async.batch.run.history import History
from wren_async.batch.run.log import RunLog
from wren_async.batch.run.recovery import Control, Recovery
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.batch.run.stream import EventStream
from wren_async.batch.run.worker import Worker
from wren_async.core.client import BaseClient
from wren_async.core.timing import Timing

_ROUNDS: Final = 3
"""How often what is pending is placed, while orders of the run that were lost can be sent again."""
_KEEPING: Final = 5.0
"""Seconds for which it waits until the history of a run is written, where that is left."""
_LOOKED: Final = "all orders in doubt were looked for"
_LEFT: Final = "a worker is looking for the orders in doubt now"


class Run:
    """One run: a task that begins at once, and the events that it tells."""

    def __init__(
        self,
        journal: Journal,
        clients: Mapping[Api, BaseClient],
        *,
        batch_id: str,
        caps: Caps,
        concurrency: int,
        recovery: Recovery,
        copies: OtherCopies,
        clocks: ServerClocks,
        timing: Timing,
        place: bool,
        send_again: bool,
    ) -> None:
        """Begin.

        Args:
            journal: The batch.
            clients: The clients for its orders.
            batch_id: What the log calls it by.
            caps: What it may not exceed. Those of a shared journal are kept there.
            concurrency: Orders on the wire at most.
            recovery: Finds out what became of orders in doubt.
            copies: Looks for what copies of the journal have placed.
            clocks: The clocks of the servers.
            timing: Clocks and waits.
            place: Place what is pending.
            send_again: Send orders in doubt again, also where nothing else is placed.
        """
        self._journal = journal
        self._caps = caps
        self._recovery = recovery
        self._copies = copies
        self._clocks = clocks
        self._places = place
        self._buys = place or send_again
        self._history, self._log = History(), RunLog(batch_id)
        self.events = EventStream()
        """What happens, until the end."""
        self._is_kept = False
        self._stopped = asyncio.Event()
        self._worker = Worker(
            journal,
            clients,
            caps=caps if journal.lease is None else Caps(failures=None),
            concurrency=AdaptiveConcurrency(most=concurrency),
            timing=timing,
            clocks=clocks,
            emit=self._tell,
        )
        if not self._buys:
            # What stops the workers of a shared batch stops their sending; looking buys nothing.
            journal.listen(lambda _: None)
        self._control = Control(
            emit=self._tell, halt=self._worker.halt, may_repeat=self._may_repeat, stopped=self._stopped
        )
        self._task = asyncio.create_task(self._go())
        self._task.add_done_callback(lambda _: self.events.end())

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self._task.done()

    async def result(self) -> None:
        """Wait for the end; raises what the run failed with."""
        await self._task

    def stop(self) -> None:
        """Begin nothing more, and finish what is on the wire."""
        self._worker.halt(Ending.ASKED, "stopped as asked; run again to go on")
        self._stopped.set()

    async def leave(self, patience: float) -> None:
        """End it at once, note what became of the orders on the wire, and keep the history of the run."""
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        if not self._task.cancelled():
            # Whoever leaves does not want the error; retrieved, so that the loop does not complain of it.
            self._task.exception()
        await self._worker.leave(patience)
        if not self._is_kept:
            self._is_kept = True
            # Not worth more, where the database of a shared journal does not answer.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_KEEPING):
                    await self._history.keep(self._journal)

    async def _tell(self, event: Event) -> None:
        self._history.add(event, self._clocks.now())
        self._log.note(event)
        if isinstance(event, Progress):
            # Kept now and then, so that a process that is killed leaves the history of its run too.
            await self._history.keep(self._journal)
        await self.events.put(event)

    async def _may_repeat(self) -> bool:
        """Whether orders in doubt may be sent again: a repeat is bought under the caps, like any order."""
        return self._buys and self._worker.end is None and await self._above_caps() is None

    async def _above_caps(self) -> str | None:
        return Budget.of(self._caps, await self._journal.totals()).problem

    async def _go(self) -> None:
        await self._recovery.recover(self._control)
        if self._places:
            await self._place_and_look()
        else:
            self._worker.halt(Ending.DONE, _LEFT if self._recovery.is_left_to_another else _LOOKED)
        await self._tell(await self._worker.ended())

    async def _place_and_look(self) -> None:
        """Place; then look for orders that were lost meanwhile, while that finds any to send again."""
        worker = self._worker
        if problem := await self._above_caps():
            worker.halt(Ending.CAP_REACHED, f"{problem}; orders in doubt were looked for, and not sent again")
        for _ in range(_ROUNDS if worker.end is None else 0):
            lost = worker.lost
            await self._recovery.note_checkpoint()
            await self._place()
            if worker.lost == lost or not await self._recovery.look_for_lost(self._control) or worker.end:
                return

    async def _place(self) -> None:
        """Place what is pending, and look from time to time whether a copy of the journal does the same."""
        if self._journal.past is Past.KNOWN:
            # The worker that came first looks, for all of them.
            await self._worker.place_all()
            return
        await self._copies.begin()
        await self._place_one_alone()
        if self._journal.lease is None:
            await self._place_between_looks()
        else:
            # To look again, it would have to let go of the orders that it has claimed.
            await self._worker.place_all()
        self._copies.end()

    async def _place_one_alone(self) -> None:
        async with self._copies.first() as first:
            if self._worker.end is None and first is not None:
                await self._worker.place_all(_only(first))
                await self._look_for_copies()

    async def _place_between_looks(self) -> None:
        while self._worker.end is None:
            await self._worker.place_all(self._copies.until_next_look())
            if not self._copies.is_due:
                return
            await self._look_for_copies()

    async def _look_for_copies(self) -> None:
        if self._worker.end is None and (found := await self._copies.found()) is not None:
            await self._worker.raise_alarm(*found)


async def _only(entry: Entry) -> AsyncIterator[Entry]:
    yield entry
