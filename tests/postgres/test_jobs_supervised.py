"""A supervised worker of procrastinate goes on by itself after kills, freezes, silence and restarts of PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from batch_world import World
from job_workers import BEAT, EACH_SECOND, app_for
from postgres_server import PostgresServer
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AppNotOpen
from test_jobs import BATCH, DUE, NEVER, PLACE, jobs_of, planned
from test_shared_batches import states

from wren_async.batch import State
from wren_async.errors import InvalidArgument, InvalidConfiguration
from wren_async.jobs import QUEUE, SupervisedWorker, defer_batch
from wren_async.jobs.running import RunningJobs
from wren_async.jobs.supervision import pause
from wren_async.outbox import CNaughtMass, Outbox

PROGRAM = Path(__file__).with_name("job_workers.py")
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def told(here: World, address: str, *, every: str = EACH_SECOND, concurrency: int = 4) -> dict[str, Any]:
    """What a process with a worker needs to know."""
    wren, cnaught = here.sandbox.wren, here.sandbox.cnaught
    return {
        "address": address,
        "every": every,
        "concurrency": concurrency,
        "wren": [wren.base_url, wren.live_token],
        "cnaught": [cnaught.base_url, cnaught.api_key],
    }


@asynccontextmanager
async def opened(
    here: World, address: str, *, every: str = EACH_SECOND, connector: type[PsycopgConnector] = PsycopgConnector
) -> AsyncIterator[App]:
    """An app of this process, with procrastinate's tables."""
    app = app_for(told(here, address, every=every), connector)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        yield app


