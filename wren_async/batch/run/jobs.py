"""Batches as jobs of procrastinate, for an app whose workers it starts already.

A job says that a batch is to be gone on with, and nothing of its orders. So it may be run late, twice at once, or not
at all: what is sent is decided by the journal alone, and a `WorkerService` elsewhere goes on with the same batch.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from procrastinate import Blueprint

from wren_async.batch.run.service import WorkerService
from wren_async.cnaught import CNaughtClient
from wren_async.postgres.dsn import Dsn
from wren_async.wren import WrenClient

QUEUE: Final = "wren_async"
"""The queue of the jobs."""

OpenClients = Callable[[], AbstractAsyncContextManager[tuple[WrenClient | None, CNaughtClient | None]]]
"""Opens the clients of this machine, whose tokens are in no job."""


def batch_jobs(address: str | Dsn, open_clients: OpenClients, **options: Any) -> Blueprint:
    """The task `place`, for `app.add_tasks_from(batch_jobs(...), namespace="wren_async")`.

    `app.configure_task("wren_async:place").defer_async(batch="rides")` then asks for a batch to be gone on with. The
    job ends once nothing is left to do in it.

    procrastinate takes a job from a worker that died only where the app calls `get_stalled_jobs()` and `retry_job()`,
    and a restart of PostgreSQL may end its worker without an error: let something restart that.

    Args:
        address: The database of the batches; it may be the one of the jobs, or another.
        open_clients: Opens the clients to place with.
        options: What else a `WorkerService` takes.
    """
    dsn = address if isinstance(address, Dsn) else Dsn(address)
    jobs = Blueprint()

    @jobs.task(name="place", queue=QUEUE)
    async def place(batch: str) -> None:
        async with open_clients() as (wren, cnaught):
            service = WorkerService(dsn, wren=wren, cnaught=cnaught, batches=[batch], **options)
            await service.run(until_done=True)

    return jobs
