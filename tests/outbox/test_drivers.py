"""The caller's own connection, as apps have it: rows of other kinds, pools, savepoints, few rights, no transaction."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import psycopg
import pytest
import sqlalchemy
import sqlalchemy.orm
from psycopg.rows import dict_row, namedtuple_row, scalar_row
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine

from wren_async import InvalidArgument, InvalidConfiguration, ReferenceReused
from wren_async.outbox import CNaughtMass, Outbox, State, submit_within

RIDE = CNaughtMass(amount_kg=50)
OTHER = CNaughtMass(amount_kg=51)


@pytest.fixture
async def outbox(database_address: str) -> AsyncIterator[Outbox]:
    """An outbox as a web process has it, which only submits."""
    async with Outbox(database_address) as made:
        yield made


async def is_there(outbox: Outbox, reference: str) -> bool:
    """Whether an order waits under a reference."""
    found = await outbox.get(reference)
    return found is not None and found.state is State.PENDING


def with_driver(address: str, driver: str) -> str:
    return address.replace("postgresql://", f"postgresql+{driver}://")


@pytest.mark.parametrize("rows", [dict_row, scalar_row, namedtuple_row], ids=lambda rows: str(rows.__name__))
async def test_whatever_the_caller_makes_of_rows_the_order_is_submitted(
    outbox: Outbox, database_address: str, rows: Any
) -> None:
    async with await psycopg.AsyncConnection.connect(database_address, row_factory=rows) as connection:
        news = [await outbox.submit(RIDE, reference="a", connection=connection) for _ in range(2)]
    with psycopg.connect(database_address, row_factory=rows) as blocking:
        news.append(submit_within(blocking, RIDE, reference="b"))
    assert [each.is_new for each in news] == [True, False, True]
    assert await is_there(outbox, "a")
    assert await is_there(outbox, "b")


async def test_a_connection_out_of_a_pool_of_asyncpg_is_taken(outbox: Outbox, database_address: str) -> None:
    async with asyncpg.create_pool(database_address, min_size=1, max_size=1) as pool:
        with pytest.raises(InvalidArgument, match=r"is a pool.*pool\.acquire\(\)"):
            await outbox.submit(RIDE, reference="a", connection=pool)
        async with pool.acquire() as connection:
            with pytest.raises(InvalidArgument, match="in no transaction"):
                await outbox.submit(RIDE, reference="a", connection=connection)
            async with connection.transaction():
                await outbox.submit(RIDE, reference="a", connection=connection)
    assert await is_there(outbox, "a")


async def test_what_a_savepoint_takes_back_was_never_ordered_and_a_refusal_spoils_nothing(
    outbox: Outbox, database_address: str
) -> None:
    async with await psycopg.AsyncConnection.connect(database_address) as connection:
        await outbox.submit(RIDE, reference="outside", connection=connection)
        with contextlib.suppress(KeyError):
            async with connection.transaction():
                await outbox.submit(RIDE, reference="inside", connection=connection)
                raise KeyError
        with pytest.raises(ReferenceReused):
            await outbox.submit(OTHER, reference="outside", connection=connection)
        await outbox.submit(RIDE, reference="after a refusal", connection=connection)
    assert await is_there(outbox, "outside")
    assert await is_there(outbox, "after a refusal")
    assert await outbox.get("inside") is None


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
async def test_an_engine_that_commits_each_statement_is_refused(
    outbox: Outbox, database_address: str, driver: str
) -> None:
    engine = create_async_engine(with_driver(database_address, driver), isolation_level="AUTOCOMMIT")
    async with AsyncSession(engine) as session, engine.connect() as connection:
        for each in (session, connection):
            with pytest.raises(InvalidArgument, match="in no transaction"):
                await outbox.submit(RIDE, reference="a", connection=each)
    await engine.dispose()
    assert await outbox.get("a") is None


async def test_blocking_code_that_commits_each_statement_is_refused(outbox: Outbox, database_address: str) -> None:
    with psycopg.connect(database_address, autocommit=True) as alone:
        with pytest.raises(InvalidArgument, match="in no transaction"):
            submit_within(alone, RIDE, reference="a")
        assert await outbox.get("a") is None
        with alone.transaction():
            submit_within(alone, RIDE, reference="a")
    assert await is_there(outbox, "a")


async def test_the_driver_s_own_connection_out_of_sqlalchemy_is_taken_in_its_transaction_alone(
    outbox: Outbox, database_address: str
) -> None:
    for isolation, reference in (("AUTOCOMMIT", "a"), (None, "b")):
        options = {} if isolation is None else {"isolation_level": isolation}
        engine = sqlalchemy.create_engine(with_driver(database_address, "psycopg"), **options)
        raw = engine.raw_connection()
        if isolation is None:
            submit_within(raw, RIDE, reference=reference)
        else:
            with pytest.raises(InvalidArgument, match="in no transaction"):
                submit_within(raw, RIDE, reference=reference)
        raw.commit()
        raw.close()
        engine.dispose()
    assert await outbox.get("a") is None
    assert await is_there(outbox, "b")


async def test_what_is_no_connection_or_one_of_the_other_kind_is_refused_with_what_is_taken(
    outbox: Outbox, database_address: str
) -> None:
    blocking = sqlalchemy.create_engine(with_driver(database_address, "psycopg"))
    for each in (blocking, sqlalchemy.orm.sessionmaker(blocking), object(), None):
        with pytest.raises(InvalidArgument, match="takes one connection with its open transaction"):
            submit_within(each, RIDE, reference="a")
    engine = create_async_engine(with_driver(database_address, "psycopg"))
    async with await psycopg.AsyncConnection.connect(database_address) as connection, AsyncSession(engine) as session:
        for other in (connection, session):
            with pytest.raises(InvalidArgument, match=r"is an asynchronous one.*await outbox\.submit"):
                submit_within(other, RIDE, reference="a")
    await engine.dispose()
    blocking.dispose()
    assert await outbox.get("a") is None


async def test_sessions_of_a_task_or_a_thread_are_taken(outbox: Outbox, database_address: str) -> None:
    engine = create_async_engine(with_driver(database_address, "psycopg"))
    session = async_scoped_session(async_sessionmaker(engine), scopefunc=asyncio.current_task)
    await outbox.submit(RIDE, reference="a", connection=session)
    await session.commit()
    await session.remove()
    await engine.dispose()
    blocking = sqlalchemy.create_engine(with_driver(database_address, "psycopg"))
    local = sqlalchemy.orm.scoped_session(sqlalchemy.orm.sessionmaker(blocking))
    submit_within(local, RIDE, reference="b")
    local.commit()
    local.remove()
    blocking.dispose()
    assert await is_there(outbox, "a")
    assert await is_there(outbox, "b")


class Measured:
    """A proxy as tools that measure put before a connection: it calls itself what is behind it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    @property
    def __class__(self) -> Any:
        return type(self._connection)


