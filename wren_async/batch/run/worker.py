"""Placing the orders of a journal: one run, with as many on the wire as the server bears.

Each order goes through the same steps: reserve, mark on disk, send, classify, record, release. It frees its slot before
its result is recorded, so that the next order is not kept from being sent by the disk.

An order passes two limiters, on purpose. The slots follow what the servers bear, and a 429 pauses all orders of the
run; the client's own limiter bounds the connections of everyone who uses that client. There are two loops that repeat,
and only the sender's repeats orders, because a repeat has to keep to the run's pauses, to its end, and to the age of
the key. The client's loop is switched off there, and serves the reads of planning and recovering.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from typing import Final

from wren_async.batch.events import Alarm, Ended, Ending, Meter, Progress, Returned, Settled
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import CapReached, Entry, Journal, Result, Signal, State
from wren_async.batch.journal.notes import Note
from wren_async.batch.run.budget import Budget, Caps
from wren_async.batch.run.concurrency import AdaptiveConcurrency
from wren_async.batch.run.outcomes import pending
from wren_async.batch.run.sender import Emit, Order, OrderSender
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.batch.run.slots import Slots
from wren_async.core.client import BaseClient
from wren_async.core.timing import Timing
from wren_async.errors import UsageError

_RETURNS: Final = 5
"""How often an order may come back unsent before it waits for the next run."""
_PROGRESS: Final = 1.0
FIND_OUT: Final = (
    "Nothing goes on until a person has found out, and has seen to it that nothing else places orders of this batch."
)
EXPLAIN: Final = (
    f"{FIND_OUT} Then say so: --alarm-is-explained, Batch(..., alarm_is_explained=True); the lists are looked through "
    "first"
)
"""What to do about an alarm."""
_FOR_ALL: Final = (Ending.ALARM, Ending.OVERCHARGED, Ending.PAYMENT_REQUIRED, Ending.TOO_MANY_FAILURES)
"""Ends that hold for every process that places orders of the batch."""
_GRAVE: Final = (Ending.ALARM, Ending.OVERCHARGED)
"""Ends that no other one hides: a person has to look, also where the run was about to end for another reason."""


class Worker:
    """Places what is pending, until nothing is, or the run has to end."""

    def __init__(
        self,
        journal: Journal,
        clients: Mapping[Api, BaseClient],
        *,
        caps: Caps,
        concurrency: AdaptiveConcurrency,
        timing: Timing,
        clocks: ServerClocks,
        emit: Emit,
    ) -> None:
        self._journal = journal
        self._caps = caps
        self._timing = timing
        self._clocks = clocks
        self._emit = emit
        self._concurrency = concurrency
        self._slots = Slots(concurrency, timing)
        self._sender = OrderSender(
            clients,
            slots=self._slots,
            concurrency=concurrency,
            timing=timing,
            clocks=clocks,
            emit=emit,
            halt=self.halt,
            pause=journal.pause,
            alarm=self.raise_alarm,
        )
        self._meter = Meter(timing.monotonic())
        self._began = timing.monotonic()
        self._told = self._began
        self._budget = Budget(caps, 0, 0)
        self._again: deque[Entry] = deque()
        self._returns: dict[int, int] = {}
        self._given_up: set[int] = set()
        self._in_flight = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._broken: BaseException | None = None
        self._end: tuple[Ending, str] | None = None
        self._is_full = False
        """Whether the caps of the journal had no room for the order that is next."""
        self.lost = 0
        """Orders that became undecided in this run."""
        journal.listen(self._obey)

    @property
    def end(self) -> tuple[Ending, str] | None:
        """Why no more orders are taken, once that is so."""
        return self._end

    def halt(self, why: Ending, message: str) -> None:
        """Take no new orders, and finish those on the wire. The first reason counts, unless a later one is graver."""
        if why in _FOR_ALL and self._counts(why):
            self._journal.halt(why, message)
        self._stop(why, message)

    def _stop(self, why: Ending, message: str) -> None:
        if self._counts(why):
            self._end = why, message
        self._slots.close()

    def _counts(self, why: Ending) -> bool:
        return self._end is None or (why in _GRAVE and self._end[0] not in _GRAVE)

    def _obey(self, signal: Signal) -> None:
        """Do as another process, or a person, asks of all."""
        if signal.ending is not None:
            # Not told again: a person may have let all go on meanwhile.
            self._stop(Ending(signal.ending), signal.message)
        if signal.pause:
            self._concurrency.paused(self._timing.monotonic(), signal.pause)
            self._slots.wake()

    async def raise_alarm(self, entry: Entry, message: str) -> None:
        """Stop, and let no later run begin before a person has looked into it."""
        await self._journal.note(Note.ALARM, message)
        self.halt(Ending.ALARM, f"{message} {EXPLAIN}")
        await self._emit(Alarm(entry=entry, message=message))

    def wake(self) -> None:
        """Look for pending orders again: there may be new ones."""
        self._slots.wake()

    async def place_all(self, orders: AsyncIterator[Entry] | None = None) -> None:
        """Place every pending order. Returns when none is left, or after `halt`, with nothing on the wire.

        An error that ends the run is raised at once; `leave` then waits for the orders on the wire.

        Args:
            orders: Gives the pending orders, those of the journal if left out. It is asked again after it had none, as
                long as anything is on the wire: see `wake`.
        """
        self._budget = Budget.of(self._caps, await self._journal.totals())
        stream = aiter(self._journal.claimed() if orders is None else orders)
        try:
            while (entry := await self._next(stream)) is not None:
                task = asyncio.create_task(self._place(entry))
                self._tasks.add(task)
                task.add_done_callback(self._finished)
            while self._tasks and self._broken is None:
                await self._slots.change()
        finally:
            if (close := getattr(stream, "aclose", None)) is not None:
                await close()
        if self._broken is not None:
            raise self._broken

    async def leave(self, patience: float) -> None:
        """Send nothing more, not even again, and wait up to `patience` seconds for the orders on the wire.

        Those without an answer by then stay as being sent, and are reconciled by the next run.
        """
        self._slots.abandon()
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=patience)
        finally:
            for task in self._tasks:
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def ended(self) -> Ended:
        """The last event."""
        totals = await self._journal.totals()
        # Of a shared batch others may have the rest.
        is_alone = self._journal.lease is None
        elsewhere = not is_alone and any(totals.orders.get(state) for state in (State.PENDING, State.SENDING))
        done = "nothing is left for this worker; others have the rest" if elsewhere else "nothing is left to send"
        why, message = self._end or (Ending.DONE, done)
        left = totals.orders.get(State.PENDING, 0) if is_alone else len(self._given_up)
        if self._end is None and left:
            why, message = Ending.UNREACHABLE, f"{left} orders could not be sent; run again later"
        return Ended(ending=why, message=message, totals=totals)

    # --- which order is next ---

    async def _next(self, stream: AsyncIterator[Entry]) -> Entry | None:
        """The next order, reserved for and counted as in flight; `None` when this run has no more."""
        while await self._slots.room():
            if self._is_full and self._in_flight:
                # Those in flight may come back, or cost less than was reserved for them. All of them are waited for:
                # orders that are refused one after another would otherwise keep each other going.
                await self._slots.change()
                continue
            self._is_full = False
            entry = self._again.popleft() if self._again else await anext(stream, None)
            if self._slots.closed:
                return None
            if entry is None:
                if not self._in_flight:
                    return None
                await self._slots.change()
            elif (problem := self._budget.reserve(entry.row)) is None:
                self._in_flight += 1
                self._slots.mark()
                return entry
            elif self._in_flight:
                # An order in flight may come back, and its reservation is free then.
                self._again.appendleft(entry)
                await self._slots.change()
            else:
                self.halt(Ending.CAP_REACHED, f"order {entry.row.position}: {problem}")
        return None

    # --- one order ---

    async def _place(self, entry: Entry) -> None:
        """Mark, send, classify and record an order that was reserved for, and release it."""
        order = Order(entry)
        try:
            try:
                await self._mark(order)
            except CapReached as full:
                self._without_room(entry, full)
                return
            if await self._slots.enter():
                result = await self._send(order)
                await self._record(order, result)
            else:
                await self._put_back(entry)
        finally:
            self._release()
        await self._tell_progress()

    async def _mark(self, order: Order) -> None:
        """Mark on disk that it is about to be sent: from here on a crash leaves it in doubt."""
        at = self._clocks.earliest(order.intent.api)
        await self._journal.mark_sending([order.entry.row.position], at, reserve=True)

    def _without_room(self, entry: Entry, full: CapReached) -> None:
        """Let an order wait for which the journal has no room under its caps, or stop where nothing could make some."""
        self._slots.unmark()
        self._budget.release(entry.row)
        if self._in_flight > 1:
            self._is_full = True
            self._again.appendleft(entry)
        else:
            self.halt(Ending.CAP_REACHED, f"order {entry.row.position}: {full}")

    async def _send(self, order: Order) -> Result:
        """Send it, and classify the answer; its slot is free then."""
        try:
            return await self._sender.send(order)
        except UsageError:
            if order.doubt is None:
                was = order.entry
                await self._journal.record(was.row.position, pending(was.result, 0, "nothing was sent"))
            raise
        finally:
            self._slots.leave()

    def _release(self) -> None:
        """Count it as in flight no more, and wake whoever waits for that."""
        self._in_flight -= 1
        self._slots.wake()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken = self._broken or error
            self._slots.close()
        self._slots.wake()

    # --- what came of it ---

    async def _put_back(self, entry: Entry) -> None:
        """Leave an order as it was before it was marked: it got no slot."""
        await self._journal.record(entry.row.position, entry.result)
        self._budget.release(entry.row)

    async def _record(self, order: Order, result: Result) -> None:
        """Write down what came of it, and stop the run where a cap or an overcharge asks for it."""
        row = order.entry.row
        await self._journal.record(row.position, result)
        after = Entry(row=row, result=result)
        if result.state is State.PENDING:
            self._budget.release(row)
            self._requeue(after, unsent=order.unsent)
            await self._emit(Returned(entry=after, reason=result.reason or ""))
            return
        self._meter.settled += 1
        self.lost += result.state is State.UNDECIDED
        if problem := self._budget.settle(row, result):
            self.halt(*problem)
        await self._emit(Settled(entry=after))

    def _requeue(self, entry: Entry, *, unsent: bool) -> None:
        """Let an order be sent later in this run; one that cannot be sent gets only so many tries."""
        if unsent:
            self._returns[entry.row.position] = self._returns.get(entry.row.position, 0) + 1
        if self._returns.get(entry.row.position, 0) <= _RETURNS:
            self._again.append(entry)
        else:
            self._given_up.add(entry.row.position)

    async def _tell_progress(self) -> None:
        now = self._timing.monotonic()
        if now - self._told < _PROGRESS:
            return
        self._told = now
        totals = await self._journal.totals()
        rate, left = self._meter.rate(now), totals.orders.get(State.PENDING, 0) + self._in_flight
        await self._emit(
            Progress(
                totals=totals,
                in_flight=self._slots.busy,
                limit=self._slots.limit,
                seconds=now - self._began,
                rate=rate,
                seconds_left=left / rate if rate else None,
            )
        )