@asynccontextmanager
async def supervised(app: App, **options: Any) -> AsyncIterator[SupervisedWorker]:
    """A supervised worker in the background."""
    worker = SupervisedWorker(app, **{"poll": 0.2, "heartbeat": BEAT, "longest_wait": 1.0, **options})
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait([running])
        assert running.exception() is None


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the database says so."""
    while not await found():  # noqa: ASYNC110 - the other side tells no one
        await asyncio.sleep(0.05)


async def until_it(is_so: Callable[[], bool]) -> None:
    """Wait until something is so in this process."""
    async with asyncio.timeout(100):
        while not is_so():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def until_placed(address: str, number: int) -> None:
    async def are_placed() -> bool:
        return await states(address) == {State.PLACED: number}

    await until(are_placed)


async def until_committed(here: World, number: int) -> None:
    while len(here.committed()) < number:  # noqa: ASYNC110 - the other side tells no one
        await asyncio.sleep(0.02)


def how_often(here: World) -> set[int]:
    """How often orders were placed: {1}, if all goes well."""
    return {len(orders) for orders in here.committed().values()}


@asynccontextmanager
async def started(here: World, address: str, **options: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker in a process of its own, which runs; killed in the end, where it has not ended by then."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        json.dumps(told(here, address, **options)),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"running\n"
        yield process
    finally:
        if process.returncode is None:
            await ended(process, signal.SIGKILL)


async def ended(process: asyncio.subprocess.Process, number: signal.Signals) -> int:
    """Send a signal, and wait for the end; the exit code."""
    with suppress(ProcessLookupError):
        process.send_signal(number)
    await process.communicate()
    assert process.returncode is not None
    return process.returncode


async def seed(here: World) -> None:
    """Place an order with a reference, so that the lists show that they carry them. No time passes."""
    wren, cnaught = here.clients()
    async with wren, cnaught:
        await cnaught.orders.create(amount_kg=1, reference="seed")


@asynccontextmanager
async def asked_for(here: World, address: str, orders: int, *, seconds: float) -> AsyncIterator[App]:
    """An app with a job for a batch of so many orders, each of which is answered after some seconds."""
    await seed(here)
    here.sandbox.faults.add(kind="latency", seconds=seconds, operation="createOrder")
    await planned(here, address, orders)
    async with opened(here, address, every=NEVER) as app:
        await defer_batch(app, "rides")
        yield app


async def freeze(process: asyncio.subprocess.Process, app: App) -> None:
    """Let a worker stand still, outside of transactions: the locks of one would be kept for half a minute."""
    query = """
        SELECT count(*) AS there FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL
        AND pid <> pg_backend_pid()
    """
    process.send_signal(signal.SIGSTOP)
    while (await app.connector.execute_query_one_async(query))["there"]:
        process.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.03)
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.1)


async def are_leases_over(app: App) -> bool:
    """Whether whoever placed a batch may be taken over by others."""
    query = "SELECT bool_and(lease_until + lease * 0.2 < clock_timestamp()) AS is_so FROM wren_async.runner"
    return bool((await app.connector.execute_query_one_async(f"{query} WHERE ended IS NULL"))["is_so"])  # type: ignore[arg-type]


# --- everything is driven ---


async def test_procrastinate_alone_drives_everything_though_nobody_asks(here: World, database_address: str) -> None:
    await planned(here, database_address, 30)
    async with opened(here, database_address) as app, supervised(app), Outbox(database_address) as outbox:
        await outbox.submit(CNaughtMass(amount_kg=12), reference="ride-1")
        await until_placed(database_address, 30)
        assert (await outbox.result("ride-1", within=30)).state is State.PLACED
    assert len(here.committed()) == 31
    assert how_often(here) == {1}


async def test_a_lost_answer_is_looked_for_by_itself(here: World, database_address: str) -> None:
    here.sandbox.faults.add(kind="reset", when="after", operation="createOrder", times=2)
    async with opened(here, database_address) as app, supervised(app), Outbox(database_address) as outbox:
        await outbox.submit(CNaughtMass(amount_kg=12), reference="ride-1")
        assert (await outbox.result("ride-1", within=30)).state is State.PLACED
    assert {name: len(orders) for name, orders in here.committed().items()} == {"ride-1": 1}


async def test_successful_jobs_are_deleted(here: World, database_address: str) -> None:
    async with opened(here, database_address) as app:
        async with supervised(app) as worker:
            await planned(here, database_address, 5)
            await until_placed(database_address, 5)
            assert worker.problem is None

            async def are_gone() -> bool:
                return await jobs_of(app) == []

            await until(are_gone)
        assert worker.problem == "it was stopped"


# --- the database is restarted ---


@pytest.mark.slow
@pytest.mark.parametrize("is_supervised", [True, False])
async def test_a_restart_of_the_database_in_the_middle(
    here: World, postgres: PostgresServer, database_address: str, is_supervised: bool
) -> None:
    """procrastinate's own worker ends; a supervised one goes on, and each order is placed once."""
    if not postgres.is_ours:
        pytest.skip("the named server is not restarted")
    here.sandbox.faults.add(kind="latency", seconds=0.05, operation="createOrder")
    await planned(here, database_address, 120)
    async with opened(here, database_address) as app:
        if is_supervised:
            async with supervised(app):
                await until_committed(here, 20)
                await asyncio.to_thread(postgres.restart)
                await until_placed(database_address, 120)
        else:
            running = asyncio.create_task(
                app.run_worker_async(queues=[QUEUE], concurrency=4, install_signal_handlers=False)
            )
            await until_committed(here, 20)
            await asyncio.to_thread(postgres.restart)
            await asyncio.wait([running])
            running.exception()  # often there is none: nobody would notice
    assert how_often(here) == {1}


async def test_connections_that_the_database_ends_are_made_anew(here: World, database_address: str) -> None:
    async with opened(here, database_address) as app, supervised(app):
        for number in range(3):
            end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            await app.connector.execute_query_all_async(f"{end} AND datname = current_database()")  # type: ignore[arg-type]
            async with Outbox(database_address) as outbox:
                await outbox.submit(CNaughtMass(amount_kg=12), reference=f"ride-{number}")
                assert (await outbox.result(f"ride-{number}", within=30)).state is State.PLACED
    assert how_often(here) == {1}


# --- workers die, stand still, and come back ---


@posix
@pytest.mark.slow
async def test_a_worker_that_is_killed_in_mid_batch_is_taken_over(here: World, database_address: str) -> None:
    async with asked_for(here, database_address, 60, seconds=0.1) as app:
        async with started(here, database_address, every=NEVER) as first:
            await until_committed(here, 10)
            assert await ended(first, signal.SIGKILL) == -signal.SIGKILL
        assert await jobs_of(app) == [(BATCH, "doing")], "procrastinate leaves it with the dead"
        async with started(here, database_address) as second:
            await until_placed(database_address, 60)
            assert await ended(second, signal.SIGTERM) == 0
        assert (BATCH, "doing") not in await jobs_of(app)
    assert len(here.committed()) == 60
    assert how_often(here) == {1}


