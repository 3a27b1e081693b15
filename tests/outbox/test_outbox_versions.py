"""Processes of two versions on one outbox: those of the old one place and number nothing more, and say why."""

from __future__ import annotations

import psycopg
import pytest
from batch_world import World
from outbox_world import until

from wren_async.batch.journal.contract import JournalError
from wren_async.batch.journal.postgres.tables import PARTS
from wren_async.outbox import CNaughtMass, Outbox, State
from wren_async.outbox import postgres as module
from wren_async.outbox.postgres_tables import OUTBOX
from wren_async.postgres.database import Database
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.schema import Part, migrate

RIDE = CNaughtMass(amount_kg=5)
NEWER = Part("outbox", (*OUTBOX.steps, "ALTER TABLE wren_async.outbox ADD colour text NOT NULL DEFAULT 'green'"))


async def upgrade(address: str) -> None:
    async with Database(Dsn(address)) as database:
        await migrate(database, (NEWER,))


async def test_a_worker_of_the_old_version_places_nothing_more_and_one_of_the_new_version_does(
    here: World, database_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wren, cnaught = here.clients()
    async with wren, cnaught, Outbox(database_address, cnaught=cnaught, lease=2.0) as old:
        await old.submit(RIDE, reference="ride-1")
        assert (await old.result("ride-1", within=20)).state is State.PLACED
        await upgrade(database_address)
        await old.submit(RIDE, reference="ride-2")
        await until(lambda: old._it.placing["cnaught"].problem is not None and old.lapse is not None)
        told = f"{(await old.health()).problem} {old.lapse}"
        assert "another version while this worker ran" in told or "made by a newer wren-async" in told
        assert set(here.committed()) == {"ride-1"}
        for each in (module.PostgresOutbox, module.PostgresApiJournal):
            monkeypatch.setattr(each, "_parts", (*PARTS, NEWER))
        async with Outbox(database_address, cnaught=cnaught, lease=2.0) as new:
            assert (await new.result("ride-2", within=20)).state is State.PLACED
        await old.submit(RIDE, reference="ride-3")
    assert {name: len(orders) for name, orders in here.committed().items()} == {"ride-1": 1, "ride-2": 1}


async def test_one_that_begins_with_the_old_version_is_refused(here: World, database_address: str) -> None:
    async with Outbox(database_address):
        pass
    await upgrade(database_address)
    with pytest.raises(JournalError, match="upgrade wren-async here"):
        async with Outbox(database_address):
            pass


async def test_a_process_of_the_old_version_numbers_nothing(here: World, database_address: str) -> None:
    wren, cnaught = here.clients()
    async with wren, cnaught, Outbox(database_address, cnaught=cnaught, worker=False) as old:
        await old.submit(RIDE, reference="ride-1")
        await old._it.placing["cnaught"].once()
        await upgrade(database_address)
        with pytest.raises(JournalError, match="made by a newer"):
            await old._it.telling.number()
        with psycopg.connect(database_address, autocommit=True) as connection:
            assert connection.execute("SELECT finished FROM wren_async.outbox").fetchall() == [(None,)]
            connection.execute("UPDATE wren_async.part SET version = %s WHERE name = 'outbox'", [OUTBOX.version])
