"""While the database is away: what waits, what is told, and what no waiting would mend."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs
import pytest
from batch_world import World
from postgres_server import PostgresServer, cable_to
from psycopg.conninfo import conninfo_to_dict

from wren_async.batch import CNaughtMass, State, WorkerService
from wren_async.batch.journal.postgres import joining
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.run import running
from wren_async.errors import JournalError
from wren_async.postgres.database import Database, DatabaseLost, DatabaseRefused
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.outage import Outage, remedy
from wren_async.postgres.schema import versions


@asynccontextmanager
async def service_of(here: World, address: str) -> AsyncIterator[WorkerService]:
    wren, cnaught = here.clients()
    async with wren, cnaught:
        yield WorkerService(address, wren=wren, cnaught=cnaught, lease=5.0)


async def work(here: World, address: str) -> None:
    async with service_of(here, address) as service:
        await service.run()


async def plan(here: World, address: str, count: int) -> None:
    async with await PostgresJournal.open(address, "rides") as journal, here.batch(journal) as batch:
        await batch.plan([CNaughtMass(amount_kg=5)] * count)
        await journal.resume_all()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the other side tells no one
            await asyncio.sleep(0.01)


# --- the end ---


async def test_a_worker_that_is_cancelled_ends_though_the_database_stays_away(
    here: World, database_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has on the wire is in doubt then, as after a crash, and is found out by another one."""
    monkeypatch.setattr(joining, "LEAVING", 0.2)
    monkeypatch.setattr(running, "_KEEPING", 0.2)
    await plan(here, database_address, 200)
    here.sandbox.faults.add(kind="latency", operation="createOrder", seconds=0.05)
    async with cable_to(database_address) as cable, service_of(here, cable.address) as service:
        working = asyncio.create_task(service.run())
        await until(lambda: len(here.committed()) > 10)
        await cable.cut()
        service.stop()
        await asyncio.sleep(0.1)
        working.cancel()
        ended, _ = await asyncio.wait([working], timeout=40)
        assert ended
    here.pass_time(3600)
    async with service_of(here, database_address) as other:
        await other.run(until_done=True)
    assert len(here.committed()) == 200
    assert {len(orders) for orders in here.committed().values()} == {1}


async def test_who_waits_for_a_write_hears_of_it_when_the_journal_is_closed_without_the_database(
    database_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "LEAVING", 0.2)
    async with cable_to(database_address) as cable:
        journal = await PostgresJournal.open(cable.address, "rides")
        await journal.join()
        await cable.cut()
        writes = [asyncio.create_task(journal.note("color", "red")), asyncio.create_task(journal.checked())]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(20):
            await journal.aclose()
            results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results] == [JournalError, JournalError]


# --- the start ---


