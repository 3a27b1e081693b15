"""The tasks: go on with a batch, place the orders of the outbox, and look every minute for what has something to do.

A job lasts as long as there is something to do. What nobody was asked for, or what a dead worker left, is found by the
task that looks, in every worker of procrastinate that has these tasks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import attrs
from procrastinate import App, Blueprint, JobContext

from wren_async.batch.events import BatchTelemetry
from wren_async.batch.run.service import WorkerService
from wren_async.cnaught import CNaughtClient
from wren_async.core.resting import rest
from wren_async.core.timing import Timing
from wren_async.errors import InvalidArgument, InvalidConfiguration
from wren_async.jobs.deferring import (
    BATCH_TASK,
    DUE_LOCK,
    DUE_TASK,
    NAMESPACE,
    OUTBOX_TASK,
    QUEUE,
    defer_batch,
    defer_outbox,
)
from wren_async.jobs.due import (
    batches_with_work,
    check_batch,
    jobs_wanted,
    outbox_activity,
    outboxes_with_work,
    runners_at_outboxes,
)
from wren_async.jobs.running import known_as_running, was_stopped
from wren_async.outbox.service import OutboxService
from wren_async.postgres.database import Database, DatabaseLost
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.lease import LEASE
from wren_async.reconcile import SETTLE_TIME
from wren_async.wren import WrenClient

_EACH_MINUTE: Final = "* * * * *"
_SOONER: Final = 10
"""Priority of the look: it is short, and must not wait behind long jobs."""
_LINGER: Final = 300.0
_LOOKS: Final = 20
"""How often the outbox is looked at while it lingers."""
_LONGEST_REST: Final = 5.0

OpenClients = Callable[[], AbstractAsyncContextManager[tuple[WrenClient | None, CNaughtClient | None]]]
"""Opens the clients of this machine, whose tokens are in no job."""
_Clients = tuple[WrenClient | None, CNaughtClient | None]

logger = logging.getLogger("wren_async.jobs")


def add_jobs(
    app: App,
    address: str | Dsn,
    open_clients: OpenClients,
    *,
    workers: int = 1,
    outbox: bool = True,
    concurrency: int = 32,
    settle_time: float = SETTLE_TIME,
    lease: float = LEASE,
    patience: float = 10.0,
    linger: float = _LINGER,
    same_account: bool = False,
    every: str = _EACH_MINUTE,
    telemetry: BatchTelemetry | None = None,
    timing: Timing | None = None,
) -> None:
    """Add the tasks to an app of procrastinate, under `wren_async:`, in the queue `QUEUE`.

    Whatever has something to do then gets jobs by itself: started batches with free orders, the outbox, and orders in
    doubt, which are looked for five seconds and a settle time after they were sent, and then every hour. `defer_batch`
    and `defer_outbox` only save the minute until the next look.

    Args:
        app: The app, before its worker starts. One that only asks for work does not need the tasks.
        address: The database of the batches and the outbox; it may be the one of the jobs, or another.
        open_clients: Opens the clients to place with. They are opened for each job.
        workers: Jobs that go on with one batch at once, unless `defer_batch` asks for more.
        outbox: Place the orders of the outbox, too, where the database has one.
        concurrency: Orders on the wire at most, for each job.
        settle_time: Seconds after which the absence of an order from the lists proves that it was not placed.
        lease: Seconds for which a job may go on without the database; as long, and a little more, its orders wait
            when its worker dies.
        patience: Seconds to wait for answers when a job is ended.
        linger: Seconds for which the job of the outbox stays after nothing was left to place, so that the next order is
            placed at once. A job that begins reads the account's lists first, so do not make it short.
        same_account: Say that a token other than the one that was used first is of the very same account.
        every: When to look for what has something to do, as cron writes it; a sixth field is seconds.
        telemetry: Measures the batches and the outbox, as with `WorkerService`.
        timing: Clocks and waits, for tests.

    Raises `InvalidArgument` and `InvalidConfiguration`, and procrastinate's `TaskAlreadyRegistered` for a second call.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InvalidArgument("workers", f"takes an int of 1 or more, not {workers!r}")
    tasks = _Tasks(
        dsn=address if isinstance(address, Dsn) else Dsn(address),
        open_clients=open_clients,
        workers=workers,
        has_outbox=outbox,
        concurrency=concurrency,
        settle_time=settle_time,
        lease=lease,
        patience=patience,
        linger=linger,
        same_account=same_account,
        telemetry=telemetry,
        timing=timing or Timing(),
    )
    blueprint = Blueprint()
    blueprint.task(name=BATCH_TASK, queue=QUEUE, pass_context=True)(tasks.continue_batch)
    blueprint.task(name=OUTBOX_TASK, queue=QUEUE, pass_context=True)(tasks.place_outbox)
    due = blueprint.task(name=DUE_TASK, queue=QUEUE, queueing_lock=DUE_LOCK, priority=_SOONER, pass_context=True)
    blueprint.periodic(cron=every)(due(tasks.defer_due))
    app.add_tasks_from(blueprint, namespace=NAMESPACE)


