"""Batches and the outbox as jobs of procrastinate: they come twice, late or never, and each order is placed once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import psycopg
import pytest
from batch_world import World
from procrastinate import App, PsycopgConnector
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from test_shared_batches import KILOS, plan, states

from wren_async import CNaughtClient, WrenClient
from wren_async.batch import PostgresJournal, State, WrenOffset
from wren_async.errors import InvalidArgument
from wren_async.jobs import QUEUE, add_jobs, defer_batch, defer_outbox
from wren_async.jobs.due import Work, jobs_wanted
from wren_async.outbox import CNaughtMass, Outbox

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEVER = "0 0 29 2 *"
"""A time at which no test runs: what is looked for is looked for on request."""
RIDE = CNaughtMass(amount_kg=12)
BATCH, PLACE, DUE = "wren_async:continue_batch", "wren_async:place_outbox", "wren_async:defer_due"


@asynccontextmanager
async def app_of(here: World, address: str, **options: Any) -> AsyncIterator[App]:
    """An app whose worker has the clients of the world."""

    @asynccontextmanager
    async def open_clients() -> AsyncIterator[tuple[WrenClient | None, CNaughtClient | None]]:
        wren, cnaught = here.clients()
        async with wren, cnaught:
            yield wren, cnaught

    app = App(connector=PsycopgConnector(conninfo=address))
    add_jobs(app, address, open_clients, **{"linger": 0.2, "every": NEVER, **options})
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        yield app


async def run_jobs(app: App, **options: Any) -> None:
    """Run what waits, and what that asks for, and end."""
    given = {"queues": [QUEUE], "concurrency": 4, "listen_notify": False, "install_signal_handlers": False, **options}
    while [*await app.job_manager.list_jobs_async(status="todo")]:
        await app.run_worker_async(wait=False, **given)


async def jobs_of(app: App) -> list[tuple[str, str]]:
    """Name and state of each job but those that look."""
    query = "SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id"
    found = await app.connector.execute_query_all_async(query)
    return [(job["task_name"], job["status"]) for job in found if job["task_name"] != DUE]


async def look(app: App) -> None:
    """Look for what has something to do, as each worker does every minute."""
    await app.configure_task(DUE, queue=QUEUE).defer_async(timestamp=0)


async def start(address: str) -> None:
    async with await PostgresJournal.open(address, "rides") as journal:
        await journal.resume_all()


async def planned(here: World, address: str, number: int) -> None:
    await plan(here, address, KILOS[:number])
    await start(address)


# --- batches ---


async def test_jobs_that_come_twice_place_each_order_once(here: World, database_address: str) -> None:
    await planned(here, database_address, 450)
    async with app_of(here, database_address) as app:
        assert await defer_batch(app, "rides", workers=3) == 3
        await app.configure_task(BATCH, queue=QUEUE).defer_async(batch="rides")  # again, and without a lock
        await run_jobs(app)
        assert await jobs_of(app) == [(BATCH, "succeeded")] * 4
    assert await states(database_address) == {State.PLACED: 450}
    assert [len(orders) for orders in here.committed().values()] == [1] * 450


async def test_a_batch_that_nobody_asked_for_is_found(here: World, database_address: str) -> None:
    await planned(here, database_address, 30)
    async with app_of(here, database_address, workers=2) as app:
        await look(app)
        await run_jobs(app)
        assert (BATCH, "succeeded") in await jobs_of(app)
        assert await states(database_address) == {State.PLACED: 30}
        done = await jobs_of(app)
        await look(app)
        await run_jobs(app)
        assert await jobs_of(app) == done, "nothing is left to do, and nobody is asked to"
    assert [len(orders) for orders in here.committed().values()] == [1] * 30


async def test_a_batch_that_is_only_planned_is_left_alone(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS[:5])
    async with app_of(here, database_address) as app:
        await look(app)
        await defer_batch(app, "rides")
        await run_jobs(app)
        assert await jobs_of(app) == [(BATCH, "succeeded")]
    assert here.committed() == {}


async def test_asking_again_adds_no_job_while_one_waits(here: World, database_address: str) -> None:
    async with app_of(here, database_address) as app:
        assert await defer_batch(app, "rides", workers=2) == 2
        assert await defer_batch(app, "rides", workers=3) == 1
        assert await defer_batch(app, "flights") == 1
        await defer_outbox(app)
        await defer_outbox(app)
        assert [name for name, _ in await jobs_of(app)] == [BATCH] * 4 + [PLACE]


@pytest.mark.parametrize(("batch", "workers"), [("", 1), ("rides", 0), ("rides", True)])
async def test_what_makes_no_sense_is_refused(batch: str, workers: int) -> None:
    with pytest.raises(InvalidArgument):
        await defer_batch(App(connector=PsycopgConnector()), batch, workers=workers)


async def test_a_batch_that_is_not_there_fails_its_job_and_tells_those_that_are(
    here: World, database_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    await planned(here, database_address, 1)
    async with app_of(here, database_address) as app:
        await defer_batch(app, "riders")
        await run_jobs(app)
        assert await jobs_of(app) == [(BATCH, "failed")]
    assert "no batch 'riders'" in caplog.text
    assert "the latest there are: 'rides'" in caplog.text


async def test_a_job_does_not_wait_for_orders_in_doubt(here: World, database_address: str) -> None:
    """They have to wait for the settle time. Another job looks for them then."""
    await here.seed()
    await plan(here, database_address, [WrenOffset(tons=1, payment_method="credits")])
    await start(database_address)
    here.sandbox.faults.add(kind="reset", when="before", operation="createOffsetOrder")
    async with app_of(here, database_address, settle_time=900.0, timing=here.timing) as app:
        await look(app)
        await run_jobs(app)
        assert await states(database_address) == {State.UNDECIDED: 1}
        here.sandbox.faults.clear()
        here.pass_time(60)
        await look(app)
        await run_jobs(app)
        assert await states(database_address) == {State.UNDECIDED: 1}
        here.pass_time(900)
        await look(app)
        await run_jobs(app)
    assert await states(database_address) == {State.PLACED: 1}
    assert [len(orders) for orders in here.committed().values()] == [1]


# --- the outbox ---


async def test_an_order_of_the_outbox_that_nobody_asked_for_is_placed(here: World, database_address: str) -> None:
    async with app_of(here, database_address) as app, Outbox(database_address) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await look(app)
        await run_jobs(app)
        assert (await outbox.result("ride-1")).state is State.PLACED
        await look(app)
        await run_jobs(app)
        assert await jobs_of(app) == [(PLACE, "succeeded")], "the second look found nothing to do"
    assert {name: len(orders) for name, orders in here.committed().items()} == {"ride-1": 1}


async def test_two_jobs_of_the_outbox_place_each_order_once(here: World, database_address: str) -> None:
    async with app_of(here, database_address) as app, Outbox(database_address) as outbox:
        for number in range(40):
            await outbox.submit(RIDE, reference=f"ride-{number}")
        for _ in range(3):
            await app.configure_task(PLACE, queue=QUEUE).defer_async()
        await run_jobs(app)
        assert {(await outbox.result(f"ride-{number}")).state for number in range(40)} == {State.PLACED}
    assert sorted(len(orders) for orders in here.committed().values()) == [1] * 40


async def test_the_job_of_the_outbox_stays_for_the_orders_that_come_next(here: World, database_address: str) -> None:
    async with app_of(here, database_address, linger=1.0) as app, Outbox(database_address) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await defer_outbox(app)
        running = asyncio.create_task(run_jobs(app))
        assert (await outbox.result("ride-1", within=20)).state is State.PLACED
        await outbox.submit(RIDE, reference="ride-2")
        assert (await outbox.result("ride-2", within=20)).state is State.PLACED
        await running
        assert await jobs_of(app) == [(PLACE, "succeeded")]


async def test_a_job_of_the_outbox_leaves_it_to_the_worker_that_is_at_it(here: World, database_address: str) -> None:
    wren, cnaught = here.clients()
    async with (
        app_of(here, database_address, linger=3600.0) as app,
        wren,
        cnaught,
        Outbox(database_address, wren=wren, cnaught=cnaught) as outbox,
    ):
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.result("ride-1", within=20)
        await defer_outbox(app)
        async with asyncio.timeout(20):
            await run_jobs(app)
        assert await jobs_of(app) == [(PLACE, "succeeded")]


async def test_an_app_without_an_outbox_gets_no_job_for_it(here: World, database_address: str) -> None:
    async with app_of(here, database_address) as app:
        await look(app)
        await run_jobs(app)
        assert await jobs_of(app) == []


async def submit_twice(connection: Any, driver: str) -> None:
    """The app's own transaction: it asks twice, and goes on writing."""
    for _ in range(2):
        await defer_outbox(None, connection=connection)  # type: ignore[arg-type]
    statement = "INSERT INTO ride VALUES ('4711')"
    if driver == "sqlalchemy":
        from sqlalchemy import text

        await connection.execute(text(statement))
    else:
        await connection.execute(statement)


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg", "sqlalchemy"])
async def test_a_job_that_waits_already_does_not_abort_the_apps_transaction(
    here: World, database_address: str, driver: str
) -> None:
    async with app_of(here, database_address) as app:
        await app.connector.execute_query_async("CREATE TABLE ride (id text)")
        if driver == "psycopg":
            async with await psycopg.AsyncConnection.connect(database_address) as connection:
                await submit_twice(connection, driver)
        elif driver == "asyncpg":
            own = await asyncpg.connect(database_address)
            async with own.transaction():
                await submit_twice(own, driver)
            await own.close()
        else:
            engine = create_async_engine(database_address.replace("postgresql://", "postgresql+psycopg://"))
            async with AsyncSession(engine) as session, session.begin():
                await submit_twice(session, driver)
            await engine.dispose()
        assert await jobs_of(app) == [(PLACE, "todo")]
        assert await app.connector.execute_query_all_async("SELECT id FROM ride") == [{"id": "4711"}]
        await run_jobs(app)
        assert await jobs_of(app) == [(PLACE, "succeeded")]


