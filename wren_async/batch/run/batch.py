"""Batches: many orders from one input, each placed once, whatever happens on the way.

    async with Batch("rides.journal", cnaught=cnaught, caps=Caps(cents=50_000)) as batch:
        plan = await batch.plan("rides.csv")
        async for event in batch.run():
            ...

After a crash, or with orders left over, the same lines again go on where it ended.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from types import TracebackType
from typing import Final, Self, TypeVar

from wren_async.batch.events import Ending, Event, Planning, Progress
from wren_async.batch.input.faults import InvalidInput
from wren_async.batch.input.orders_without_client import check_clients
from wren_async.batch.input.planner import Plan, Planner
from wren_async.batch.input.pricing import PriceList
from wren_async.batch.input.readers import Source
from wren_async.batch.input.row_values import Reading
from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Entry, Journal, JournalError, Past, Result, State, Totals
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.batch.run.budget import Budget, Caps, bounds_of, caps_of, check_caps
from wren_async.batch.run.concurrency import AdaptiveConcurrency
from wren_async.batch.run.copies import OtherCopies
from wren_async.batch.run.history import History
from wren_async.batch.run.log import RunLog
from wren_async.batch.run.outcomes import given_up, placed_by_hand
from wren_async.batch.run.recovery import Control, Recovery
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.batch.run.settings import check_settings, clients_of
from wren_async.batch.run.stream import EventStream
from wren_async.batch.run.worker import EXPLAIN, Worker
from wren_async.cnaught import CNaughtClient
from wren_async.core.ceilings import Ceilings
from wren_async.core.client import BaseClient
from wren_async.core.timing import Timing
from wren_async.errors import InvalidArgument, UsageError
from wren_async.postgres.address import is_address
from wren_async.reconcile import SETTLE_TIME
from wren_async.wren import WrenClient

_PATIENCE: Final = 10.0
_STILL_KNOWN: Final = 60.0
"""Seconds after a run for which the next one need not look anew for what a copy of the journal has placed."""
_ROUNDS: Final = 3
_LOOKED: Final = "all orders in doubt were looked for"

T = TypeVar("T")


class Batch:
    """A batch of orders and its journal. Use it with `async with`; the clients stay yours to close."""

    def __init__(
        self,
        journal: str | os.PathLike[str] | Journal,
        *,
        wren: WrenClient | None = None,
        cnaught: CNaughtClient | None = None,
        caps: Caps | None = None,
        concurrency: int = 32,
        settle_time: float = SETTLE_TIME,
        patience: float = _PATIENCE,
        continues: str | None = None,
        none_was_placed: bool = False,
        same_account: bool = False,
        alarm_is_explained: bool = False,
        timing: Timing | None = None,
    ) -> None:
        """Make a batch.

        Args:
            journal: Path of its journal, made where there is none, or a journal that is open and stays yours to close.
            wren: Client for the orders of Wren.
            cnaught: Client for the orders of CNaught.
            caps: What may not be exceeded. By default only failures are capped, at 100 a run. A journal in PostgreSQL
                keeps them for all workers: those who give none keep to what it has.
            concurrency: Orders on the wire at most. How many there are at a time follows from how the server answers.
            settle_time: Seconds after an order was sent without an answer. Only then does its absence from the lists
                prove that it was not placed.
            patience: Seconds to wait for the answers to orders on the wire when the run is left before its end.
            continues: Id of a batch whose journal was lost, for a new journal and the very same input. Every order is
                then looked for before it is sent, and at least one must be found.
            none_was_placed: Say that no order of the batch that this one `continues` was ever placed.
            same_account: Say that a token other than the one the batch was begun with is of the very same account. It
                is refused otherwise, unless it can read an order of the batch.
            alarm_is_explained: Say that a person has found out why a run ended in an alarm, and that nothing else
                places orders of this batch now. All orders that are still to be sent are then looked for in the lists;
                those that the lists do not show wait for the settle time.
            timing: Clocks and waits, for tests.

        Raises `InvalidArgument`. Nothing is opened or sent before `async with`, which raises `JournalError` where the
        journal cannot be used.
        """
        if isinstance(journal, str | os.PathLike) and is_address(journal):
            raise InvalidArgument(
                "journal",
                "is the address of a database, which may hold many batches: name one of them, "
                'Batch(await PostgresJournal.open(address, "rides"), ...)',
            )
        check_settings(concurrency=concurrency, settle_time=settle_time, patience=patience)
        if caps is not None and not isinstance(caps, Caps):
            raise InvalidArgument("caps", "takes Caps(...)")
        self._given = journal
        self._clients: Mapping[Api, BaseClient] = clients_of(wren, cnaught)
        self._caps_given = caps
        self._caps = caps or Caps()
        self._concurrency = concurrency
        self._settle_time = settle_time
        self._patience = patience
        self._continues = continues
        self._none_was_placed = none_was_placed
        self._same_account = same_account
        self._alarm_is_explained = alarm_is_explained
        self._timing = timing or Timing()
        self._clocks = ServerClocks(self._timing)
        self._journal: Journal | None = None
        self._root = ""
        self._run: _Run | None = None
        self._ran = 0.0
        self._is_to_stop = False
        """Whether `stop` was called before there was a run that could be stopped."""

    async def __aenter__(self) -> Self:
        given = self._given
        self._journal = await SqliteJournal.open(given) if isinstance(given, str | os.PathLike) else given
        try:
            await self._share()
            self._root = await self._find_root()
            self._copies = OtherCopies(self.journal, self._clients, clocks=self._clocks, timing=self._timing)
            self._recovery = Recovery(
                self.journal,
                self._clients,
                settle_time=self._settle_time,
                clocks=self._clocks,
                copies=self._copies,
                continues=self._root != self.journal.batch_id,
                none_was_placed=self._none_was_placed,
                same_account=self._same_account,
            )
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._run is not None:
                await self._run.leave(self._patience)
        finally:
            await self._close()

    @property
    def journal(self) -> Journal:
        """The journal. Raises `UsageError` outside of `async with`."""
        if self._journal is None:
            raise UsageError("a batch is used with `async with`")
        return self._journal

    @property
    def batch_id(self) -> str:
        """Id of the batch, with which the references of all its orders begin."""
        return self._root or self.journal.batch_id

    async def plan(
        self,
        source: Source,
        *,
        skip_bad_rows: bool = False,
        defaults: Mapping[str, str] | None = None,
        ignore: Collection[str] = (),
        encoding: str | None = None,
        tell: Callable[[Planning], None] | None = None,
    ) -> Plan:
        """Read the orders, ask what they will cost, and put them into the journal. Nothing is bought.

        Where the journal has them already, see that the input is the same.

        Args:
            source: A `.csv`, `.tsv`, `.xlsx`, `.jsonl` or `.ndjson` file, or an iterable of intents, asynchronous or
                not.
            skip_bad_rows: Leave bad rows out instead of refusing the input; the plan tells them.
            defaults: Values for columns that a row leaves empty, such as `{"payment_method": "credits"}`.
            ignore: Columns of a file that mean nothing here.
            encoding: Of a text file; UTF-8, or what its byte order mark says, if left out.
            tell: Called now and then with how far the planning is.

        It may be repeated, also where it was broken off: it goes on with what the journal has. Raises `InvalidInput`
        with all faults of the input, `InputChanged`, and errors of the clients. A journal that was made for an input
        with faults, and for no other since, is gone when the batch is left.
        """
        reading = Reading(defaults=defaults or {}, ignore=ignore, encoding=encoding)
        # Noted first, so that no journal has orders and does not say to which servers and accounts they go.
        await self._recovery.note_servers()
        ceilings: dict[Api, Ceilings] = {
            api: client.ceilings for api, client in self._clients.items() if client.ceilings is not None
        }
        planner = Planner(self.journal, PriceList(self._clients), self.batch_id, tell, ceilings=ceilings)
        try:
            plan = await planner.plan(source, reading, skip_bad_rows=skip_bad_rows)
        except InvalidInput:
            if isinstance(self._journal, SqliteJournal) and self._journal is not self._given:
                self._journal.take_away()
            raise
        if not plan.resumed:
            await self._recovery.note_planning()
        return plan

    def run(self) -> AsyncIterator[Event]:
        """Place the orders, and tell what happens; the last event is an `Ended`, unless a mistake is raised.

        What an earlier run left in doubt is reconciled first: orders with keys are sent again, under the same caps, as
        long as their keys are trusted.

        A copy of the journal may have been run elsewhere, or may be run now. So the account is looked at before the
        first order: where it shows one that this journal had never sent, all that is pending is in doubt. One order of
        Wren's is then placed alone, and the account is looked at again, and from time to time after that: where
        something else places orders of the batch at the same time, the run ends in an alarm.

        After an alarm it raises `JournalError` until a person has explained it.

        Leaving the loop, or being cancelled, ends the run at once. Orders on the wire get `patience` seconds for their
        answers; those without one by then are reconciled by the next run.
        """
        return self._events(place=True)

    def reconcile(self, *, send_again: bool = False) -> AsyncIterator[Event]:
        """Find out what became of orders in doubt. It only searches: nothing is bought.

        Args:
            send_again: Send orders that never arrived again with their keys, under the caps, as long as their keys are
                trusted. **It may place them**, each once either way.
        """
        return self._events(place=False, send_again=send_again)

    def stop(self) -> None:
        """Take no new orders, and finish those on the wire. The run then ends by itself.

        Where none is under way, or it only just begins, the next one ends before its first order.
        """
        if self._run is None or self._run.done:
            self._is_to_stop = True
        else:
            self._run.stop()

    async def totals(self) -> Totals:
        """Sums over the batch."""
        return await self.journal.totals()

    def entries(self, *states: State) -> AsyncIterator[Entry]:
        """The orders in these states, or all of them, by position."""
        return self.journal.entries(*states)

    async def mark_placed(self, position: int, order_id: str, *, cents: int | None = None) -> None:
        """Settle an undecided order by hand: it was placed.

        Args:
            position: Of the order in the batch; that of a file is its line.
            order_id: Id of the order at its API.
            cents: What it cost, in USD cents, if known.

        Raises `InvalidArgument` for an order that is not undecided, so a repeat changes nothing, and `UsageError`
        while a run is under way.
        """
        was = await self._undecided(position)
        await self.journal.record(position, placed_by_hand(was, order_id, cents))

    async def mark_not_placed(self, position: int) -> None:
        """Settle an undecided order by hand: it was not placed, and is given up. Raises as `mark_placed` does."""
        was = await self._undecided(position)
        await self.journal.record(position, given_up(was))

    # --- inside ---

    async def _undecided(self, position: int) -> Result:
        if self._run is not None and not self._run.done:
            raise UsageError("a run is under way; wait for its end")
        was = (await self.journal.entry(position)).result
        if was.state not in (State.UNDECIDED, State.SENDING):
            raise InvalidArgument("position", f"order {position} is {was.state}, not undecided")
        return was

    async def _share(self) -> None:
        """Send only while a shared journal allows it, and under the caps that it keeps for all."""
        lease = self.journal.lease
        if lease is None:
            return
        self._clients = {
            api: client.with_permit(self.journal.may_send, within=lease / 2) for api, client in self._clients.items()
        }
        if self._caps_given is not None:
            await self.journal.set_bounds(bounds_of(self._caps_given))
        elif (bounds := await self.journal.bounds()) is not None:
            self._caps = caps_of(bounds)

    async def _find_root(self) -> str:
        """What the references begin with: the journal's own id, or that of the batch it continues."""
        noted = await self.journal.noted(Note.ROOT)
        if self._continues is None:
            return noted or self.journal.batch_id
        if noted not in (None, self._continues) or (noted is None and await self.journal.digests(1, 1)):
            raise JournalError(
                f"the journal has a batch of its own ({noted or self.journal.batch_id}); continuing "
                f"{self._continues} takes a new journal"
            )
        await self.journal.note(Note.ROOT, self._continues)
        return self._continues

    async def _close(self) -> None:
        journal, self._journal = self._journal, None
        if journal is not None and journal is not self._given:
            await journal.aclose()

    async def _events(self, *, place: bool, send_again: bool = False) -> AsyncIterator[Event]:
        if self._run is not None and not self._run.done:
            raise UsageError("a run of this batch is under way")
        if not await self.journal.sealed():
            raise UsageError("nothing is planned: call `plan` first, which also says what it will cost")
        if place or send_again:
            await check_caps(self.journal, self._caps)
            await self._check_alarm()
        await self._recovery.check_servers()
        await check_clients(self.journal, self._clients)
        await History.of(self.journal)  # refused now, where it cannot be read, and not in the middle of the run
        if self._timing.monotonic() - self._ran > _STILL_KNOWN:
            self._recovery.forget()
        history = History()
        stream, log = EventStream(), RunLog(self.batch_id)

        async def tell(event: Event) -> None:
            history.add(event, self._clocks.now())
            log.note(event)
            if isinstance(event, Progress):
                # Kept now and then, so that a process that is killed leaves the history of its run too.
                await history.keep(self.journal)
            await stream.put(event)

        worker = Worker(
            self.journal,
            self._clients,
            caps=self._caps if self.journal.lease is None else Caps(failures=None),
            concurrency=AdaptiveConcurrency(most=self._concurrency),
            timing=self._timing,
            clocks=self._clocks,
            emit=tell,
        )
        if not (place or send_again):
            # What stops the workers of a shared batch stops their sending; looking buys nothing.
            self.journal.listen(lambda _: None)
        stopped = asyncio.Event()
        control = Control(
            emit=tell,
            halt=worker.halt,
            may_repeat=lambda: self._may_repeat(worker, allowed=place or send_again),
            stopped=stopped,
        )
        work = self._go(worker, control, place=place)
        run = self._run = _Run(worker, work, stream, history, self.journal, stopped)
        if self._is_to_stop:
            self._is_to_stop = False
            run.stop()
        try:
            async for event in stream:
                yield event
            await run.result()
        finally:
            await run.leave(self._patience)
            self._ran = self._timing.monotonic()

    async def _check_alarm(self) -> None:
        """Refuse to go on after an alarm, until a person has explained it."""
        alarm = await self.journal.noted(Note.ALARM)
        if not alarm:
            return
        if not self._alarm_is_explained:
            raise JournalError(f"a run of this batch ended in an alarm: {alarm} {EXPLAIN}")
        await self.journal.note(Note.DOUBT, "something else may have placed them, as an alarm told")
        await self.journal.note(Note.ALARM, "")

    async def _may_repeat(self, worker: Worker, *, allowed: bool) -> bool:
        """Whether orders in doubt may be sent again: a repeat is bought under the caps, like any order."""
        if not allowed or worker.end is not None:
            return False
        return await self._above_caps() is None

    async def _above_caps(self) -> str | None:
        return Budget.of(self._caps, await self.journal.totals()).problem

    async def _go(self, worker: Worker, control: Control, *, place: bool) -> None:
        """Reconcile and place; then look for orders that were lost meanwhile, while that finds any to send again."""
        await self._recovery.recover(control)
        if place and (problem := await self._above_caps()):
            worker.halt(Ending.CAP_REACHED, f"{problem}; orders in doubt were looked for, and not sent again")
        for _ in range(_ROUNDS if place and worker.end is None else 0):
            lost = worker.lost
            await self._recovery.note_checkpoint()
            await self._place(worker)
            if worker.lost == lost or not await self._recovery.look_for_lost(control) or worker.end:
                break
        if not place:
            elsewhere = self._recovery.is_left_to_another
            told = "a worker is looking for the orders in doubt now" if elsewhere else _LOOKED
            worker.halt(Ending.DONE, told)
        await control.emit(await worker.ended())

    async def _place(self, worker: Worker) -> None:
        """Place what is pending, and look from time to time whether a copy of the journal does the same."""
        if self.journal.past is Past.KNOWN:
            # The worker that came first looks, for all of them.
            await worker.place_all()
            return
        await self._copies.begin()
        async with self._copies.first() as first:
            if worker.end is None and first is not None:
                await worker.place_all(_only(first))
                await self._look(worker)
        if self.journal.lease is not None:
            # To look again, it would have to let go of the orders that it has claimed.
            await worker.place_all()
            self._copies.end()
            return
        while worker.end is None:
            await worker.place_all(self._copies.until_next_look())
            if not self._copies.is_due:
                break
            await self._look(worker)
        self._copies.end()

    async def _look(self, worker: Worker) -> None:
        if worker.end is None and (found := await self._copies.found()) is not None:
            await worker.raise_alarm(*found)