@attrs.frozen(kw_only=True)
class _Tasks:
    """What the tasks do, and how."""

    dsn: Dsn
    open_clients: OpenClients
    workers: int
    has_outbox: bool
    concurrency: int
    settle_time: float
    lease: float
    patience: float
    linger: float
    same_account: bool
    telemetry: BatchTelemetry | None
    timing: Timing

    async def continue_batch(self, context: JobContext, batch: str) -> None:
        """Go on with a batch, for as long as there is something that this job can do."""
        async with Database(self.dsn) as database:
            await database.read(lambda connection: check_batch(connection, batch))
        async with self._clients() as (wren, cnaught):
            service = WorkerService(
                self.dsn,
                wren=wren,
                cnaught=cnaught,
                batches=[batch],
                concurrency=self.concurrency,
                settle_time=self.settle_time,
                lease=self.lease,
                patience=self.patience,
                same_account=self.same_account,
                telemetry=self.telemetry,
                timing=self.timing,
            )
            with known_as_running(context, service.stop):
                await service.run(until_idle=True)
        if was_stopped(context):
            await defer_batch(context.app, batch)  # another worker goes on with it at once

    async def place_outbox(self, context: JobContext) -> None:
        """Place the orders of all outboxes, and those that come meanwhile. Where another worker is at it, that does."""
        stop = asyncio.Event()
        async with Database(self.dsn) as database:
            if await database.read(runners_at_outboxes):
                return
            async with self._clients() as (wren, cnaught):
                outboxes = OutboxService(
                    self.dsn,
                    wren=wren,
                    cnaught=cnaught,
                    concurrency=self.concurrency,
                    settle_time=self.settle_time,
                    patience=self.patience,
                    lease=self.lease,
                    same_account=self.same_account,
                    telemetry=self.telemetry,
                    timing=self.timing,
                )
                with known_as_running(context, stop.set):
                    async with outboxes:
                        await self._until_idle(database, stop)
        if was_stopped(context):
            await defer_outbox(context.app)

    async def defer_due(self, context: JobContext, timestamp: int) -> None:
        """Add jobs for what has something to do and nobody who does it."""
        async with Database(self.dsn) as database:
            batches = await database.read(batches_with_work)
            outboxes = await database.read(outboxes_with_work) if self.has_outbox else []
        now = self.timing.utc()
        for name, work in batches.items():
            if wanted := jobs_wanted(work, workers=self.workers, settle_time=self.settle_time, now=now):
                await defer_batch(context.app, name, workers=wanted)
        if any(jobs_wanted(each, workers=1, settle_time=self.settle_time, now=now) for each in outboxes):
            await defer_outbox(context.app)

    @asynccontextmanager
    async def _clients(self) -> AsyncIterator[_Clients]:
        async with self.open_clients() as clients:
            if clients == (None, None):
                raise InvalidConfiguration("open_clients gave no client: the worker's environment may lack the tokens")
            yield clients

    async def _until_idle(self, database: Database, stop: asyncio.Event) -> None:
        """Wait until there was nothing to place for a while, or until told to end."""
        last, since = 0, self.timing.monotonic()
        while not stop.is_set():
            try:
                newest, is_open = await database.run(outbox_activity)
            except DatabaseLost as error:
                logger.debug("%s", error)  # the outbox says so, and goes on by itself
            else:
                if is_open or newest != last:
                    last, since = newest, self.timing.monotonic()
            if self.timing.monotonic() - since >= self.linger:
                return
            await rest(self.timing, min(_LONGEST_REST, self.linger / _LOOKS), stop)
