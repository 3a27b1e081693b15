"""Connections to the database: none stays open, whenever their owner is closed."""

from __future__ import annotations

import asyncio

import pytest
from psycopg import AsyncConnection

from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.errors import JournalError
from wren_async.postgres import database as module
from wren_async.postgres.database import Connection, Database
from wren_async.postgres.dsn import Dsn


async def test_a_database_that_is_closed_while_it_connects_keeps_no_connection(
    database_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Connection] = []
    connected, go_on = asyncio.Event(), asyncio.Event()
    set_up = module._set_up

    async def slow(connection: Connection, dsn: Dsn) -> None:
        made.append(connection)
        connected.set()
        await go_on.wait()
        await set_up(connection, dsn)

    monkeypatch.setattr(module, "_set_up", slow)
    database = Database(Dsn(database_address))
    asking = asyncio.create_task(database.run(lambda connection: connection.execute("SELECT 1")))
    await connected.wait()
    await database.aclose()
    go_on.set()
    with pytest.raises(JournalError, match="is closed"):
        await asking
    assert [connection.closed for connection in made] == [True]


async def test_a_journal_whose_closing_is_cancelled_keeps_no_connection(
    database_address: str,
) -> None:
    journal = await PostgresJournal.open(database_address, "rides")
    await journal.join()
    async with await AsyncConnection.connect(database_address) as other:
        # Another one holds its row, so that it cannot leave.
        await other.execute("SELECT FROM wren_async.runner FOR UPDATE")
        closing = asyncio.create_task(journal.aclose())
        waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with await AsyncConnection.connect(database_address, autocommit=True) as watcher:
            while not await (await watcher.execute(waits)).fetchone():  # noqa: ASYNC110 - the other side tells no one
                await asyncio.sleep(0.01)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
    assert (journal._reader._connection, journal._writer._connection) == (None, None)