async def test_a_worker_that_starts_while_the_database_is_away_waits_and_then_places(
    here: World, database_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    await plan(here, database_address, 3)
    caplog.set_level(logging.WARNING, "wren_async.postgres")
    async with cable_to(database_address) as cable, service_of(here, cable.address) as service:
        await cable.cut()
        running = asyncio.create_task(service.run(until_done=True))
        await until(lambda: "it is tried again" in caplog.text)
        assert service.problem == "the database has not been reached yet"
        assert not running.done()
        await cable.lay()
        await running
    assert len(here.committed()) == 3
    told = [record.getMessage() for record in caplog.records]
    assert len([line for line in told if "tried again" in line]) == 1
    assert len([line for line in told if "is there again" in line]) == 1


async def test_a_worker_that_waits_can_be_stopped(here: World) -> None:
    async with service_of(here, "postgresql://app:hunter2@127.0.0.1:1/orders") as service:
        running = asyncio.create_task(service.run())
        await asyncio.sleep(0.1)
        assert not running.done()
        service.stop()
        async with asyncio.timeout(5):
            await running


async def test_a_database_that_is_not_there_ends_a_worker_at_once(here: World, database_address: str) -> None:
    name = conninfo_to_dict(database_address)["dbname"]
    missing = database_address.replace(f"/{name}", "/elsewhere")
    with pytest.raises(JournalError, match=r'"elsewhere" does not exist: create the database'):
        await work(here, missing)


async def test_missing_tables_and_missing_rights_end_a_worker_at_once(
    here: World, postgres: PostgresServer, database_address: str
) -> None:
    with pytest.raises(JournalError, match="wren-async database migrate"):
        await work(here, database_address)
    await plan(here, database_address, 1)
    postgres.execute("DROP ROLE IF EXISTS guest")
    postgres.execute("CREATE ROLE guest LOGIN")
    guest = database_address.replace("postgres@", "guest@")
    with pytest.raises(JournalError, match=r"permission denied.* with GRANT"):
        await work(here, guest)
    postgres.execute("DROP ROLE guest")


async def test_a_role_that_is_not_there_is_no_weather(database_address: str) -> None:
    async with Database(Dsn(database_address.replace("postgres@", "nobody_here@"))) as database:
        with pytest.raises(DatabaseRefused, match="give the name of a role"):
            await database.read(versions)


async def test_a_worker_ends_where_the_tables_became_of_another_version(
    here: World, postgres: PostgresServer, database_address: str
) -> None:
    await plan(here, database_address, 1)
    running = asyncio.create_task(work(here, database_address))
    await until(lambda: len(here.committed()) == 1)
    async with Database(Dsn(database_address)) as database:
        await database.run(lambda own: own.execute("UPDATE wren_async.part SET version = 9 WHERE name = 'batches'"))
    with pytest.raises(JournalError, match="upgrade wren-async here"):
        await running


# --- what is told ---


@attrs.define
class HandClock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_outage_is_told_rarely_however_long_it_lasts(caplog: pytest.LogCaptureFixture) -> None:
    clock = HandClock()
    outage = Outage("postgresql://db/orders", clock)
    for second in range(24 * 3600):
        clock.now = float(second)
        outage.goes_on(DatabaseLost("away"))
    assert len(caplog.records) < 110, "four a hour"
    outage.ends()
    outage.ends()
    assert [record.getMessage() for record in caplog.records][-1].endswith("is there again, after 86399 s")


@pytest.mark.parametrize(
    ("told", "mend"),
    [
        ('FATAL:  password authentication failed for user "app"', "password"),
        ("fe_sendauth: no password supplied", "password"),
        ("FATAL: SASL authentication failed", "password"),
        ('FATAL:  database "orders" does not exist', "create the database"),
        ('FATAL:  role "app" does not exist', "role"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "app"', "pg_hba.conf"),
        ("server does not support SSL, but SSL was required", "sslmode"),
        ("SSL error: certificate verify failed", "certificates"),
        ('FATAL:  permission denied for database "orders"', "GRANT CONNECT"),
    ],
)
def test_what_waiting_does_not_mend_has_a_remedy(told: str, mend: str) -> None:
    assert mend in str(remedy(told))


@pytest.mark.parametrize(
    "told",
    [
        "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?",
        "FATAL:  the database system is starting up",
        "FATAL:  sorry, too many clients already",
        "failed to resolve host 'db.example': [Errno -3] Temporary failure in name resolution",
        "connection timeout expired",
        "server closed the connection unexpectedly",
        'Failures were:\n- host: a: FATAL:  role "app" does not exist\n- host: b: Connection refused',
    ],
)
def test_what_may_pass_by_itself_has_none(told: str) -> None:
    assert remedy(told) is None


# --- the address ---


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://app:hunter2@a:5433,b/orders", "postgresql://app@a:5433,b/orders"),
        ("postgresql://app:hunter2@a,b/orders?target_session_attrs=read-write", "postgresql://app@a,b/orders"),
        ("host=a,b port=5433 user=app password=hunter2 dbname=orders", "postgresql://app@a:5433,b:5433/orders"),
    ],
)
def test_an_address_of_several_servers_is_shown_without_its_password(address: str, shown: str) -> None:
    assert str(Dsn(address)) == shown
    assert repr(Dsn(address)) == f"<Dsn {shown}>"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://app:hunter2@a:5432,app:hunter2@b:5432/orders",
        "postgresql://app:p@hunter2@a/orders",
        "postgresql://app:p/hunter2@a/orders",
        "postgresql://app:12/hunter2@a/orders",
    ],
)
def test_a_password_that_the_driver_takes_for_a_server_is_not_shown(address: str) -> None:
    with pytest.raises(ValueError, match="%40, %3A and %2F") as caught:
        Dsn(address)
    assert "hunter2" not in str(caught.value)


async def test_the_server_that_takes_writes_is_found(
    here: World, postgres: PostgresServer, database_address: str
) -> None:
    socket = conninfo_to_dict(database_address)["host"]
    name = conninfo_to_dict(database_address)["dbname"]
    both = f"postgresql://postgres@/{name}?host=/nowhere,{socket}"
    await plan(here, both, 1)
    async with await PostgresJournal.open(both, "rides", read_only=True) as journal:
        assert (await journal.totals()).orders[State.PENDING] == 1


async def test_a_server_that_takes_no_writes_is_lost(database_address: str) -> None:
    read_only: Callable[..., Awaitable[object]] = lambda own: own.execute("SET default_transaction_read_only = on")  # noqa: E731
    async with Database(Dsn(database_address)) as database:
        await database.run(lambda own: own.execute("CREATE TABLE t (i int)"))
        await database.run(read_only)
        with pytest.raises(DatabaseLost, match="read-only"):
            await database.run(lambda own: own.execute("INSERT INTO t VALUES (1)"))
        await database.run(lambda own: own.execute("INSERT INTO t VALUES (1)"))  # by another connection
