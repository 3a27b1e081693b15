"""The outbox: an order is written down where it cannot be lost, and placed once by a worker.

async with Outbox("orders.outbox", cnaught=cnaught) as outbox:
    await outbox.submit(CNaughtMass(amount_kg=12), reference="ride-4711")
    submission = await outbox.result("ride-4711", within=2)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from wren_async.batch.events import BatchTelemetry
from wren_async.batch.intents import Api, Intent
from wren_async.batch.journal.contract import Entry, JournalError, State
from wren_async.batch.run.copies import OtherCopies
from wren_async.batch.run.outcomes import given_up, placed_by_hand
from wren_async.batch.run.recovery import Recovery
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.cnaught import CNaughtClient
from wren_async.core.client import BaseClient
from wren_async.core.timing import Timing
from wren_async.errors import InvalidArgument, InvalidConfiguration, UsageError
from wren_async.outbox.caps import OutboxCaps
from wren_async.outbox.placing import KeptCaps, Placing
from wren_async.outbox.planning import Planning
from wren_async.outbox.schedule import needs_person
from wren_async.outbox.sqlite import SqliteOutbox
from wren_async.outbox.store import Health, OutboxStore, Submission, Submitted
from wren_async.outbox.submitting import above_ceilings, new_order, submitted
from wren_async.outbox.waiting import Waiting
from wren_async.reconcile import SETTLE_TIME
from wren_async.wren import WrenClient

if TYPE_CHECKING:
    from wren_async.outbox.postgres import PostgresOutbox
    from wren_async.postgres.dsn import Dsn

_TOLD: Final = "outbox told"
"""Name of the note that says up to which number settled orders were handed to the callback."""
_PAGE: Final = 200
_POLL: Final = 0.5
"""Seconds after which a shared outbox is looked at, though nobody gave word."""
_FINISHING: Final = 2.0
_PATIENCE: Final = 10.0
_LONGEST_REST: Final = 60.0
_logger = logging.getLogger("wren_async.outbox")

OnSettled = Callable[[Submission], Awaitable[object]]


class Outbox:
    """Orders that are written down first and placed once by a worker. Use it with `async with`."""

    def __init__(
        self,
        where: str | os.PathLike[str] | Dsn,
        *,
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
            wren: Client for the orders of Wren. The clients stay yours to close, after the outbox.
            cnaught: Client for the orders of CNaught.
            caps: What may not be exceeded in a day or a month. The outbox keeps them, also for processes that give
                none; `OutboxCaps()` lifts them.
            on_settled: Awaited with each order that is placed or refused, in their order, at least once each: a process
                that ends in between calls it again in its next life, and so does one that raises. It gets no other
                order before it returned.
            worker: Place orders from within `async with`. Without it, orders are placed by `drain()` or `work()`.
            concurrency: Orders on the wire at most.
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
        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
            raise InvalidArgument("concurrency", f"takes an int of 1 or more, not {concurrency!r}")
        clients: dict[Api, BaseClient | None] = {"wren": wren, "cnaught": cnaught}
        self._where = where
        self._dsn = _database(where)
        self._lease = lease
        self._clients: Mapping[Api, BaseClient] = {api: each for api, each in clients.items() if each is not None}
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
        self._open_store: OutboxStore | None = None
        self._placing: Placing | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._settled = asyncio.Event()
        self._to_tell: set[str] = set()
        self._closing = False

    # --- submitting ---

    async def submit(self, intent: Intent, *, reference: str, connection: object | None = None) -> Submitted:
        """Write an order down. On return it is on disk, and will be placed once, whatever happens to this process.

        The same order under the same reference, from anywhere, is that one order: submitting may be repeated freely.

        Args:
            intent: What to buy.
            reference: Your own mark on it, such as `ride-4711`: 1 to 100 characters, the same for each delivery of the
                same order. It is sent with the order, in Wren's `note` or CNaught's `metadata`.
            connection: In a database: an asynchronous connection of psycopg, asyncpg or SQLAlchemy (`AsyncConnection`,
                `AsyncSession`) with your open transaction, in which the order is written then. Where it rolls back,
                nothing was ever ordered. Give word with `nudge()` after the commit, or let the workers find it.

        Raises `ReferenceReused` where another order has the reference, and `InvalidArgument` for an order that could
        not be sent; `JournalError` where it could not be written.
        """
        store, order = self._store, new_order(intent, reference, self._timing.utc())
        if not store.is_shared and order.api not in self._clients:
            raise InvalidConfiguration(f"nobody could place an order of {order.api}: give Outbox({order.api}=...)")
        if reason := self._place().caps.now.refusal(intent):
            raise InvalidArgument("intent", reason)
        client = self._clients.get(intent.api)
        if client is not None and client.ceilings is not None and (reason := above_ceilings(client.ceilings, intent)):
            raise InvalidArgument("intent", reason)
        outcome = submitted(order, await store.submit(order, connection))
        if self._has_worker:
            self._place().wake()
        elif connection is None:
            await store.nudge([""])
        return outcome

    async def nudge(self) -> None:
        """Give the workers word that something was submitted. After your own transaction was committed it saves the
        half second in which they would look by themselves; nothing depends on it."""
        if self._placing is not None:
            self._placing.wake()
        await self._store.nudge([""])

    # --- results ---

    async def get(self, reference: str) -> Submission | None:
        """What is known of a reference; `None` where it was never submitted."""
        return await self._store.find(reference)

    async def result(self, reference: str, *, within: float = 2.0) -> Submission:
        """Wait up to `within` seconds until an order is settled, and return how it stands then.

        Its `is_settled` tells whether it is placed or refused; an order that is still open goes on being placed.
        Raises `InvalidArgument` for a reference that was never submitted. May be repeated, and cancelled.
        """
        store = self._store
        with self._waiting.of(reference) as news:
            deadline = asyncio.ensure_future(self._timing.sleep(within))
            try:
                while True:
                    news.clear()
                    submission = await store.find(reference)
                    if submission is None:
                        raise InvalidArgument("reference", f"{reference!r} was never submitted to this outbox")
                    if submission.is_settled or deadline.done():
                        return submission
                    word = asyncio.ensure_future(news.wait())
                    try:
                        timeout = _POLL if store.is_shared else None
                        await asyncio.wait({deadline, word}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        word.cancel()
                    if self._closing:
                        return submission
            finally:
                deadline.cancel()

    async def settled(self, *, after: int = 0) -> AsyncIterator[Submission]:
        """Each order that is placed or refused, by its `number`, beginning after a number, and then those to come.

        Keep the number of the last one you have dealt with, and begin there next time: then none is missed, and none
        comes twice. Ends when the outbox is closed.
        """
        store = self._store
        with self._waiting.any() as news:
            while not self._closing:
                news.clear()
                page = await store.finished(after, _PAGE)
                for submission in page:
                    yield submission
                    after = submission.number or after
                if not page:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(news.wait(), _POLL if store.is_shared else None)

    # --- what needs a person ---

    async def needs_person(self) -> list[Submission]:
        """Orders that are undecided although the lists should have told by now. They count as spent, and are not sent
        again. Find them in the account, and settle them with `mark_placed` or `mark_not_placed`."""
        now = self._place().latest()
        undecided = [each async for each in self._store.open_orders(State.UNDECIDED)]
        return [each for each in undecided if needs_person(each.result, now, self._settle_time)]

    async def mark_placed(self, reference: str, order_id: str, *, cents: int | None = None) -> None:
        """Settle an undecided order by hand: it was placed, as this order. `cents` is what it cost, if known."""
        entry = await self._undecided(reference)
        await self._store.settle_by_hand(entry.row.position, placed_by_hand(entry.result, order_id, cents))
        self._tell(entry)

    async def mark_not_placed(self, reference: str) -> None:
        """Settle an undecided order by hand: it was not placed, and is given up. To order anew takes a new reference.

        Whoever says so of an order that was placed, and orders anew, has bought twice.
        """
        entry = await self._undecided(reference)
        await self._store.settle_by_hand(entry.row.position, given_up(entry.result))
        self._tell(entry)

    async def _undecided(self, reference: str) -> Entry:
        async for entry in self._store.entries(State.UNDECIDED):
            if entry.row.reference == reference:
                return entry
        submission = await self._store.find(reference)
        stands = "was never submitted" if submission is None else f"is {submission.state}, not undecided"
        raise InvalidArgument("reference", f"{reference!r} {stands}")

    async def health(self) -> Health:
        """How the outbox stands. Cheap enough for a health check."""
        return Health(
            problem=None if self._placing is None else self._placing.problem,
            halted=await self._place().halted(),
            totals=await self._store.totals(),
            waiting=await self._store.waiting(),
            spent=await self._store.spent(self._clocks.now()),
        )

    @property
    def lapse(self) -> str | None:
        """In a database: why this process may place nothing for now, because its lease is lost or over. It asks
        nobody."""
        return None if self._open_store is None else self._open_store.lapse

    async def resume(self) -> None:
        """Go on placing after it was halted, because a person has found out why and has seen to it."""
        await self._place().resume()

    # --- placing ---

    async def drain(self) -> None:
        """Place what can be placed now, and return. Orders without an answer are looked for again by a later call.

        Raises `UsageError` where the outbox places by itself, and errors of the clients where no price can be asked.
        """
        if self._has_worker:
            raise UsageError("this outbox places its orders by itself; drain() is for Outbox(..., worker=False)")
        await self._place().once()
        await self._finish()

    async def work(self) -> None:
        """Place orders until cancelled: what a process of its own does. Raises `UsageError` as `drain()` does."""
        if self._has_worker:
            raise UsageError("this outbox places its orders by itself; work() is for Outbox(..., worker=False)")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._finish_forever())
            group.create_task(self._place().forever())

    # --- inside ---

    @property
    def _store(self) -> OutboxStore:
        if self._open_store is None:
            raise UsageError("an outbox is used with `async with`")
        return self._open_store

    def _place(self) -> Placing:
        if self._placing is None:
            raise UsageError("an outbox is used with `async with`")
        return self._placing

    async def __aenter__(self) -> Self:
        self._closing = False
        store = await self._open()
        try:
            await store.prepare()
            if not store.is_shared and store.is_behind and not self._look_first:
                raise JournalError(
                    f"{self._where}: is older than its last run, as after restoring a backup: orders that it has "
                    "forgotten may have been placed. Go on with Outbox(..., look_first=True), which looks for each "
                    "order before it is sent"
                )
            caps = KeptCaps(store)
            await (caps.read() if self._caps is None else caps.keep(self._caps))
        except BaseException:
            await store.aclose()
            raise
        self._open_store = store
        self._placing = self._new_placing(store, caps)
        if self._has_worker:
            self._tasks = [
                asyncio.create_task(self._placing.forever(), name="outbox"),
                asyncio.create_task(self._finish_forever(), name="outbox results"),
            ]
        if self._dsn is not None:
            from wren_async.outbox.listening import listen

            self._tasks.append(asyncio.create_task(listen(self._dsn, self._hear), name="outbox word"))
        return self

    async def _open(self) -> SqliteOutbox | PostgresOutbox:
        if self._dsn is None:
            return await SqliteOutbox.open(os.fspath(self._where))  # type: ignore[arg-type]
        from wren_async.outbox.postgres import PostgresOutbox

        return await PostgresOutbox.open(self._dsn, "outbox", lease=self._lease)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        placing, store, tasks = self._place(), self._store, self._tasks
        self._closing = True
        try:
            placing.stop()
            if self._has_worker:
                await asyncio.wait(tasks[:1], timeout=self._patience)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            try:
                await placing.leave()
                while await store.finish():
                    pass
            finally:
                self._waiting.wake_all()
                self._tasks, self._open_store, self._placing = [], None, None
                await store.aclose()

    def _new_placing(self, store: OutboxStore, caps: KeptCaps) -> Placing:
        clients: Mapping[Api, BaseClient] = self._clients
        if (lease := store.lease) is not None:
            clients = {api: each.with_permit(store.may_send, within=lease / 2) for api, each in self._clients.items()}
        return Placing(
            store=store,
            clients=clients,
            caps=caps,
            settle_time=self._settle_time,
            timing=self._timing,
            clocks=self._clocks,
            recovery=Recovery(
                store,
                clients,
                settle_time=self._settle_time,
                clocks=self._clocks,
                copies=OtherCopies(store, clients, clocks=self._clocks, timing=self._timing),
                continues=False,
                none_was_placed=False,
                same_account=self._same_account,
            ),
            planning={
                api: Planning(
                    api,
                    client,
                    store,
                    caps=lambda: caps.now,
                    timing=self._timing,
                    clocks=self._clocks,
                    looks_first=self._look_first,
                )
                for api, client in clients.items()
            },
            concurrency=self._concurrency,
            tell=self._tell,
            patience=self._patience,
        )

    def _tell(self, entry: Entry) -> None:
        self._to_tell.add(entry.row.reference)
        self._waiting.wake(entry.row.reference)
        self._settled.set()

    def _hear(self, reference: str) -> None:
        """Take word from another process: of a settled order, or of submissions."""
        if reference:
            self._waiting.wake(reference)
            self._waiting.wake_any()
        elif self._placing is not None:
            self._placing.wake()

    async def _finish(self) -> None:
        """Number what was settled, give word of it, and hand it to the callback."""
        if references := [*self._to_tell]:
            self._to_tell.clear()
            await self._store.nudge(references)
        while await self._store.finish():
            self._waiting.wake_any()
        if self._telemetry is not None:
            self._telemetry.note_totals(await self._store.totals(), batch="outbox")
        if self._on_settled is None or not await self._store.begin_telling():
            return
        try:
            told = int(await self._store.noted(_TOLD) or 0)
            while page := await self._store.finished(told, _PAGE):
                for submission in page:
                    await self._on_settled(submission)
                    told = submission.number or told
                    await self._store.note(_TOLD, str(told))
        finally:
            await self._store.end_telling()

    async def _finish_forever(self) -> None:
        failures = 0
        while True:
            self._settled.clear()
            try:
                await self._finish()
                failures = 0
            except Exception:
                failures += 1
                _logger.exception("settled orders could not be handed on; they are handed on again")
                self._settled.set()
                await self._timing.sleep(min(_LONGEST_REST, 2.0 ** min(failures, 10)))
            if not self._store.is_shared:
                await self._settled.wait()
                continue
            # Other processes settle orders too, and may end before they have numbered them.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), _FINISHING)


def _database(where: str | os.PathLike[str] | Dsn) -> Dsn | None:
    """The address of a database, where it is one. Raises `InvalidConfiguration` where the extra is not installed."""
    if isinstance(where, os.PathLike) or (
        isinstance(where, str) and not where.startswith(("postgresql://", "postgres://"))
    ):
        return None
    try:
        from wren_async.postgres.dsn import Dsn
    except ImportError:
        raise InvalidConfiguration("an outbox in PostgreSQL needs: pip install 'wren-async[postgres]'") from None
    return where if isinstance(where, Dsn) else Dsn(where)