@posix
@pytest.mark.slow
async def test_a_worker_that_thaws_ends_the_job_of_another_and_nothing_is_lost(
    here: World, database_address: str
) -> None:
    """procrastinate lets it: it does not look whose job it is that has ended."""
    async with (
        asked_for(here, database_address, 150, seconds=0.2) as app,
        started(here, database_address, every=NEVER, concurrency=2) as frozen,
    ):
        await until_committed(here, 6)
        await freeze(frozen, app)
        await until(partial(are_leases_over, app))
        async with started(here, database_address, every=NEVER, concurrency=2) as other:
            await until_committed(here, len(here.committed()) + 10)
            frozen.send_signal(signal.SIGCONT)

            async def is_ended() -> bool:
                return await jobs_of(app) == []

            await until(is_ended)
            assert len(here.committed()) < 150, "the job was ended while its orders were being placed"
            here.sandbox.faults.clear()
            await until_placed(database_address, 150)
            assert await ended(other, signal.SIGTERM) == 0
    assert len(here.committed()) == 150
    assert how_often(here) == {1}


@posix
@pytest.mark.slow
async def test_sigterm_finishes_what_is_on_the_wire_and_leaves_nothing_in_doubt(
    here: World, database_address: str
) -> None:
    async with asked_for(here, database_address, 60, seconds=0.2) as app:
        async with started(here, database_address, every=NEVER) as process:
            await until_committed(here, 8)
            assert await ended(process, signal.SIGTERM) == 0
        assert await jobs_of(app) == [(BATCH, "todo")], "it is handed on"
    left = await states(database_address)
    assert set(left) == {State.PLACED, State.PENDING}
    assert left[State.PLACED] == len(here.committed())


async def test_cancelling_ends_it_as_gracefully(here: World, database_address: str) -> None:
    async with asked_for(here, database_address, 60, seconds=0.1) as app:
        running = asyncio.create_task(SupervisedWorker(app, poll=0.2).run())
        await until_committed(here, 8)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await jobs_of(app) == [(BATCH, "todo")]
    left = await states(database_address)
    assert set(left) == {State.PLACED, State.PENDING}
    assert left[State.PLACED] == len(here.committed())


# --- jobs that nobody runs ---


async def put(app: App, task: str, status: str, worker: int | None, **more: Any) -> int:
    """A job as some worker has left it; its id."""
    query = """
        INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id, queueing_lock)
        VALUES (%(queue)s, %(task)s, %(args)s, %(status)s::procrastinate_job_status, %(worker)s, %(lock)s) RETURNING id
    """
    values = {"queue": QUEUE, "lock": None, "args": {}, **more}
    row = await app.connector.execute_query_one_async(query, task=task, status=status, worker=worker, **values)
    return int(row["id"])


async def status_of(app: App, job: int) -> str:
    query = "SELECT status::text FROM procrastinate_jobs WHERE id = %(job)s"
    return str((await app.connector.execute_query_one_async(query, job=job))["status"])


async def test_a_job_that_its_worker_has_ended_without_being_heard_is_put_back(
    here: World, database_address: str
) -> None:
    await planned(here, database_address, 1)
    async with opened(here, database_address, every=NEVER) as app, supervised(app, delete_jobs="never") as worker:
        await until_it(lambda: worker._worker is not None and worker._worker.worker_id is not None)
        assert worker._worker is not None
        job = await put(app, BATCH, "doing", worker._worker.worker_id, args={"batch": "rides"})

        async def has_succeeded() -> bool:
            return await status_of(app, job) == "succeeded"

        await until(has_succeeded)
    assert await states(database_address) == {State.PLACED: 1}


async def test_a_job_without_a_worker_makes_room_where_one_like_it_waits(here: World, database_address: str) -> None:
    async with opened(here, database_address, every=NEVER) as app:
        lost = await put(app, PLACE, "doing", None, lock=PLACE)
        later = app.configure_task(PLACE, queue=QUEUE, queueing_lock=PLACE, schedule_in={"hours": 1})
        await later.defer_async()
        async with supervised(app, delete_jobs="never"):

            async def is_over() -> bool:
                return await status_of(app, lost) == "aborted"

            await until(is_over)
        assert await jobs_of(app) == [(PLACE, "aborted"), (PLACE, "todo")]