async def test_a_connection_behind_a_proxy_is_taken_for_what_it_is(outbox: Outbox, database_address: str) -> None:
    own = await asyncpg.connect(database_address)
    with pytest.raises(InvalidArgument, match="in no transaction"):
        await outbox.submit(RIDE, reference="a", connection=Measured(own))
    async with own.transaction():
        await outbox.submit(RIDE, reference="a", connection=Measured(own))
    await own.close()
    with psycopg.connect(database_address, row_factory=scalar_row) as connection:
        submit_within(Measured(connection), RIDE, reference="b")
    assert await is_there(outbox, "a")
    assert await is_there(outbox, "b")


class LikeDjango:
    """What Django's `connection` has, and other connections with a `cursor()` have not."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def cursor(self) -> psycopg.Cursor[Any]:
        return self._connection.cursor(row_factory=dict_row)

    def get_autocommit(self) -> bool:
        return self._connection.autocommit


async def test_django_is_refused_outside_of_an_atomic_block(outbox: Outbox, database_address: str) -> None:
    with psycopg.connect(database_address, autocommit=True) as connection:
        with pytest.raises(InvalidArgument, match=r"transaction\.atomic"):
            submit_within(LikeDjango(connection), RIDE, reference="a")
        connection.autocommit = False
        assert submit_within(LikeDjango(connection), RIDE, reference="a").is_new
    assert await is_there(outbox, "a")


def test_a_database_without_an_outbox_is_said_to_be_one(database_address: str) -> None:
    engine = sqlalchemy.create_engine(with_driver(database_address, "psycopg"))
    with psycopg.connect(database_address) as connection, sqlalchemy.orm.Session(engine) as session:
        for each in (connection, session):
            with pytest.raises(InvalidConfiguration, match=r"has no outbox.*wren-async database migrate"):
                submit_within(each, RIDE, reference="a")
    engine.dispose()


async def test_an_app_needs_few_rights_and_is_told_which_it_lacks(outbox: Outbox, database_address: str) -> None:
    role = f"few_rights_{os.getpid()}"
    with psycopg.connect(database_address) as connection:
        connection.execute(f"CREATE ROLE {role}")
        connection.commit()
        try:
            connection.execute(f"SET LOCAL ROLE {role}")
            with pytest.raises(InvalidConfiguration, match="USAGE on the schema wren_async"):
                submit_within(connection, RIDE, reference="a")
            connection.rollback()
            connection.execute(f"GRANT USAGE ON SCHEMA wren_async TO {role}")
            connection.execute(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA wren_async TO {role}")
            connection.execute(f"SET LOCAL ROLE {role}")
            submit_within(connection, RIDE, reference="a")
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")
    assert await is_there(outbox, "a")
