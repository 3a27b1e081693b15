"""Outboxes of an older version are brought up to date with their orders: none is lost, none is placed twice."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from batch_world import World
from outbox_world import Outboxes, becomes, state_of

from wren_async import JournalError
from wren_async.batch.journal.contract import Result, Row, State
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.journal.postgres.tables import PARTS
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.outbox import CNaughtMass, Intent, Outbox, OutboxCaps, ReferenceReused, WrenTrees, sqlite_tables
from wren_async.outbox.postgres_tables import OUTBOX
from wren_async.outbox.store import NewOrder
from wren_async.outbox.submitting import new_order
from wren_async.postgres.database import Database
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.schema import Part, migrate

RIDE = CNaughtMass(amount_kg=50)  # 100 cents
TREES = WrenTrees(amount_of_trees=1, payment_method="credits")  # 500 cents
NOW = datetime.now(UTC)
INTENTS: list[Intent] = [RIDE, TREES, RIDE, RIDE, TREES, RIDE]
"""By position: one placed of each API, one pending, one being sent, and two without a price."""
ORDERS: list[NewOrder] = [new_order(intent, f"order-{number}") for number, intent in enumerate(INTENTS, 1)]
CAPS = OutboxCaps(cents_per_month=1_000_000)
OLD = ("INSERT INTO {} (reference, digest, api, submitted, intent, key, day, finished) VALUES ({})", 8)


def rows() -> list[Row]:
    return [
        Row(
            position=position,
            intent=order.intent,
            digest=order.digest,
            reference=order.reference,
            key=order.key,
            cents=500 if order.api == "wren" else 100,
            grams=0 if order.api == "wren" else 50_000,
        )
        for position, order in enumerate(ORDERS[:4], 1)
    ]


def submissions() -> list[tuple[Any, ...]]:
    """What the old version had in its table."""
    found: list[tuple[Any, ...]] = []
    for position, order in enumerate(ORDERS, 1):
        intent = (order.intent, order.key) if position > 4 else (None, None)
        day = "2026-07-01" if position < 5 else None
        number = position if position < 3 else None
        found.append((order.reference, order.digest, order.api, order.submitted, *intent, day, number))
    return found


async def fill(journal: SqliteJournal | PostgresJournal) -> None:
    """Rows of the old version's one journal."""
    await journal.add(rows())
    for position in (1, 2):
        await journal.mark_sending([position], NOW)
        await journal.record(position, Result(state=State.PLACED, order_id=f"id-{position}", cents=90 * position))
    await journal.note("outbox caps", CAPS.to_json())
    await journal.note("outbox told", "1")
    await journal.mark_sending([4], NOW)


async def check(outbox: Outbox) -> None:
    states = [await state_of(outbox, order.reference) for order in ORDERS[:3]]
    assert states == [State.PLACED, State.PLACED, State.PENDING]
    for order, intent in zip(ORDERS, INTENTS, strict=True):
        found = await outbox.get(order.reference)
        assert found is not None
        assert found.intent == intent
        assert not (await outbox.submit(intent, reference=order.reference)).is_new
        with pytest.raises(ReferenceReused):
            await outbox.submit(CNaughtMass(amount_kg=7), reference=order.reference)
    health = await outbox.health()
    assert sum(health.totals.orders.values()) == 4
    assert (health.totals.spent_cents, health.totals.planned_cents) == (270, 800)
    assert outbox._it.caps.now == CAPS
    assert await outbox._it.telling.told() == 1


async def test_a_file_of_the_version_before_goes_on(here: World, boxes: Outboxes) -> None:
    async with await SqliteJournal.open(boxes.path) as journal:
        await fill(journal)
        await journal.note("alarm", "something odd")
    with sqlite3.connect(boxes.path) as connection:
        connection.executescript(sqlite_tables._STEPS[0])
        insert = OLD[0].format("outbox_submission", ", ".join("?" * OLD[1]))
        for found in submissions():
            connection.execute(insert, [each.isoformat() if isinstance(each, datetime) else each for each in found])
        connection.execute("INSERT INTO outbox_day VALUES ('2026-07-01', 270, 50000)")
    connection.close()
    async with boxes.open() as outbox:
        await check(outbox)
        assert (await outbox.health()).halted == "something odd; something odd", "it is one of each API now"
        await outbox.resume()
        await outbox.drain()
        here.pass_time(2000)
        await outbox.drain()
    async with boxes.open() as outbox:
        assert (await outbox.health()).halted is None
        assert {await state_of(outbox, order.reference) for order in ORDERS} == {State.PLACED}
    assert {name: len(each) for name, each in here.committed().items()} == {f"order-{each}": 1 for each in (3, 4, 5, 6)}


async def test_a_database_of_the_version_before_goes_on_and_its_workers_write_no_more(
    here: World, database_address: str
) -> None:
    await here.seed()
    async with Database(Dsn(database_address)) as database:
        await migrate(database, PARTS)
        await migrate(database, (Part("outbox", OUTBOX.steps[:1]),))
    async with await PostgresJournal.open(database_address, "outbox", lease=1.0) as old_worker:
        await fill(old_worker)
        with psycopg.connect(database_address) as connection:
            insert = OLD[0].format("wren_async.outbox", ", ".join(["%s"] * OLD[1]))
            for found in submissions():
                connection.execute(insert.encode(), found)
            connection.execute("INSERT INTO wren_async.outbox_day VALUES ('2026-07-01', 270, 50000)")
        with pytest.raises(JournalError, match="wren-async database migrate"):
            async with Outbox(database_address):
                pass
        async with Database(Dsn(database_address)) as database:
            await migrate(database, (*PARTS, OUTBOX))
        with pytest.raises(JournalError):
            await old_worker.record(4, Result(state=State.PLACED, order_id="late", cents=1))
        assert not old_worker.may_send(0.0)
        async with Outbox(database_address) as outbox:
            await check(outbox)
            assert await state_of(outbox, "order-4") is State.SENDING, "the old worker may have it on the wire"
        wren, cnaught = here.clients()
        async with (
            wren,
            cnaught,
            Outbox(database_address, wren=wren, cnaught=cnaught, lease=1.0, settle_time=1.0) as outbox,
        ):
            for order in ORDERS:
                await becomes(outbox, order.reference, State.PLACED)
            numbers = [each.number for each in await outbox._it.store.finished(0, 10)]
    assert sorted(each or 0 for each in numbers) == [1, 2, 3, 4, 5, 6][: len(numbers)]
    assert {name: len(each) for name, each in here.committed().items() if "seed" not in name} == {
        f"order-{each}": 1 for each in (3, 4, 5, 6)
    }


async def test_a_file_of_a_newer_version_is_refused(boxes: Outboxes) -> None:
    async with boxes.open():
        pass
    with sqlite3.connect(boxes.path) as connection:
        connection.execute("UPDATE outbox_layout SET version = 99")
    connection.close()
    with pytest.raises(JournalError, match="upgrade"):
        async with boxes.open():
            pass