async def test_jobs_of_other_queues_are_left_to_their_owner(here: World, database_address: str) -> None:
    async with opened(here, database_address, every=NEVER) as app:
        theirs = await put(app, "send_invoice", "doing", None, queue="invoices")
        ours = await put(app, DUE, "doing", None, args={"timestamp": 0})
        async with supervised(app, delete_jobs="never"):

            async def has_succeeded() -> bool:
                return await status_of(app, ours) == "succeeded"

            await until(has_succeeded)
        assert await status_of(app, theirs) == "doing"


class Stuck(PsycopgConnector):
    """A connection over which nothing comes any more when a job is fetched, as where the other end is gone."""

    hangs = 1

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        """Carry out a query, or hang."""
        if "procrastinate_fetch_job" in query and self.hangs:
            self.hangs -= 1
            await asyncio.Event().wait()
        return await super().execute_query_one_async(query, **arguments)


async def test_a_worker_that_leaves_jobs_waiting_is_started_again(
    here: World, database_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    await planned(here, database_address, 1)
    async with opened(here, database_address, every=NEVER, connector=Stuck) as app:
        await defer_batch(app, "rides")
        async with supervised(app, patience=0.1):
            await until_placed(database_address, 1)
    assert "has room, and leaves jobs waiting" in caplog.text


class Silent(PsycopgConnector):
    """Listening that hears nothing, and says nothing of it."""

    async def listen_notify(self, *arguments: Any, **named: Any) -> None:
        """Listen in vain."""
        await asyncio.Event().wait()


async def test_a_job_is_found_where_listening_has_ended_in_silence(here: World, database_address: str) -> None:
    await planned(here, database_address, 1)
    async with opened(here, database_address, every=NEVER, connector=Silent) as app, supervised(app) as worker:
        await until_it(lambda: worker.problem is None)
        await defer_batch(app, "rides")
        await until_placed(database_address, 1)


# --- what it says ---


async def test_its_problem_tells_that_the_database_is_away(
    here: World, postgres: PostgresServer, database_address: str
) -> None:
    if not postgres.is_ours:
        pytest.skip("the named server is not stopped")
    async with opened(here, database_address) as app:
        worker = SupervisedWorker(app)
        assert worker.problem == "it has not been started"
        async with supervised(app) as worker:
            await until_it(lambda: worker.problem is None)
            await asyncio.to_thread(postgres.stop)
            try:
                await until_it(lambda: worker.problem is not None)
                assert worker.problem is not None
                assert "ended" in worker.problem or "does not answer" in worker.problem
            finally:
                await asyncio.to_thread(postgres.start)
            await until_it(lambda: worker.problem is None)


async def test_tables_that_are_missing_are_told_with_their_remedy(here: World, database_address: str) -> None:
    app = app_for(told(here, database_address))
    with pytest.raises(AppNotOpen):
        await SupervisedWorker(app).run()
    async with app.open_async():
        with pytest.raises(InvalidConfiguration, match="procrastinate schema --apply"):
            await SupervisedWorker(app).run()


@pytest.mark.parametrize("queues", [(), "wren_async"])
def test_queues_that_are_none_are_refused(queues: Any) -> None:
    with pytest.raises(InvalidArgument):
        SupervisedWorker(App(connector=PsycopgConnector()), queues=queues)


def test_a_job_that_runs_twice_at_once_is_stopped_twice() -> None:
    """It was put back although it ran: its worker's sign of life was late."""
    running, stopped = RunningJobs(), list[str]()
    with running.during(7, lambda: stopped.append("first")):
        with running.during(7, lambda: stopped.append("second")):
            running.stop()
        assert running.ids == {7}
    assert running.ids == set()
    assert stopped == ["first", "second"]


def test_the_waits_grow_to_a_bound_and_differ_between_processes() -> None:
    waits = [pause(failures, 60.0, 1.0) for failures in range(1, 10)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert pause(3, 60.0, 0.0) == 2
    assert pause(10_000, 60.0, 1.0) == 60
