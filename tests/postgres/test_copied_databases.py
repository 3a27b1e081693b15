"""A database with orders that are not placed yet is copied, and workers of both have the tokens of one account."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from batch_world import World, run
from postgres_server import PostgresServer

from wren_async.batch import CNaughtMass, Intent, JournalError, State, WrenOffset
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.outbox import Outbox

ORDERS: list[Intent] = [
    *[WrenOffset(tons=1, payment_method="credits") for _ in range(3)],
    *[CNaughtMass(amount_kg=5) for _ in range(3)],
]


@contextmanager
def copy_of(server: PostgresServer, address: str, *, is_clone: bool = False) -> Iterator[str]:
    """A copy of a database. A clone has the same identity, as the image of a whole machine has."""
    name, origin = f"copy_{uuid.uuid4().hex}", address.rpartition("/")[2].partition("?")[0]
    server.execute(f"CREATE DATABASE {name} TEMPLATE {origin}")
    try:
        copied = server.address(name)
        if is_clone:
            take_for_its_own(copied)
        yield copied
    finally:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def take_for_its_own(address: str) -> None:
    with psycopg.connect(address) as connection:
        connection.execute(
            "UPDATE wren_async.batch SET server = regexp_replace(server, '/[0-9]+/', '/' || (SELECT oid "
            "FROM pg_database WHERE datname = current_database()) || '/')"
        )


async def plan(here: World, address: str) -> None:
    async with await PostgresJournal.open(address, "rides") as journal, here.batch(journal) as batch:
        await batch.plan(ORDERS)
        await journal.resume_all()


async def work(here: World, address: str, **options: bool) -> dict[State, int]:
    async with await PostgresJournal.open(address, "rides", make=False) as journal:
        async with here.batch(journal, **options) as batch:
            await run(batch)
        return {state: number for state, number in (await journal.totals()).orders.items() if number}


def ordered(here: World) -> list[int]:
    """How often each order was placed."""
    return [len(orders) for orders in here.committed().values()]


@pytest.mark.parametrize("is_copy_first", [True, False])
async def test_in_a_copy_nothing_goes_on_before_a_person_has_said_which_it_is(
    here: World, postgres: PostgresServer, database_address: str, is_copy_first: bool
) -> None:
    await here.seed()
    await plan(here, database_address)
    with copy_of(postgres, database_address) as copy:
        if not is_copy_first:
            assert await work(here, database_address) == {State.PLACED: 6}
        with pytest.raises(JournalError, match=r"is a copy of the one in which it was begun.*no token of a live"):
            await work(here, copy)
        for _ in range(2):
            with pytest.raises(JournalError, match=r"ended in an alarm: the database is a copy.*--alarm-is-explained"):
                await work(here, copy)
        if is_copy_first:
            assert not ordered(here)
            assert await work(here, database_address) == {State.PLACED: 6}
        here.pass_time(3600)
        assert await work(here, copy, alarm_is_explained=True) == {State.PLACED: 6}
    assert ordered(here) == [1] * 6


@pytest.mark.parametrize("is_clone_first", [True, False])
async def test_a_clone_that_nothing_tells_from_its_original_finds_what_that_has_placed(
    here: World, postgres: PostgresServer, database_address: str, is_clone_first: bool
) -> None:
    await here.seed()
    await plan(here, database_address)
    with copy_of(postgres, database_address, is_clone=True) as clone:
        first, second = (clone, database_address) if is_clone_first else (database_address, clone)
        assert await work(here, first) == {State.PLACED: 6}
        here.pass_time(24 * 3600)
        assert await work(here, second) == {State.PLACED: 6}
    assert ordered(here) == [1] * 6


async def drain(here: World, address: str, *, resumed: bool = False) -> list[str]:
    wren, cnaught = here.clients()
    async with wren, cnaught, Outbox(address, wren=wren, cnaught=cnaught, worker=False) as outbox:
        if resumed:
            await outbox.resume()
        await outbox.drain()
        halted = (await outbox.health()).halted
        found = [await outbox.get(f"ride-{number}") for number in range(len(ORDERS))]
        return [str(each.state) for each in found if each is not None] + ([halted] if halted else [])


async def submit(here: World, address: str) -> None:
    wren, cnaught = here.clients()
    async with wren, cnaught, Outbox(address, wren=wren, cnaught=cnaught, worker=False) as outbox:
        for number, intent in enumerate(ORDERS):
            await outbox.submit(intent, reference=f"ride-{number}")


@pytest.mark.parametrize("is_copy_first", [True, False])
async def test_an_outbox_in_a_copy_places_nothing_before_a_person_has_said_which_it_is(
    here: World, postgres: PostgresServer, database_address: str, is_copy_first: bool
) -> None:
    await here.seed()
    await submit(here, database_address)
    with copy_of(postgres, database_address) as copy:
        if not is_copy_first:
            assert await drain(here, database_address) == ["placed"] * 6
        with pytest.raises(JournalError, match="is a copy of the one in which it was begun"):
            await drain(here, copy)
        *_, halted = await drain(here, copy)
        assert "is a copy of the one in which it was begun" in halted
        if is_copy_first:
            assert not ordered(here)
            assert await drain(here, database_address) == ["placed"] * 6
        here.pass_time(3600)
        await drain(here, copy, resumed=True)
        here.pass_time(3600)
        assert await drain(here, copy) == ["placed"] * 6
    assert ordered(here) == [1] * 6


@pytest.mark.parametrize("is_clone_first", [True, False])
async def test_an_outbox_in_a_clone_finds_what_its_original_has_placed(
    here: World, postgres: PostgresServer, database_address: str, is_clone_first: bool
) -> None:
    await here.seed()
    await submit(here, database_address)
    with copy_of(postgres, database_address, is_clone=True) as clone:
        first, second = (clone, database_address) if is_clone_first else (database_address, clone)
        assert await drain(here, first) == ["placed"] * 6
        here.pass_time(24 * 3600)
        await drain(here, second)
        here.pass_time(3600)
        assert await drain(here, second) == ["placed"] * 6
    assert ordered(here) == [1] * 6


async def test_an_outbox_that_was_moved_looks_for_orders_that_it_has_forgotten(
    here: World, postgres: PostgresServer, database_address: str
) -> None:
    """The copy is older than what was submitted since, and the app delivers that again."""
    await here.seed()
    await drain(here, database_address)
    with copy_of(postgres, database_address) as copy:
        await submit(here, database_address)
        assert await drain(here, database_address) == ["placed"] * 6
        await submit(here, copy)
        with pytest.raises(JournalError, match="is a copy of the one in which it was begun"):
            await drain(here, copy)
        here.pass_time(24 * 3600)
        await drain(here, copy, resumed=True)
        here.pass_time(3600)
        assert await drain(here, copy) == ["placed"] * 6
        # Those that come while it is at work, too.
        for address in (database_address, copy):
            wren, cnaught = here.clients()
            async with wren, cnaught, Outbox(address, wren=wren, cnaught=cnaught, worker=False) as outbox:
                await outbox.drain()
                await outbox.submit(ORDERS[0], reference="late")
                await outbox.drain()
    assert ordered(here) == [1] * 7


async def test_a_batch_that_was_moved_sends_nothing_before_the_lists_can_tell_what_was_sent(
    here: World, postgres: PostgresServer, database_address: str
) -> None:
    await here.seed()
    await plan(here, database_address)
    with copy_of(postgres, database_address) as copy:
        with pytest.raises(JournalError, match="is a copy of the one in which it was begun"):
            await work(here, copy)
        assert await work(here, copy, alarm_is_explained=True) == {State.UNDECIDED: 3, State.PLACED: 3}
        here.pass_time(3600)
        assert await work(here, copy) == {State.PLACED: 6}
    assert ordered(here) == [1] * 6
