"""Asking for work: jobs that say what is to be gone on with, and of which one waiting is enough."""

from __future__ import annotations

import inspect
from typing import Any, Final

from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued

from wren_async.errors import InvalidArgument

QUEUE: Final = "wren_async"
"""The queue of the jobs."""
NAMESPACE: Final = "wren_async"
BATCH_TASK: Final = "continue_batch"
OUTBOX_TASK: Final = "place_outbox"
DUE_TASK: Final = "defer_due"
DUE_LOCK: Final = f"{NAMESPACE}:{DUE_TASK}"
_OUTBOX_LOCK: Final = f"{NAMESPACE}:{OUTBOX_TASK}"

# One statement for all drivers. A job that waits already violates its queueing lock, which would abort the caller's
# transaction: the block is a savepoint of its own.
_WITHIN: Final = f"""
DO $$ BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        '{QUEUE}', '{NAMESPACE}:{OUTBOX_TASK}', 0, NULL, '{_OUTBOX_LOCK}', '{{}}', NULL
    )::procrastinate_job_to_defer_v1]);
EXCEPTION WHEN unique_violation THEN NULL;
END $$
"""


async def defer_batch(app: App, batch: str, *, workers: int = 1) -> int:
    """Ask for a batch to be gone on with, by so many jobs at once; how many of them were not waiting already.

    The jobs share the batch's orders between them. It may be repeated, and any process may ask: it needs an open app,
    and neither tokens nor the tasks. Raises `InvalidArgument`, and procrastinate's `ConnectorException`.

    Args:
        app: An app of procrastinate that is open.
        batch: Name of the batch.
        workers: Jobs that go on with it at once, on as many machines as there are workers of procrastinate.
    """
    if not batch:
        raise InvalidArgument("batch", "takes the name of a batch")
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InvalidArgument("workers", f"takes an int of 1 or more, not {workers!r}")
    deferred = 0
    for number in range(1, workers + 1):
        deferred += await _defer(app, BATCH_TASK, f"{NAMESPACE}:{BATCH_TASK}:{number}:{batch}", batch=batch)
    return deferred


async def defer_outbox(app: App, *, connection: object | None = None) -> None:
    """Ask for the orders of the outbox to be placed. One waiting job stands for any number of orders.

    Nothing depends on it: whoever forgets it, or rolls back, only leaves the orders to the next look, which is taken
    every minute. It may be repeated. Raises procrastinate's `ConnectorException`.

    Args:
        app: An app of procrastinate that is open.
        connection: An asynchronous connection of psycopg, asyncpg or SQLAlchemy (`AsyncConnection`, `AsyncSession`) to
            the app's database, in whose transaction it is asked; a job that waits already does not abort that. Better
            ask after the commit, without it: two transactions that ask wait for each other, and a notification within
            a transaction makes all commits of the database wait for each other.
    """
    if connection is None:
        await _defer(app, OUTBOX_TASK, _OUTBOX_LOCK)
    else:
        await _defer_within(connection)


async def _defer(app: App, task: str, queueing_lock: str, **arguments: str) -> bool:
    """Whether a job was added; there may be one that waits already."""
    try:
        named = app.configure_task(f"{NAMESPACE}:{task}", queue=QUEUE, queueing_lock=queueing_lock)
        await named.defer_async(**arguments)
    except AlreadyEnqueued:
        return False
    return True


async def _defer_within(connection: Any) -> None:
    if not inspect.iscoroutinefunction(getattr(connection, "execute", None)):
        raise InvalidArgument("connection", "takes an asynchronous connection of psycopg, asyncpg or SQLAlchemy")
    if any(each.__module__.partition(".")[0] == "sqlalchemy" for each in type(connection).__mro__):
        from sqlalchemy import text

        await connection.execute(text(_WITHIN))
    else:
        await connection.execute(_WITHIN)
