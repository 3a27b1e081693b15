"""A worker: it places the batches of a database, one run after another, for as long as it is let.

It trusts nothing to tell it that there is work: it looks. What it does not get to the end, because its database is
away, its token is refused or its orders are in doubt, it tries again later, and others may meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final, TypeVar, cast

import psycopg

from wren_async.batch.events import BatchTelemetry, Ended, Ending, Event, Settled
from wren_async.batch.journal.contract import State
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.postgres.opening import OpenBatch, open_batches, totals_by_name
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.journal.postgres.tables import PARTS
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.settings import check_settings, clients_of
from wren_async.cnaught import CNaughtClient
from wren_async.core.timing import Timing
from wren_async.errors import InvalidArgument, WrenAsyncError
from wren_async.postgres.database import Connection, Database, DatabaseLost, refused, when_there
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.lease import LEASE
from wren_async.postgres.schema import Part, check, check_server, warn
from wren_async.reconcile import SETTLE_TIME
from wren_async.wren import WrenClient

T = TypeVar("T")

_POLL: Final = 0.5
"""Seconds between two looks for work."""
_LATER: Final = 15.0
"""Seconds before a batch that could not go on is tried again, unless it is told otherwise."""
_LATEST: Final = 300.0
_SOON: Final = 10.0
"""Seconds for which it waits for another worker before it tells so; and then every `_LATEST`."""
_LOOKS: Final = 6
"""How often the database is looked at while a lease lasts, whatever else goes on."""

OnEvent = Callable[[str, Event], None]
"""Told the name of a batch, and what happens in it."""

logger = logging.getLogger("wren_async.worker")


class WorkerService:
    """Places the started batches of a database. Any number of them may, on any number of machines.

    The tokens of the APIs are those of its clients: none is in the database.
    """

    def __init__(
        self,
        address: str | Dsn,
        *,
        wren: WrenClient | None = None,
        cnaught: CNaughtClient | None = None,
        batches: Collection[str] = (),
        concurrency: int = 32,
        settle_time: float = SETTLE_TIME,
        lease: float = LEASE,
        patience: float = 10.0,
        same_account: bool = False,
        retry_after: float = _LATER,
        on_event: OnEvent | None = None,
        telemetry: BatchTelemetry | None = None,
        sent_over: str | None = None,
        timing: Timing | None = None,
    ) -> None:
        """Make it; `run` begins.

        Args:
            address: The database.
            wren: Client for the orders of Wren.
            cnaught: Client for the orders of CNaught.
            batches: Names of those to place; all if none is named.
            concurrency: Orders on the wire at most.
            settle_time: Seconds after which the absence of an order from the lists proves that it was not placed.
            lease: Seconds for which it may go on without the database.
            patience: Seconds to wait for answers when it is left.
            same_account: Say that a token other than the one a batch was begun with is of the very same account.
            retry_after: Seconds before a batch that could not go on is tried again, and as many more each time.
            on_event: Told what happens.
            telemetry: Measures the batches, by their names: `PrometheusMetrics()` or `OpenTelemetry()`, the same one
                that the clients were given.
            sent_over: The HTTP library of the clients, as the report is to tell it.
            timing: Clocks and waits, for tests.
        """
        check_settings(concurrency=concurrency, settle_time=settle_time, patience=patience, lease=lease)
        clients_of(wren, cnaught)
        if isinstance(batches, str):
            raise InvalidArgument("batches", f"takes several names: batches=[{batches!r}]")
        self._dsn = address if isinstance(address, Dsn) else Dsn(address)
        self._wren = wren
        self._cnaught = cnaught
        self._batches = frozenset(batches)
        self._concurrency = concurrency
        self._settle_time = settle_time
        self._lease = lease
        self._patience = patience
        self._same_account = same_account
        self._retry_after = retry_after
        self._on_event = on_event
        self._telemetry = telemetry
        self._sent_over = sent_over
        self._timing = timing or Timing()
        self._parts: tuple[Part, ...] = PARTS
        self._stopping = asyncio.Event()
        self._running: Batch | None = None
        self._journal: PostgresJournal | None = None
        self._reached: float | None = None
        """When the database was asked for what it has answered last."""
        self._watched: set[str] = set()
        """Batches with something left to do, when the database was looked at last."""
        self._later: dict[str, tuple[float, float]] = {}
        self._tells: dict[str, float] = {}
        """When it tells next that a batch waits for another worker."""
        self._settled = 0
        """Orders that the last run brought to an end."""

    def stop(self) -> None:
        """Take no new orders, and finish those on the wire; `run` then returns."""
        self._stopping.set()
        if self._running is not None:
            self._running.stop()

    @property
    def problem(self) -> str | None:
        """Why it can place nothing for now: its database is away, or its lease is lost. `None` while all is well.

        For a health check: it asks nobody, and holds no secret. A batch that was stopped, or an API that refuses, is
        none: a new worker would find the same.
        """
        if self._reached is None:
            return "the database has not been reached yet"
        if (seconds := self._timing.monotonic() - self._reached) > self._lease:
            return f"the database has not been reached for {seconds:.0f} s"
        return None if self._journal is None else self._journal.lapse

    async def run(self, *, until_done: bool = False, until_idle: bool = False) -> None:
        """Place what there is, and whatever comes, until `stop`; or until nothing is left to do.

        `until_idle` ends it sooner: once there is nothing that it could do now, though others may be at the rest, or
        what is in doubt has to wait for its time. While the database is away it waits, also at its start. Raises
        `JournalError` where waiting would not help: the database does not let it in, is of another version, or cannot
        be trusted.
        """
        async with Database(self._dsn, longest=max(1.0, self._lease / 3)) as database:
            if await self.when_there(lambda: self._check(database)) is None:
                return
            async with self._looking(database):
                await self._place_all(database, until_done=until_done, until_idle=until_idle)

    async def when_there(self, attempt: Callable[[], Awaitable[T]]) -> T | None:
        """Do something with the database as soon as it is there; `None` where the worker is stopped before.

        While the database is away it is tried again, and the log tells so now and then. Raises `JournalError` where
        waiting would not help.
        """
        return None if self._stopping.is_set() else await when_there(attempt, self._dsn, self._stopping)

    def needs(self, part: Part) -> None:
        """Place only while these tables, too, are of this program's version."""
        self._parts = (*self._parts, part)

    async def _check(self, database: Database) -> bool:
        for warning in await database.run(check_server):
            warn(str(self._dsn), warning)
        await database.run(lambda connection: check(connection, self._parts))
        return True

    async def _find(self, connection: Connection) -> list[OpenBatch]:
        # A program of another version may have changed the tables since.
        await check(connection, self._parts)
        return await open_batches(connection)

    async def _place_all(self, database: Database, *, until_done: bool, until_idle: bool) -> None:
        while not self._stopping.is_set():
            began = self._timing.monotonic()
            try:
                left = [each for each in await database.run(self._find) if self._is_mine(each)]
            except DatabaseLost as error:
                database.outage.goes_on(error)
                await self._rest(_POLL * 4)
                continue
            except psycopg.Error as error:
                raise refused(self._dsn, error) from None
            self._reached = began
            self._tell_waiting(left)
            if until_done and not left:
                return
            ready = next((each for each in left if self._is_ready(each)), None)
            if ready is None:
                if until_idle:
                    return
                await self._rest(_POLL)
            else:
                await self._place(ready)

    @asynccontextmanager
    async def _looking(self, database: Database) -> AsyncIterator[None]:
        """Look at the database from time to time, also during a long run; and once more in the end."""
        task = asyncio.create_task(self._look_forever(database))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
        if self._telemetry is not None:
            await self._look(database)

    async def _look_forever(self, database: Database) -> None:
        while True:
            await self._look(database)
            await asyncio.sleep(self._lease / _LOOKS)

    async def _look(self, database: Database) -> None:
        """Find out that the database is there, and measure the batches: others may place most of them."""
        began = self._timing.monotonic()
        try:
            names = {each.name for each in await database.run(open_batches) if self._is_mine(each)}
            self._reached = began
            if self._telemetry is not None and (known := names | self._watched):
                for name, totals in (await database.run(lambda own: totals_by_name(own, known))).items():
                    self._telemetry.note_totals(totals, batch=name)
        except (WrenAsyncError, psycopg.Error) as error:
            logger.debug("%s: %s", self._dsn, self._dsn.scrub(str(error)))
        except Exception:
            logger.exception("the batches could not be measured")
        else:
            self._watched = names

    def _is_mine(self, batch: OpenBatch) -> bool:
        return not self._batches or batch.name in self._batches

    def _is_ready(self, batch: OpenBatch) -> bool:
        due, _ = self._later.get(batch.name, (0.0, 0.0))
        is_open = (batch.is_free or batch.in_doubt > 0) and batch.looker is None
        return is_open and self._timing.monotonic() >= due

    def _tell_waiting(self, left: Sequence[OpenBatch]) -> None:
        """Say which batches are left alone because another worker looks first at what the accounts show of them."""
        now = self._timing.monotonic()
        lookers = {each.name: each.looker for each in left if each.looker is not None}
        self._tells = {name: self._tells.get(name, now + _SOON) for name in lookers}
        for name, looker in lookers.items():
            if self._tells[name] <= now:
                self._tells[name] = now + _LATEST
                logger.warning(
                    "batch %r: worker %s looks first at what the accounts show of it; the others wait for that",
                    name,
                    looker,
                )

    async def _place(self, batch: OpenBatch) -> None:
        """One run of one batch. Whatever stops it is told, and it is tried again later."""
        try:
            ended = await self._run_once(batch.name)
        except (WrenAsyncError, OSError) as error:
            logger.warning("batch %r: %s", batch.name, error)
            self._put_off(batch.name)
            return
        if ended is None or ended.ending is Ending.ASKED:
            return
        if ended.ending is not Ending.DONE or ended.totals.orders.get(State.UNDECIDED, 0):
            # What is in doubt is not proven before its settle time, and what a server refuses now it refuses a while.
            self._put_off(batch.name)
        elif self._settled:
            self._later.pop(batch.name, None)
        else:
            # Others have the rest, or a worker that is gone has it until the end of its lease.
            self._later[batch.name] = (self._timing.monotonic() + self._retry_after, 0.0)

    async def _run_once(self, name: str) -> Ended | None:
        async with await PostgresJournal.open(self._dsn, name, make=False, lease=self._lease) as journal:
            self._journal = journal
            if self._sent_over is not None and await journal.noted(Note.SENT_OVER) != self._sent_over:
                await journal.note(Note.SENT_OVER, self._sent_over)
            batch = Batch(
                journal,
                wren=self._wren,
                cnaught=self._cnaught,
                concurrency=self._concurrency,
                settle_time=self._settle_time,
                patience=self._patience,
                same_account=self._same_account,
                timing=self._timing,
            )
            try:
                async with batch:
                    self._running = batch
                    return None if self._stopping.is_set() else await self._follow(name, batch)
            finally:
                self._running = self._journal = None

    async def _follow(self, name: str, batch: Batch) -> Ended | None:
        ended, self._settled = None, 0
        run = cast("AsyncGenerator[Event, None]", batch.run())
        async with aclosing(run if self._telemetry is None else self._telemetry.watch(run, batch=name)) as events:
            async for event in events:
                if self._stopping.is_set():
                    batch.stop()
                if self._on_event is not None:
                    self._on_event(name, event)
                self._settled += isinstance(event, Settled)
                if isinstance(event, Ended):
                    ended = event
        return ended

    def _put_off(self, name: str) -> None:
        _, before = self._later.get(name, (0.0, 0.0))
        wait = min(_LATEST, before + self._retry_after)
        self._later[name] = (self._timing.monotonic() + wait, wait)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
