"""The outbox: an order is written down where it cannot be lost, and placed once by a worker.

async with Outbox("orders.outbox", cnaught=cnaught) as outbox:
    await outbox.submit(CNaughtMass(amount_kg=12), reference="ride-4711")
    submission = await outbox.result("ride-4711", within=2)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from wren_async.batch.events import BatchTelemetry
from wren_async.batch.input.orders_without_client import give_client
from wren_async.batch.intents import Api, Intent
from wren_async.batch.journal.contract import Entry, JournalError, State
from wren_async.batch.run.copies import OtherCopies
from wren_async.batch.run.outcomes import given_up, placed_by_hand
from wren_async.batch.run.recovery import Recovery
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.batch.run.settings import check_settings, clients_of
from wren_async.cnaught import CNaughtClient
from wren_async.core.timing import Timing
from wren_async.errors import InvalidArgument, InvalidConfiguration, UsageError
from wren_async.outbox.caps import OutboxCaps
from wren_async.outbox.feed import KeptCaps
from wren_async.outbox.halts import resume, why_halted
from wren_async.outbox.names import MAIN, check_name, own_reference
from wren_async.outbox.opening import database, open_store
from wren_async.outbox.placing import Placing
from wren_async.outbox.planning import Planning
from wren_async.outbox.results import Results, in_time
from wren_async.outbox.running import OpenOutbox, each
from wren_async.outbox.schedule import Looks, needs_person
from wren_async.outbox.store import ApiJournal, Health, OutboxStore, Submission, Submitted
from wren_async.outbox.submitting import above_ceilings, new_order, submitted
from wren_async.outbox.telling import OnSettled, Telling
from wren_async.outbox.undecided import Undecided
from wren_async.outbox.waiting import Waiting
from wren_async.reconcile import SETTLE_TIME
from wren_async.wren import WrenClient

if TYPE_CHECKING:
    from wren_async.postgres.dsn import Dsn

_PATIENCE: Final = 10.0
_WRITTEN: Final = 25.0
"""Seconds in which a submission is written down, also where the database is restarted meanwhile."""


class Outbox:
    """Orders that are written down first and placed once by a worker. Use it with `async with`."""

    def __init__(
        self,
        where: str | os.PathLike[str] | Dsn,
        *,
        name: str = MAIN,
        wren: WrenClient | None = None,
        cnaught: CNaughtClient | None = None,
        caps: OutboxCaps | None = None,
        on_settled: OnSettled | None = None,
        worker: bool = True,
        concurrency: int = 16,
        settle_time: float = SETTLE_TIME,
        patience: float = _PATIENCE,
        lease: float = 60.0,
        look_first: bool = False,
        same_account: bool = False,
        telemetry: BatchTelemetry | None = None,
        timing: Timing | None = None,
    ) -> None:
        """Make an outbox.

        Args:
            where: Path of its file, made where there is none, for one process; or the address of a database, such as
                `postgresql://app@db.example/orders`, in which any number of processes submit and place.
            name: Which outbox of the database it is, such as `rides`. Each has references, caps, halts and accounts of
                its own. Where it is not `main`, it is sent before each reference. A file holds one outbox.
            wren: Client for the orders of Wren. The clients stay yours to close, after the outbox.
            cnaught: Client for the orders of CNaught.
            caps: What may not be exceeded in a day or a month. The outbox keeps them, also for processes that give
                none; `OutboxCaps()` lifts them.
            on_settled: Awaited with each order that is placed or refused, in their order, at least once each: a process
                that ends in between calls it again in its next life, and so does one that raises. It gets no other
                order before it returned. It takes a client, since only a process that places calls it.
            worker: Place orders from within `async with`. Without it, orders are placed by `drain()` or `work()`.
            concurrency: Orders of each API on the wire at most.
            settle_time: Seconds after an order was sent without an answer. Only then does its absence from the lists
                prove that it was not placed.
            patience: Seconds to wait for the answers to orders on the wire when the outbox is closed.
            lease: In a database: seconds for which this process may place without hearing from it. As long, and a
                little more, its orders wait when it dies; an attempt may take half of it.
            look_first: Look for each order in the lists of the account before it is sent. Say so after the outbox was
                restored from a backup, as long as orders may come again that it has forgotten.
            same_account: Say that a token other than the one the outbox was begun with is of the very same account.
            telemetry: Measures its orders as those of a batch `outbox`: `PrometheusMetrics()` or `OpenTelemetry()`.
            timing: Clocks and waits, for tests.
        """
        check_settings(concurrency=concurrency, settle_time=settle_time, patience=patience, lease=lease)
        if on_settled is not None and not callable(on_settled):
            raise InvalidArgument("on_settled", "takes an async function of a Submission")
        if on_settled is not None and wren is None and cnaught is None:
            raise InvalidArgument(
                "on_settled",
                "is called by a process that places orders, and this one has no client: give wren= or cnaught=, or "
                "read `settled()`",
            )
        if caps is not None and not isinstance(caps, OutboxCaps):
            raise InvalidArgument("caps", "takes OutboxCaps(...)")
        self._where = where
        self._name = check_name(name)
        self._dsn = database(where)
        self._lease = lease
        self._clients = clients_of(wren, cnaught)
        self._caps = caps
        self._on_settled = on_settled
        self._has_worker = worker and bool(self._clients)
        self._concurrency = concurrency
        self._settle_time = settle_time
        self._patience = patience
        self._look_first = look_first
        self._same_account = same_account
        self._telemetry = telemetry
        self._timing = timing or Timing()
        self._clocks = ServerClocks(self._timing)
        self._waiting = Waiting()
        self._open: OpenOutbox | None = None

    # --- submitting ---

    async def submit(self, intent: Intent, *, reference: str, connection: object | None = None) -> Submitted:
        """Write an order down. On return it is on disk, and will be placed once, whatever happens to this process.

        The same order under the same reference, from anywhere, is that one order: submitting may be repeated freely.

        Args:
            intent: What to buy.
            reference: Your own mark on it, such as `ride-4711`: 1 to 100 characters, the same for each delivery of the
                same order. It is sent with the order, in Wren's `note` or CNaught's `metadata`.
            connection: In a database: an asynchronous connection of psycopg, asyncpg or SQLAlchemy (`AsyncConnection`,
                `AsyncSession`, `async_scoped_session`) with your open transaction, in which the order is written then.
                Where it rolls back, nothing was ever ordered. Give word with `nudge()` after the commit, or let the
                workers find it.

        Raises `ReferenceReused` where another order has the reference, and `InvalidArgument` for an order that could
        not be sent; `JournalError` where it could not be written, or the database did not answer for half a minute: it
        may have been written then, and is submitted again under the same reference.
        """
        store, order = self._it.store, new_order(intent, reference, self._name, self._timing.utc())
        if not store.is_shared and order.api not in self._clients:
            raise InvalidConfiguration(f"nobody could place an order of {order.api}: {give_client(order.api)}")
        if reason := self._it.caps.now.refusal(intent) or self._above_ceilings(intent):
            raise InvalidArgument("intent", reason)
        writing = store.submit(order, connection)
        # The caller's own connection is the caller's to give up.
        outcome = submitted(order, await (writing if connection is not None else in_time(writing, _WRITTEN)))
        if self._has_worker:
            self._it.wake()
        elif connection is None:
            await self._give_word()
        return outcome

    def _above_ceilings(self, intent: Intent) -> str | None:
        client = self._clients.get(intent.api)
        return None if client is None or client.ceilings is None else above_ceilings(client.ceilings, intent)

    async def nudge(self) -> None:
        """Give the workers word that something was submitted. After your own transaction was committed it saves the
        half second in which they would look by themselves; nothing depends on it. Nothing is raised where the database
        does not answer: what was committed is placed."""
        self._it.wake()
        await self._give_word()

    async def _give_word(self) -> None:
        with contextlib.suppress(JournalError):
            await in_time(self._it.store.nudge([""]), 0)

    # --- results ---

    async def get(self, reference: str) -> Submission | None:
        """What is known of a reference; `None` where it was never submitted."""
        return await self._it.store.find(reference)

    async def result(self, reference: str, *, within: float = 2.0) -> Submission:
        """Wait up to `within` seconds until an order is settled, and return how it stands then.

        Its `is_settled` tells whether it is placed or refused; an order that is still open goes on being placed.
        Raises `InvalidArgument` for a reference that was never submitted; `JournalError` where the database does not
        answer in `within` seconds and a few more, which says nothing of the order. May be repeated, and cancelled.
        """
        if isinstance(within, bool) or not isinstance(within, int | float) or not 0 <= within < float("inf"):
            raise InvalidArgument("within", f"takes seconds, 0 or more, not {within!r}")
        return await self._it.results.of(reference, within)

    async def settled(self, *, after: int = 0) -> AsyncIterator[Submission]:
        """Each order that is placed or refused, by its `number`, beginning after a number, and then those to come.

        Keep the number of the last one you have dealt with, and begin there next time: then none is missed, and none
        comes twice. Ends when the outbox is closed.
        """
        async for submission in self._it.results.settled(after):
            yield submission

    # --- what needs a person ---

    async def needs_person(self) -> list[Submission]:
        """Orders that are undecided although the lists should have told by now. They count as spent, and are not sent
        again. Find them in the account, and settle them with `mark_placed` or `mark_not_placed`."""
        undecided = [each async for each in self._it.store.open_orders(State.UNDECIDED)]
        now = max(map(self._clocks.latest, self._clients), default=self._clocks.now())
        return [each for each in undecided if needs_person(each.result, now, self._settle_time)]

    async def mark_placed(self, reference: str, order_id: str, *, cents: int | None = None) -> None:
        """Settle an undecided order by hand: it was placed, as this order. `cents` is what it cost, if known."""
        journal, entry = await self._undecided(reference)
        await journal.settle_by_hand(entry.row.position, placed_by_hand(entry.result, order_id, cents))
        self._it.telling.settled(reference)

    async def mark_not_placed(self, reference: str) -> None:
        """Settle an undecided order by hand: it was not placed, and is given up. To order anew takes a new reference.

        Whoever says so of an order that was placed, and orders anew, has bought twice.
        """
        journal, entry = await self._undecided(reference)
        await journal.settle_by_hand(entry.row.position, given_up(entry.result))
        self._it.telling.settled(reference)

    async def _undecided(self, reference: str) -> tuple[ApiJournal, Entry]:
        for journal in self._it.store.journals.values():
            async for entry in journal.entries(State.UNDECIDED):
                if own_reference(self._name, entry.row.reference) == reference:
                    return journal, entry
        submission = await self._it.store.find(reference)
        stands = "was never submitted" if submission is None else f"is {submission.state}, not undecided"
        raise InvalidArgument("reference", f"{reference!r} {stands}")

    async def health(self) -> Health:
        """How the outbox stands. Cheap enough for a health check."""
        it = self._it
        halts = [await why_halted(journal) for journal in it.store.journals.values()]
        problems = [*(placing.problem for placing in it.placing.values()), it.telling.problem]
        return Health(
            problem="; ".join(filter(None, problems)) or None,
            halted="; ".join(filter(None, halts)) or None,
            totals=await it.store.totals(),
            waiting=sum([await journal.waiting() for journal in it.store.journals.values()]),
            spent=await it.store.spent(next(map(self._clocks.there, self._clients), self._clocks.now())),
        )

    @property
    def lapse(self) -> str | None:
        """In a database: why this process may place nothing for now, because its lease is lost or over. It asks
        nobody."""
        journals = () if self._open is None else self._open.store.journals.values()
        return next((each.lapse for each in journals if each.lapse), None)

    async def resume(self) -> None:
        """Go on placing after it was halted, because a person has found out why and has seen to it."""
        for api, journal in self._it.store.journals.items():
            await resume(journal)
            if api in self._it.placing:
                self._it.placing[api].resumed()

    async def prune(self, *, older_than: timedelta) -> int:
        """Keep of orders that were settled so long ago only what they are known by; returns how many there were.

        What stays is the reference, a digest of the order, its state, order id and cents: an order that is submitted
        again is still the same order, or refused as another one, for ever. What was asked for goes, and with it the
        rest of the result. Caps, sums and numbers stay as they are. Orders that an `on_settled`, of whichever process,
        has not got yet are left.

        It works in small pieces, beside everything else, and may be cancelled and repeated. In a file the room is used
        again; the file itself does not get smaller.
        """
        if not isinstance(older_than, timedelta) or older_than < timedelta(0):
            raise InvalidArgument("older_than", f"takes a timedelta such as timedelta(days=400), not {older_than!r}")
        before, pruned = self._clocks.now() - older_than, 0
        while some := await self._it.store.prune(before, await self._it.telling.told()):
            pruned += some
        return pruned

    # --- placing ---

    async def drain(self) -> None:
        """Place what can be placed now, and return. Orders without an answer are looked for again by a later call.

        Raises `UsageError` where the outbox places by itself, and errors of the clients where no price can be asked;
        what the other API can place is placed before.
        """
        self._check_without_worker("drain()")
        await each([placing.once() for placing in self._it.placing.values()])
        await self._it.telling.once()

    async def work(self) -> None:
        """Place orders until cancelled: what a process of its own does. Raises `UsageError` as `drain()` does."""
        self._check_without_worker("work()")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._it.telling.forever())
            for placing in self._it.placing.values():
                group.create_task(placing.forever())

    def _check_without_worker(self, what: str) -> None:
        if self._has_worker:
            raise UsageError(f"this outbox places its orders by itself; {what} is for Outbox(..., worker=False)")

    # --- inside ---

    @property
    def _it(self) -> OpenOutbox:
        if self._open is None:
            raise UsageError("an outbox is used with `async with`, and takes nothing once it is closed")
        return self._open

    async def __aenter__(self) -> Self:
        if self._open is not None:
            raise UsageError("this outbox is open already")
        store = await open_store(
            self._where, self._name, lease=self._lease, look_first=self._look_first, clock=self._clocks.there
        )
        try:
            caps = KeptCaps(store)
            await (caps.read() if self._caps is None else caps.keep(self._caps))
        except BaseException:
            await store.aclose()
            raise
        self._open = self._opened(store, caps)
        self._open.begin(has_worker=self._has_worker, hears=self._dsn)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._it.close(self._patience)
        finally:
            self._open = None

    def _opened(self, store: OutboxStore, caps: KeptCaps) -> OpenOutbox:
        telling = Telling(
            store,
            self._name,
            self._waiting,
            self._clocks,
            self._timing,
            on_settled=self._on_settled,
            telemetry=self._telemetry,
        )
        results = Results(store, self._waiting, self._timing)
        made = OpenOutbox(name=self._name, store=store, caps=caps, results=results, telling=telling)
        made.placing = {api: self._placing_of(api, made) for api in self._clients}
        telling.freed = made.freed
        return made

    def _placing_of(self, api: Api, made: OpenOutbox) -> Placing:
        journal, client = made.store.journals[api], self._clients[api]
        if (lease := journal.lease) is not None:
            client = client.with_permit(journal.may_send, within=lease / 2)
        return Placing(
            api=api,
            store=made.store,
            journal=journal,
            client=client,
            caps=made.caps,
            timing=self._timing,
            clocks=self._clocks,
            recovery=Recovery(
                journal,
                {api: client},
                settle_time=self._settle_time,
                clocks=self._clocks,
                copies=OtherCopies(journal, {api: client}, clocks=self._clocks, timing=self._timing),
                continues=False,
                none_was_placed=False,
                same_account=self._same_account,
            ),
            planning=Planning(
                api,
                client,
                journal,
                caps=lambda: made.caps.now,
                timing=self._timing,
                clocks=self._clocks,
                looks_first=self._look_first,
            ),
            undecided=Undecided(api, journal, self._clocks, Looks(self._settle_time)),
            concurrency=self._concurrency,
            tell=lambda entry: made.telling.settled(own_reference(self._name, entry.row.reference)),
            patience=self._patience,
        )
