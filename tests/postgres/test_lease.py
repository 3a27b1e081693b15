"""A runner's lease: it may send only while the lease lasts, and nobody takes over before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import attrs
import psycopg
import pytest
from postgres_server import PostgresServer, cable_to

from wren_async.errors import JournalError
from wren_async.postgres.database import Connection, Database
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.lease import LeaseLost, Moment, Runner, declare_dead
from wren_async.postgres.schema import RUNNERS, Part, check, migrate, prepare, versions

NOTES = Part("notes", ("CREATE TABLE wren_async.told (text text)",))
PARTS = (RUNNERS, NOTES)


@pytest.fixture
async def database(database_address: str) -> AsyncIterator[Database]:
    async with Database(Dsn(database_address)) as made:
        await migrate(made, PARTS)
        yield made


@attrs.define
class HandClock:
    """Clocks that are set by hand."""

    steady: float = 0.0
    wall: float = 0.0

    def __call__(self) -> Moment:
        return Moment(self.steady, self.wall)


def tell(text: str) -> Callable[[Connection], Awaitable[str]]:
    async def work(connection: Connection) -> str:
        await connection.execute("INSERT INTO wren_async.told VALUES (%s)", (text,))
        return f"told {text}"

    return work


async def told(database: Database) -> list[str]:
    async def work(connection: Connection) -> list[str]:
        return [text for (text,) in await (await connection.execute("SELECT text FROM wren_async.told")).fetchall()]

    return await database.read(work)


async def dead(database: Database, scope: str = "s") -> list[int]:
    return await database.read(lambda connection: declare_dead(connection, scope))


async def test_a_lease_counts_from_before_its_renewal_was_sent(database: Database) -> None:
    clock = HandClock()
    runner = await Runner.begin(database, "s", PARTS, lease=60, clock=clock)
    assert runner.may_send(60)
    clock.steady = 40.0
    assert runner.may_send(20)
    assert not runner.may_send(20.1), "its answer would come after the lease"
    clock.steady = 61.0
    assert not runner.may_send(-30.0), "an attempt that is over long ago has no more time than another"
    clock.steady = 40.0

    async def slow(connection: Connection) -> None:
        clock.steady += 15.0  # the statement takes its time

    await runner.transaction(slow)
    assert runner.may_send(45)
    assert not runner.may_send(45.1), "15 s of the lease passed while it was renewed"


async def test_a_lease_ends_by_whichever_clock_tells_of_more_time(database: Database) -> None:
    clock = HandClock()
    runner = await Runner.begin(database, "s", PARTS, lease=60, clock=clock)
    clock.wall = 61.0
    assert not runner.may_send(), "the machine was asleep, and its steady clock with it"
    clock.wall = -1000.0
    assert runner.may_send(60), "a wall clock that was set back does not lengthen the lease"
    clock.steady = 61.0
    assert not runner.may_send()


async def test_nobody_takes_over_while_the_lease_lasts(database: Database) -> None:
    await Runner.begin(database, "s", PARTS, lease=60)
    assert await dead(database) == []


async def test_a_runner_that_renews_no_more_is_dead_for_good(database: Database, database_address: str) -> None:
    runner = await Runner.begin(database, "s", PARTS, lease=0.2)
    other = await Runner.begin(database, "another scope", PARTS, lease=0.2)
    await asyncio.sleep(0.3)
    assert await dead(database) == [runner.id]
    assert await dead(database) == [], "it is taken over once"
    assert not runner.may_send()
    with pytest.raises(LeaseLost, match="another one has taken over"):
        await runner.transaction(tell("late"))
    assert await told(database) == []
    assert runner.lost is not None
    assert await other.transaction(tell("in time")) == "told in time"


async def test_nobody_takes_over_in_the_first_lease_after_the_start_of_the_database(
    postgres: PostgresServer, database: Database
) -> None:
    if not postgres.is_ours:
        pytest.skip("the named server is not restarted")
    runner = await Runner.begin(database, "s", PARTS, lease=1.0)
    await asyncio.sleep(1.2)
    postgres.restart()
    assert await dead(database) == [], "its lease is over, but it could not have renewed it"
    assert await runner.transaction(tell("back")) == "told back"


async def test_a_runner_keeps_its_lease_by_itself(database: Database) -> None:
    runner = await Runner.begin(database, "s", PARTS, lease=0.6)
    keeping = asyncio.create_task(runner.keep())
    await asyncio.sleep(1.0)
    assert runner.may_send(0.2)
    assert await dead(database) == []
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


async def test_one_that_has_left_need_not_be_waited_for(database: Database) -> None:
    runner = await Runner.begin(database, "s", PARTS, lease=60)
    await runner.end()
    assert not runner.may_send()
    with pytest.raises(LeaseLost, match="has ended"):
        await runner.transaction(tell("late"))


async def test_ids_never_come_twice(database: Database) -> None:
    ids = []
    for _ in range(3):
        runner = await Runner.begin(database, "s", PARTS)
        ids.append(runner.id)
        await runner.end()
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("moment", ["before the commit", "with the commit"])
async def test_a_transaction_whose_answer_was_lost_is_carried_out_once(database_address: str, moment: str) -> None:
    """The connection is cut as the transaction ends: it was committed, or not, and nobody told the runner."""
    async with Database(Dsn(database_address)) as look:
        await migrate(look, PARTS)
        async with cable_to(database_address) as cable, Database(Dsn(cable.address)) as database:
            runner = await Runner.begin(database, "s", PARTS, lease=60)
            tries = 0

            async def work(connection: Connection) -> str:
                nonlocal tries
                tries += 1
                await connection.execute("INSERT INTO wren_async.told VALUES ('once')")
                if tries == 1 and moment == "with the commit":
                    cable.lose_answers_from = b"COMMIT"
                elif tries == 1:
                    await cable.cut()
                    await cable.lay()
                return f"try {tries}"

            async def heal() -> None:
                while "once" not in await told(look):  # noqa: ASYNC110 - the database tells no one
                    await asyncio.sleep(0.01)
                await cable.cut()
                await cable.lay()

            healing = asyncio.create_task(heal()) if moment == "with the commit" else None
            answer = await asyncio.wait_for(runner.transaction(work), 10)
            if healing is not None:
                await healing
            assert await told(look) == ["once"]
            assert answer == ("try 1" if moment == "with the commit" else "try 2")
            assert await runner.transaction(tell("after")) == "told after"


async def test_a_cancelled_transaction_leaves_a_runner_that_goes_on(database: Database) -> None:
    runner = await Runner.begin(database, "s", PARTS, lease=60)
    for turns in range(12):

        async def work(connection: Connection) -> None:
            await connection.execute("SELECT pg_sleep(0.01)")

        task = asyncio.create_task(runner.transaction(work))
        await asyncio.sleep(0.003 * turns)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert await runner.transaction(tell(str(turns))) == f"told {turns}"


# --- versions ---


async def test_an_older_database_names_the_command_and_a_newer_one_is_refused(database: Database) -> None:
    newer = Part("notes", (*NOTES.steps, "ALTER TABLE wren_async.told ADD at timestamptz"))
    with pytest.raises(JournalError, match="wren-async database migrate"):
        await prepare(database, (RUNNERS, newer))
    await migrate(database, (RUNNERS, newer))
    await migrate(database, (RUNNERS, newer))
    assert await database.read(versions) == {"runners": 1, "notes": 2}
    with pytest.raises(JournalError, match="made by a newer wren-async"):
        await database.read(lambda connection: check(connection, PARTS))
    with pytest.raises(JournalError, match="made by a newer wren-async"):
        await migrate(database, PARTS)


async def test_a_worker_of_the_old_version_stops_at_its_next_transaction(database: Database) -> None:
    runner = await Runner.begin(database, "s", PARTS)
    newer = Part("notes", (*NOTES.steps, "ALTER TABLE wren_async.told ADD at timestamptz"))
    await migrate(database, (RUNNERS, newer))
    with pytest.raises(LeaseLost, match="another version while this worker ran"):
        await runner.transaction(tell("old"))
    assert not runner.may_send()
    assert await told(database) == []


async def test_tables_are_made_once_where_many_begin(database_address: str) -> None:
    async def begin() -> None:
        async with Database(Dsn(database_address)) as database:
            await prepare(database, PARTS)

    await asyncio.gather(*[begin() for _ in range(4)])


# --- the address ---


@pytest.mark.parametrize(
    "address",
    ["postgresql://app:hunter2@db.example:5433/orders", "host=db.example user=app password=hunter2 dbname=orders"],
)
def test_no_repr_shows_a_password(address: str) -> None:
    dsn = Dsn(address)
    assert "hunter2" not in f"{dsn} {dsn!r} {dsn.scrub('FATAL: password hunter2 refused')}"
    assert "db.example" in str(dsn)
    assert dsn.reveal() == address


@pytest.mark.parametrize("address", ["hunter2", "postgresql://app:hunter2@[::1/x", "mysql://app:hunter2@db/orders", ""])
def test_an_address_that_cannot_be_read_is_not_quoted(address: str) -> None:
    with pytest.raises(ValueError, match="cannot be read") as caught:
        Dsn(address)
    assert "hunter2" not in str(caught.value)


async def test_an_error_of_connecting_shows_no_password(tmp_path: object) -> None:
    async with Database(Dsn(f"postgresql://app:hunter2@/orders?host={tmp_path}")) as database:
        with pytest.raises(JournalError) as caught:
            await database.run(versions)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_commits_wait_for_the_disk_whatever_the_role_says(database_address: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database_address)["dbname"]
    with psycopg.connect(database_address, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())

    async def look(connection: Connection) -> str:
        found = await (await connection.execute("SHOW synchronous_commit")).fetchone()
        assert found is not None
        return str(found[0])

    async with Database(Dsn(database_address)) as database:
        assert await database.read(look) == "on"
