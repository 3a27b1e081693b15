"""Batches and the outbox as jobs of procrastinate, for an app that runs it already. Needs the extra `postgres`.

    from wren_async.jobs import SupervisedWorker, add_jobs, defer_batch

    add_jobs(app, address, open_clients)
    async with app.open_async():
        await defer_batch(app, "rides", workers=2)
        await SupervisedWorker(app).run()

A job says that something is to be gone on with, and nothing of its orders. So it may come late, twice at once, or not
at all: what is sent is decided by the rows of the database alone.

The names below load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._lazy import lazy

if TYPE_CHECKING:
    from wren_async.jobs.deferring import QUEUE, defer_batch, defer_outbox
    from wren_async.jobs.supervision import SupervisedWorker
    from wren_async.jobs.tasks import OpenClients, add_jobs

_HOMES = {
    "wren_async.jobs.deferring": "QUEUE defer_batch defer_outbox",
    "wren_async.jobs.supervision": "SupervisedWorker",
    "wren_async.jobs.tasks": "OpenClients add_jobs",
}
__all__ = ["QUEUE", "OpenClients", "SupervisedWorker", "add_jobs", "defer_batch", "defer_outbox"]

__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