async def _only(entry: Entry) -> AsyncIterator[Entry]:
    yield entry


class _Run:
    """One run: a task, and the stream of its events."""

    def __init__(
        self,
        worker: Worker,
        work: Awaitable[None],
        stream: EventStream,
        history: History,
        journal: Journal,
        stopped: asyncio.Event,
    ) -> None:
        self.worker = worker
        self._stopped = stopped
        self._history = history
        self._journal = journal
        self._kept = False
        self._task = asyncio.ensure_future(work)
        self._task.add_done_callback(lambda _: stream.end())

    @property
    def done(self) -> bool:
        """Whether it is over."""
        return self._task.done()

    def stop(self) -> None:
        """Begin nothing more, and finish what is on the wire."""
        self.worker.halt(Ending.ASKED, "stopped as asked; run again to go on")
        self._stopped.set()

    async def result(self) -> None:
        """Wait for the end; raises what the run failed with."""
        await self._task

    async def leave(self, patience: float) -> None:
        """End it at once, note what became of the orders on the wire, and keep the history of the run."""
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        if not self._task.cancelled():
            # Whoever leaves does not want the error; retrieved, so that the loop does not complain of it.
            self._task.exception()
        await self.worker.leave(patience)
        if not self._kept:
            self._kept = True
            await self._history.keep(self._journal)
