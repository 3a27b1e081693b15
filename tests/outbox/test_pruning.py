"""Pruning: what an outbox forgets of settled orders is nothing that a caller, a cap or a sum would notice."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from batch_world import World, world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from outbox_world import Outboxes, becomes, state_of

from wren_async import InvalidArgument, ReferenceReused
from wren_async.outbox import CNaughtMass, Intent, Outbox, OutboxCaps, State, Submission, WrenTrees
from wren_async.sandbox import FaultKind, When

RIDE = CNaughtMass(amount_kg=50)  # 100 cents
OTHER = CNaughtMass(amount_kg=51)
TREES = WrenTrees(amount_of_trees=1, payment_method="credits")  # 500 cents
INTENTS: list[Intent] = [RIDE, OTHER, TREES]
DAY = timedelta(days=1)


def known(submission: Submission) -> tuple[Any, ...]:
    """What stays of a settled order."""
    result = submission.result
    return (
        submission.number,
        submission.reference,
        submission.state,
        result.order_id,
        result.cents,
        submission.submitted,
    )


async def answers(outbox: Outbox, references: list[str]) -> dict[str, Any]:
    """What an outbox answers to whatever an app may ask."""
    health = await outbox.health()
    found: dict[str, Any] = {
        "sums": (health.totals, health.spent, health.waiting, health.halted),
        "settled": [known(each) for each in await outbox._it.store.finished(0, 1000)],
        "persons": await outbox.needs_person(),
    }
    for reference in references:
        for intent in INTENTS:
            try:
                found[f"{reference} {intent}"] = (await outbox.submit(intent, reference=reference)).is_new
            except ReferenceReused as error:
                found[f"{reference} {intent}"] = type(error)
    return found


@given(
    days=st.lists(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(INTENTS)), max_size=4), min_size=1, max_size=4),
    refused=st.integers(0, 2),
    older_than=st.integers(0, 4),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pruning_changes_no_answer(days: list[list[tuple[int, Intent]]], refused: int, older_than: int) -> None:
    async def go(path: Path) -> None:
        async with world() as here:
            await here.seed()
            faults = here.sandbox.faults
            faults.add(kind=FaultKind.STATUS, status=400, when=When.BEFORE, operation="createOrder", times=refused)
            boxes, wanted = Outboxes(here, path), dict[str, Intent]()
            async with boxes.open(caps=OutboxCaps(cents_per_day=1000, cents_per_month=2000)) as outbox:
                for orders in days:
                    for number, intent in orders:
                        wanted.setdefault(f"ride-{number}", intent)
                        await outbox.submit(wanted[f"ride-{number}"], reference=f"ride-{number}")
                    await outbox.drain()
                    here.pass_time(86_400)
                before = await answers(outbox, list(wanted))
                await outbox.prune(older_than=older_than * DAY)
                assert await answers(outbox, list(wanted)) == before
            async with boxes.open() as outbox:
                assert await answers(outbox, list(wanted)) == before, "and so it does in its next life"
                await outbox.drain()
            placed = {name: len(each) for name, each in here.committed().items() if name in wanted}
            assert set(placed.values()) <= {1}

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(go(Path(folder) / "orders.outbox"))


async def test_only_what_is_settled_and_old_enough_is_pruned_and_what_stays_tells_what_became_of_it(
    boxes: Outboxes,
) -> None:
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="old")
        await outbox.drain()
        boxes.here.pass_time(2 * 86_400)
        await outbox.submit(TREES, reference="new")
        await outbox.drain()
        await outbox.submit(RIDE, reference="open")
        whole = await outbox.result("old")
        assert await outbox.prune(older_than=DAY) == 1
        assert await outbox.prune(older_than=DAY) == 0
        old, new = await outbox.result("old"), await outbox.result("new")
        await outbox.drain()
        assert await state_of(outbox, "open") is State.PLACED
        with pytest.raises(ReferenceReused, match="one whose details were pruned there"):
            await outbox.submit(OTHER, reference="old")
    assert (old.is_pruned, old.intent, old.is_settled) == (True, None, True)
    assert known(old) == known(whole)
    assert old.result.attempts == 0
    assert old.result.kilograms is None
    assert (new.is_pruned, new.intent) == (False, TREES)
    with sqlite3.connect(boxes.path) as connection:
        left = [connection.execute(f"SELECT count(*) FROM {name}").fetchone() for name in ("orders", "standing")]
        with pytest.raises(sqlite3.IntegrityError, match="never removed"):
            connection.execute("DELETE FROM orders")
    connection.close()
    assert left == [(2,), (2,)]


async def test_a_large_outbox_is_pruned_in_pieces_while_it_goes_on(boxes: Outboxes) -> None:
    async with boxes.open(worker=True) as outbox:
        async with asyncio.TaskGroup() as group:
            for number in range(1100):
                group.create_task(outbox.submit(RIDE, reference=f"ride-{number}"))
        async for submission in outbox.settled():
            if submission.number == 1100:
                break
        pruning = asyncio.ensure_future(outbox.prune(older_than=timedelta(0)))
        await outbox.submit(RIDE, reference="later")
        await becomes(outbox, "later", State.PLACED)
        assert await pruning in (1100, 1101)
        assert (await outbox.health()).totals.orders[State.PLACED] == 1101


async def test_what_a_callback_has_not_got_yet_is_not_pruned(boxes: Outboxes) -> None:
    heard: list[str] = []

    async def on_settled(submission: Submission) -> None:
        heard.append(f"{submission.reference} {submission.intent}")

    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
    async with boxes.open(on_settled=on_settled) as outbox:
        boxes.here.pass_time(86_400)
        assert await outbox.prune(older_than=timedelta(0)) == 0
        await outbox.drain()
        assert await outbox.prune(older_than=timedelta(0)) == 1
    assert heard == [f"ride-1 {RIDE}"]


async def test_a_pruned_order_s_charge_is_not_taken_for_that_of_a_lost_one(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await outbox.drain()
        order_id = (await outbox.result("trees-1")).result.order_id
        assert order_id is not None
        boxes.here.pass_time(60)
        assert await outbox.prune(older_than=timedelta(0)) == 1
        found = await outbox._it.store.journals["wren"].placed_among([order_id, "other"])
    assert found == {order_id}


async def test_whoever_prunes_leaves_what_a_callback_of_another_process_has_never_got(boxes: Outboxes) -> None:
    async def on_settled(submission: Submission) -> None:
        raise RuntimeError("the app's database is away")

    async with boxes.open(on_settled=on_settled) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        with pytest.raises(RuntimeError):
            await outbox.drain()
    async with boxes.open() as outbox:
        boxes.here.pass_time(60)
        assert await outbox.prune(older_than=timedelta(0)) == 0


@pytest.mark.parametrize("older_than", [timedelta(seconds=-1), 30, None])
async def test_an_odd_age_is_refused(boxes: Outboxes, older_than: Any) -> None:
    async with boxes.open() as outbox:
        with pytest.raises(InvalidArgument, match="older_than"):
            await outbox.prune(older_than=older_than)


# --- in a database ---


async def test_a_database_is_pruned_beside_its_workers_and_answers_as_before(
    here: World, database_address: str
) -> None:
    await here.seed()
    here.sandbox.faults.add(kind=FaultKind.STATUS, status=400, when=When.BEFORE, operation="createOrder", times=2)
    wren, cnaught = here.clients()
    names = [f"ride-{number}" for number in range(40)]
    async with wren, cnaught, Outbox(database_address, caps=OutboxCaps(cents_per_day=10**6)) as web:
        for number, reference in enumerate(names):
            await web.submit(INTENTS[number % 3], reference=reference)
        async with Outbox(database_address, wren=wren, cnaught=cnaught) as worker:
            async for submission in worker.settled():
                if submission.number == len(names):
                    break
            before = await answers(web, names)
            pruned = await asyncio.gather(*(each.prune(older_than=timedelta(0)) for each in (web, worker)))
            assert sum(pruned) == len(names)
            assert await answers(web, names) == before
            await web.submit(RIDE, reference="later")
            assert (await web.result("later", within=30)).state is State.PLACED
    with psycopg.connect(database_address, autocommit=True) as connection:
        left = [
            connection.execute(f"SELECT count(*) FROM wren_async.{name}".encode()).fetchone()
            for name in ("intent", "standing", "outbox")
        ]
        for name in ("intent", "standing", "outbox"):
            with pytest.raises(psycopg.IntegrityError, match="never removed"):
                connection.execute(f"DELETE FROM wren_async.{name}".encode())
    assert left == [(1,), (1,), (41,)]
    ordered = {name: len(each) for name, each in here.committed().items() if "seed" not in name}
    assert set(ordered.values()) == {1}
    assert len(ordered) == 39, "two were refused, and one came later"


async def test_processes_that_are_long_gone_are_forgotten_by_those_that_come(
    here: World, database_address: str
) -> None:
    wren, cnaught = here.clients()
    with psycopg.connect(database_address, autocommit=True) as connection:
        async with wren, cnaught:
            for number in range(6):
                async with Outbox(database_address, cnaught=cnaught, worker=False) as outbox:
                    await outbox.submit(RIDE, reference=f"ride-{number}")
                    await outbox.drain()
                    assert await state_of(outbox, f"ride-{number}") is State.PLACED
                connection.execute("UPDATE wren_async.runner SET ended = ended - interval '2 days'")
        left = connection.execute("SELECT count(*) FROM wren_async.runner").fetchone()
        sums = connection.execute("SELECT count(DISTINCT shard), sum(orders) FROM wren_async.tally").fetchone()
    assert left == (2,), "the last one, and the one before, which it has found to have left nothing behind"
    assert sums is not None
    assert sums[0] <= 3, "nor does each connection that there ever was keep rows of its own"
    assert sums[1] == 6


async def test_a_pruned_order_s_charge_in_a_database_is_not_taken_for_that_of_a_lost_one(
    here: World, database_address: str
) -> None:
    wren, cnaught = here.clients()
    async with wren, cnaught, Outbox(database_address, wren=wren, worker=False) as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await outbox.drain()
        order_id = (await outbox.result("trees-1")).result.order_id
        assert order_id is not None
        assert await outbox.prune(older_than=timedelta(0)) == 1
        journal = outbox._it.store.journals["wren"]
        assert set(await journal.placed_among([order_id, "other"])) == {order_id}
