"""Batches as jobs of procrastinate: a job that comes twice places each order once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import procrastinate
from batch_world import World
from test_shared_batches import KILOS, plan, states

from wren_async import CNaughtClient, WrenClient
from wren_async.batch import PostgresJournal, State
from wren_async.batch.run.jobs import QUEUE, batch_jobs


async def test_a_job_that_comes_twice_places_each_order_once(here: World, database_address: str) -> None:
    @asynccontextmanager
    async def open_clients() -> AsyncIterator[tuple[WrenClient | None, CNaughtClient | None]]:
        wren, cnaught = here.clients()
        async with wren, cnaught:
            yield wren, cnaught

    await plan(here, database_address, KILOS[:30])
    async with await PostgresJournal.open(database_address, "rides") as journal:
        await journal.resume_all()
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=database_address))
    app.add_tasks_from(batch_jobs(database_address, open_clients), namespace="wren_async")
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for _ in range(2):
            await app.configure_task("wren_async:place").defer_async(batch="rides")
        await app.run_worker_async(
            queues=[QUEUE], wait=False, concurrency=2, listen_notify=False, install_signal_handlers=False
        )
        done = await app.connector.execute_query_all_async("SELECT status::text, args FROM procrastinate_jobs")
    assert [(job["status"], job["args"]) for job in done] == [("succeeded", {"batch": "rides"})] * 2
    assert await states(database_address) == {State.PLACED: 30}
    assert [len(orders) for orders in here.committed().values()] == [1] * 30
