"""By PgBouncer: each transaction may be carried out by another session, which other programs use too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from batch_world import World
from pooler import PROGRAM, address_by, pooler
from postgres_server import PostgresServer

from wren_async.batch import CNaughtMass, WorkerService
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.outbox import Outbox, State, Submission
from wren_async.postgres.database import Connection, Database
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.schema import check_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="pgbouncer is not installed"),
]

RIDE = CNaughtMass(amount_kg=5)


@pytest.fixture(params=["session", "transaction"])
def pooled(request: pytest.FixtureRequest, postgres: PostgresServer, database_address: str) -> Iterator[str]:
    """The address of the database by a pooler, which has few connections unless each of ours has one of its own."""
    if not postgres.is_ours:
        pytest.skip("the named server has no socket of ours")
    with pooler(postgres, request.param, size=20 if request.param == "session" else 3) as port:
        yield address_by(port, database_address)


async def test_several_workers_place_each_order_once(
    here: World, pooled: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with await PostgresJournal.open(pooled, "rides") as journal, here.batch(journal) as batch:
        await batch.plan([RIDE] * 120)
        await journal.resume_all()

    async def work() -> None:
        wren, cnaught = here.clients()
        async with wren, cnaught:
            service = WorkerService(pooled, wren=wren, cnaught=cnaught, concurrency=4, timing=here.timing)
            await service.run(until_done=True)

    async with asyncio.timeout(40):
        await asyncio.gather(work(), work(), work())
    assert [len(orders) for orders in here.committed().values()] == [1] * 120
    assert "prepared statement" not in caplog.text
    assert len([record for record in caplog.records if "A direct connection is better" in record.getMessage()]) == 1


async def test_an_outbox_places_each_order_once_and_tells_of_each(here: World, pooled: str) -> None:
    heard: list[str] = []

    async def on_settled(submission: Submission) -> None:
        heard.append(submission.reference)

    wren, cnaught = here.clients()
    options: dict[str, Any] = {"cnaught": cnaught, "on_settled": on_settled}
    async with wren, cnaught, Outbox(pooled, **options) as one, Outbox(pooled, **options) as other:
        for number in range(30):
            await (one, other)[number % 2].submit(RIDE, reference=f"ride-{number}")
        for number in range(30):
            assert (await one.result(f"ride-{number}", within=20)).state is State.PLACED
        async with asyncio.timeout(20):
            while len(heard) < 30:  # noqa: ASYNC110 - the other side tells no one
                await asyncio.sleep(0.01)
    assert sorted(heard) == sorted(here.committed())
    assert [len(orders) for orders in here.committed().values()] == [1] * 30


async def test_settings_hold_in_each_transaction_and_stay_in_no_session(pooled: str, database_address: str) -> None:
    async def look(connection: Connection) -> tuple[str, str]:
        query = "SELECT current_setting('synchronous_commit'), current_setting('lock_timeout')"
        found = await (await connection.execute(query)).fetchone()
        assert found is not None
        return found[0], found[1]

    with psycopg.connect(database_address, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
    async with Database(Dsn(pooled)) as database:
        assert await database.run(look) == ("on", "30s")
        assert "PgBouncer" in (await database.run(check_server))[-1]
        # Another program that is given the same session.
        async with await psycopg.AsyncConnection.connect(pooled, autocommit=True) as other:
            found = await (await other.execute("SHOW lock_timeout")).fetchone()
    assert found == ("0",)


async def test_a_direct_connection_is_taken_for_no_pooler(database_address: str) -> None:
    async with Database(Dsn(database_address)) as database:
        assert await database.run(check_server) == []