async def test_a_job_of_a_transaction_that_rolls_back_never_was(here: World, database_address: str) -> None:
    async with app_of(here, database_address) as app:
        async with await psycopg.AsyncConnection.connect(database_address) as connection:
            await defer_outbox(app, connection=connection)
            await connection.rollback()
        assert await jobs_of(app) == []


async def test_a_synchronous_connection_is_refused(here: World, database_address: str) -> None:
    with psycopg.connect(database_address) as connection, pytest.raises(InvalidArgument, match="asynchronous"):
        await defer_outbox(None, connection=connection)  # type: ignore[arg-type]


async def test_without_clients_the_job_says_so(
    here: World, database_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    @asynccontextmanager
    async def none() -> AsyncIterator[tuple[WrenClient | None, CNaughtClient | None]]:
        yield None, None

    await planned(here, database_address, 1)
    app = App(connector=PsycopgConnector(conninfo=database_address))
    add_jobs(app, database_address, none, every=NEVER)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await defer_batch(app, "rides")
        await run_jobs(app)
        assert await jobs_of(app) == [(BATCH, "failed")]
    assert "open_clients gave no client" in caplog.text


# --- what is due ---


def test_free_orders_get_as_many_jobs_as_are_missing() -> None:
    def wanted(runners: int, *, is_free: bool = True) -> int:
        return jobs_wanted(Work(runners=runners, is_free=is_free), workers=3, settle_time=900, now=NOW)

    assert [wanted(0), wanted(2), wanted(3), wanted(5)] == [3, 1, 0, 0]
    assert wanted(0, is_free=False) == 0


@pytest.mark.parametrize(
    ("sent_ago", "left_ago", "is_due"),
    [
        (3, None, False),
        (6, None, True),
        (600, 590, False),  # looked for already, and its absence proves nothing yet
        (903, 800, True),
        (903, 0, False),
        (90_000, 3000, False),
        (90_000, 3601, True),  # every hour, for as long as it takes
    ],
)
def test_orders_in_doubt_are_looked_for_at_their_time(sent_ago: int, left_ago: int | None, is_due: bool) -> None:
    left = None if left_ago is None else NOW - timedelta(seconds=left_ago)
    doubted = [NOW - timedelta(seconds=sent_ago)]
    work = Work(runners=0, is_free=False, doubted=doubted, left=left)
    assert jobs_wanted(work, workers=4, settle_time=900, now=NOW) == int(is_due)
    at_it = Work(runners=1, is_free=False, doubted=doubted, left=left)
    assert jobs_wanted(at_it, workers=4, settle_time=900, now=NOW) == 0
