"""The outbox in PostgreSQL: orders in the app's own transaction, and any number of processes that place them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from unittest.mock import ANY

import asyncpg
import attrs
import psycopg
import pytest
import sqlalchemy
import sqlalchemy.orm
from batch_world import World
from outbox_world import becomes, state_of, until
from postgres_server import PostgresServer, cable_to
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from tests.loop_time import pass_time, turns
from wren_async import InvalidArgument, JournalError, ReferenceReused
from wren_async.batch.events import Ending
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.postgres import joining
from wren_async.outbox import (
    CNaughtMass,
    Outbox,
    OutboxCaps,
    State,
    Submission,
    Submitted,
    WrenTrees,
    results,
    running,
    submit_within,
)
from wren_async.outbox.postgres_journal import PostgresApiJournal
from wren_async.sandbox import FaultKind, When

RIDE = CNaughtMass(amount_kg=50)  # 100 cents
OTHER = CNaughtMass(amount_kg=51)
TREES = WrenTrees(amount_of_trees=2, payment_method="credits")

HELD = 8.0
"""Seconds for which an answer is held: less than half of a lease, after which an order on the wire is given up."""


@attrs.define
class Shared:
    """One outbox in a database, for any number of processes."""

    here: World
    address: str

    @asynccontextmanager
    async def open(self, **options: Any) -> AsyncIterator[Outbox]:
        """An outbox as one process has it. It places orders on request, unless `worker=True`."""
        wren, cnaught = self.here.clients()
        given = {"worker": False, **options}
        async with wren, cnaught, Outbox(self.address, wren=wren, cnaught=cnaught, **given) as outbox:
            yield outbox

    def orders(self) -> dict[str, int]:
        """How often each reference was ordered."""
        return {reference: len(orders) for reference, orders in self.here.committed().items()}


@pytest.fixture
def shared(here: World, database_address: str) -> Shared:
    return Shared(here, database_address)


# --- in the app's own transaction ---


def with_driver(address: str, driver: str) -> str:
    return address.replace("postgresql://", f"postgresql+{driver}://")


class RolledBack(Exception):
    """Raised within a transaction, so that it rolls back."""


def finish(*, commits: bool) -> None:
    if not commits:
        raise RolledBack


async def by_psycopg(outbox: Outbox, address: str, reference: str, intent: Any, *, commits: bool) -> Submitted:
    async with await psycopg.AsyncConnection.connect(address) as connection:
        submitted = await outbox.submit(intent, reference=reference, connection=connection)
        finish(commits=commits)
    return submitted


async def by_blocking_psycopg(outbox: Outbox, address: str, reference: str, intent: Any, *, commits: bool) -> Submitted:
    with psycopg.connect(address) as connection:
        submitted = submit_within(connection, intent, reference=reference)
        finish(commits=commits)
    return submitted


async def by_asyncpg(outbox: Outbox, address: str, reference: str, intent: Any, *, commits: bool) -> Submitted:
    connection = await asyncpg.connect(address)
    try:
        async with connection.transaction():
            submitted = await outbox.submit(intent, reference=reference, connection=connection)
            finish(commits=commits)
    finally:
        await connection.close()
    return submitted


async def by_blocking_session(outbox: Outbox, address: str, reference: str, intent: Any, *, commits: bool) -> Submitted:
    engine = sqlalchemy.create_engine(with_driver(address, "psycopg"))
    try:
        with sqlalchemy.orm.Session(engine) as session, session.begin():
            submitted = submit_within(session, intent, reference=reference)
            finish(commits=commits)
    finally:
        engine.dispose()
    return submitted


async def by_session(
    outbox: Outbox, address: str, reference: str, intent: Any, *, commits: bool, driver: str = "psycopg"
) -> Submitted:
    engine = create_async_engine(with_driver(address, driver))
    try:
        async with AsyncSession(engine) as session, session.begin():
            submitted = await outbox.submit(intent, reference=reference, connection=session)
            finish(commits=commits)
    finally:
        await engine.dispose()
    return submitted


async def by_connection(outbox: Outbox, address: str, reference: str, intent: Any, *, commits: bool) -> Submitted:
    engine = create_async_engine(with_driver(address, "asyncpg"))
    try:
        async with engine.begin() as connection:
            submitted = await outbox.submit(intent, reference=reference, connection=connection)
            finish(commits=commits)
    finally:
        await engine.dispose()
    return submitted


WAYS = [
    by_psycopg,
    by_blocking_psycopg,
    by_asyncpg,
    by_blocking_session,
    by_session,
    partial(by_session, driver="asyncpg"),
    by_connection,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: getattr(way, "__name__", "by_session_over_asyncpg"))
async def test_an_order_is_there_with_the_commit_and_never_was_with_a_rollback(shared: Shared, way: Any) -> None:
    async with shared.open() as outbox:
        submit = partial(way, outbox, shared.address)
        with pytest.raises(RolledBack):
            await submit("rolled-back", RIDE, commits=False)
        assert (await submit("committed", RIDE, commits=True)).is_new
        assert not (await submit("committed", RIDE, commits=True)).is_new
        with pytest.raises(ReferenceReused):
            await submit("committed", OTHER, commits=True)
        await outbox.drain()
        assert await outbox.get("rolled-back") is None
        assert await state_of(outbox, "committed") is State.PLACED
        assert not (await submit("committed", RIDE, commits=True)).is_new
        with pytest.raises(ReferenceReused, match=r'"50".* there and .*"51".* here'):
            await submit("committed", OTHER, commits=True)
    assert shared.orders() == {"committed": 1}


async def test_a_second_delivery_waits_for_what_becomes_of_the_first(shared: Shared) -> None:
    async with (
        shared.open() as outbox,
        await psycopg.AsyncConnection.connect(shared.address) as first,
        await psycopg.AsyncConnection.connect(shared.address) as second,
    ):
        assert (await outbox.submit(RIDE, reference="a", connection=first)).is_new
        waiting = asyncio.ensure_future(outbox.submit(RIDE, reference="a", connection=second))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await first.rollback()
        assert (await waiting).is_new, "the first was rolled back, so the second is the one"
        await second.commit()
        await outbox.drain()
    assert shared.orders() == {"a": 1}


async def test_a_connection_without_a_transaction_or_of_the_other_kind_is_refused(shared: Shared) -> None:
    async with shared.open() as outbox:
        plain = await asyncpg.connect(shared.address)
        with pytest.raises(InvalidArgument, match="in no transaction"):
            await outbox.submit(RIDE, reference="a", connection=plain)
        await plain.close()
        async with await psycopg.AsyncConnection.connect(shared.address, autocommit=True) as alone:
            with pytest.raises(InvalidArgument, match="in no transaction"):
                await outbox.submit(RIDE, reference="a", connection=alone)
        with psycopg.connect(shared.address) as sync, pytest.raises(InvalidArgument, match="submit_within"):
            await outbox.submit(RIDE, reference="a", connection=sync)
        with pytest.raises(InvalidArgument, match="submit_within"):
            await outbox.submit(RIDE, reference="a", connection=object())
        assert await outbox.get("a") is None


# --- placing ---


async def test_a_web_process_submits_and_a_worker_elsewhere_places(shared: Shared) -> None:
    async with Outbox(shared.address) as web, shared.open(worker=True) as worker:
        await web.submit(RIDE, reference="ride-1")
        submission = await web.result("ride-1", within=20)
        assert submission.state is State.PLACED
        heard = [await anext(aiter(web.settled()))]
        assert (await worker.health()).problem is None
    assert [each.reference for each in heard] == ["ride-1"]
    assert shared.orders() == {"ride-1": 1}


async def test_a_worker_finds_what_another_transaction_committed_without_a_word(shared: Shared) -> None:
    async with shared.open(worker=True) as outbox:
        async with await psycopg.AsyncConnection.connect(shared.address) as connection:
            await outbox.submit(RIDE, reference="ride-1", connection=connection)
        await becomes(outbox, "ride-1", State.PLACED)
    assert shared.orders() == {"ride-1": 1}


async def test_three_workers_share_the_orders_and_place_each_once(shared: Shared) -> None:
    shared.here.sandbox.faults.add(kind=FaultKind.RESET, when=When.AFTER, operation="createOrder", probability=0.1)
    heard: list[str] = []

    async def on_settled(submission: Submission) -> None:
        heard.append(submission.reference)

    async with (
        shared.open(worker=True, concurrency=4, on_settled=on_settled) as one,
        shared.open(worker=True, concurrency=4) as two,
        shared.open(worker=True, concurrency=4) as three,
    ):
        for number in range(90):
            await (one, two, three)[number % 3].submit(RIDE, reference=f"ride-{number}")
        for number in range(90):
            await becomes(two, f"ride-{number}", State.PLACED)
        await until(lambda: len(heard) == 90)
        numbers = [each.number async for each in _first(three.settled(), 90)]
    assert shared.orders() == {f"ride-{number}": 1 for number in range(90)}
    assert numbers == list(range(1, 91))
    assert sorted(heard) == sorted(shared.orders())


async def _first(submissions: Any, count: int) -> AsyncIterator[Submission]:
    async for submission in submissions:
        yield submission
        count -= 1
        if not count:
            await submissions.aclose()
            return


async def test_a_day_s_cap_holds_over_all_processes(shared: Shared) -> None:
    async with (
        shared.open(worker=True, caps=OutboxCaps(cents_per_day=1000)) as one,
        shared.open(worker=True) as two,  # gives none, and keeps to them
        shared.open(worker=True),
    ):
        for number in range(30):
            await (one, two)[number % 2].submit(RIDE, reference=f"ride-{number}")
        await until(lambda: len(shared.orders()) == 10)
        await until_waiting(one, 20)
        spent = (await two.health()).spent
        await asyncio.sleep(0.6)  # longer than anybody waits before looking again
    assert len(shared.orders()) == 10
    assert spent.cents_today == 1000


async def until_waiting(outbox: Outbox, waiting: int) -> None:
    async with asyncio.timeout(20):
        while (await outbox.health()).waiting != waiting:  # noqa: ASYNC110 - what is waited for tells no one
            await asyncio.sleep(0.01)


async def test_refused_money_is_given_back(shared: Shared) -> None:
    shared.here.sandbox.faults.add(
        kind=FaultKind.STATUS, status=400, when=When.BEFORE, operation="createOrder", times=2
    )
    async with shared.open(caps=OutboxCaps(cents_per_day=250, kilograms_per_month=1000)) as outbox:
        for number in range(4):
            await outbox.submit(RIDE, reference=f"ride-{number}")
        await outbox.drain()
        await outbox.drain()
        states = [await state_of(outbox, f"ride-{number}") for number in range(4)]
        spent = (await outbox.health()).spent
    assert states.count(State.PLACED) == 2
    assert states.count(State.REFUSED) == 2
    assert (spent.cents_today, spent.grams_month) == (200, 100_000)


async def test_what_a_dead_worker_was_sending_is_taken_over_and_found(shared: Shared) -> None:
    here = shared.here
    await here.seed()
    here.timeout = 30
    here.sandbox.faults.add(kind=FaultKind.NEVER_ANSWER, when=When.AFTER, operation="createTreeOrder", nth=2)
    async with shared.open(lease=1.0) as watcher:
        async with shared.open(lease=1.0, patience=0.0) as dying:
            work = asyncio.ensure_future(dying.work())
            await dying.submit(TREES, reference="trees-1")
            await becomes(watcher, "trees-1", State.SENDING)
            await until(lambda: "trees-1" in shared.orders())
            work.cancel()
            await asyncio.wait([work])
        assert await state_of(watcher, "trees-1") in (State.SENDING, State.UNDECIDED)
        async with shared.open(lease=1.0, worker=True, settle_time=1.0):
            await becomes(watcher, "trees-1", State.PLACED)
    assert shared.orders() == {"trees-1": 1}


async def test_settled_by_hand_from_a_process_without_a_worker(shared: Shared) -> None:
    shared.here.sandbox.faults.add(kind=FaultKind.RESET, when=When.BEFORE, operation="createTreeOrder", nth=2)
    async with shared.open() as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await outbox.drain()
        assert await state_of(outbox, "trees-1") is State.UNDECIDED
    async with Outbox(shared.address) as web:
        assert await web.needs_person() == []
        await web.mark_placed("trees-1", "order-9", cents=1000)
        assert (await web.result("trees-1")).result.order_id == "order-9"
        with pytest.raises(InvalidArgument, match="is placed, not undecided"):
            await web.mark_not_placed("trees-1")


async def test_what_would_not_be_priced_is_refused(shared: Shared) -> None:
    async with shared.open() as outbox:
        await outbox.submit(CNaughtMass(amount_kg=5, portfolio_id="none-such"), reference="a")
        await outbox.drain()
        result = (await outbox.result("a")).result
    assert (result.state, result.first_sent) == (State.REFUSED, None)
    assert "cnaught would not price it" in (result.reason or "")


async def test_an_empty_wallet_holds_orders_back_until_it_is_filled(shared: Shared) -> None:
    shared.here.sandbox.faults.add(
        kind=FaultKind.STATUS, status=402, when=When.BEFORE, operation="createOrder", times=2
    )
    async with shared.open(worker=True) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await becomes(outbox, "ride-1", State.PLACED)
    assert shared.orders() == {"ride-1": 1}


async def test_an_outbox_that_a_person_stopped_waits_until_it_is_resumed(shared: Shared) -> None:
    async with shared.open(worker=True) as outbox:
        await outbox._it.store.journals["cnaught"].stop_all("stopped by a person")  # type: ignore[attr-defined]
        await outbox.submit(RIDE, reference="ride-1")
        await until(lambda: outbox._it.placing["cnaught"].problem is not None)
        assert "stopped by a person" in str((await outbox.health()).problem)
        assert shared.orders() == {}
        await outbox.resume()
        await becomes(outbox, "ride-1", State.PLACED)
    assert shared.orders() == {"ride-1": 1}


async def test_a_pause_while_the_wallet_is_empty_holds_also_once_it_is_filled(shared: Shared) -> None:
    shared.here.sandbox.faults.add(
        kind=FaultKind.STATUS, status=402, when=When.BEFORE, operation="createOrder", times=1
    )
    async with shared.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
        journal = outbox._it.store.journals["cnaught"]
        assert await journal.halt_of_all() == (Ending.PAYMENT_REQUIRED, ANY)
        await journal.stop_all("paused by a person")  # type: ignore[attr-defined]
        for _ in range(2):
            await outbox.drain()
            await journal.try_wallet_again()
        assert await state_of(outbox, "ride-1") is State.PENDING
        await outbox.resume()
        await outbox.drain()
        assert await state_of(outbox, "ride-1") is State.PLACED


async def test_a_process_that_missed_an_alarm_looks_for_orders_after_it_was_explained(shared: Shared) -> None:
    here = shared.here
    await here.seed()
    async with shared.open() as one, shared.open() as two:
        await one.drain()
        await two.drain()
        wren, _ = here.clients()
        async with wren:
            await wren.tree_orders.create(amount_of_trees=2, payment_method="credits", reference="trees-1")
        await one.submit(TREES, reference="trees-1")
        await one._it.placing["wren"].planning.plan()
        await one._it.store.journals["wren"].note(Note.ALARM, "a copy of the database is at work")
        await one.resume()
        await two.drain()
        here.pass_time(10)
        await two.drain()
        assert await state_of(one, "trees-1") is State.PLACED
    assert shared.orders() == {"trees-1": 1}


async def test_a_process_that_ends_its_last_orders_after_a_person_resumed_halts_nothing_again(shared: Shared) -> None:
    async with shared.open() as slow, shared.open() as other:
        await other._it.store.journals["cnaught"].note(Note.ALARM, "order 1 was placed before")
        worker = slow._it.placing["cnaught"]._new_worker()
        worker.halt(Ending.ALARM, "order 1 was placed before")  # as the signal of the other one does
        await other.resume()
        await slow._it.placing["cnaught"]._after(worker)
        assert (await slow.health()).halted is None
        await slow.submit(RIDE, reference="ride-1")
        await slow.drain()
        assert await state_of(slow, "ride-1") is State.PLACED


async def test_orders_that_a_process_cannot_send_are_left_to_the_others(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shared.open(worker=False) as good:
        await good.submit(RIDE, reference="first")
        await good.drain()
        monkeypatch.setattr(PostgresApiJournal, "may_send", lambda self, seconds: False)
        async with shared.open(timing=shared.here.timing) as cut_off:
            for number in range(40):
                await good.submit(RIDE, reference=f"ride-{number}")
            await cut_off.drain()
            assert (await cut_off.health()).problem is not None
            await good.drain()
            assert shared.orders() == {"first": 1, **{f"ride-{number}": 1 for number in range(40)}}


async def test_a_process_that_has_left_plans_nothing_and_joins_for_no_price(shared: Shared) -> None:
    async with shared.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        with pytest.raises(JournalError, match="has left meanwhile"):
            await outbox._it.placing["cnaught"].planning.plan()
        assert outbox._it.store.journals["cnaught"].runner_id is None  # type: ignore[attr-defined]
        await outbox.drain()
        assert await state_of(outbox, "ride-1") is State.PLACED


async def test_word_that_cannot_be_given_fails_no_handler_whose_order_is_committed(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((joining, "LEAVING"), (running, "LEAVING"), (results, "ANSWER")):
        monkeypatch.setattr(module, name, 0.2)
    async with cable_to(shared.address) as cable, Outbox(cable.address) as web, shared.open() as worker:
        async with await psycopg.AsyncConnection.connect(shared.address) as connection:
            await web.submit(RIDE, reference="ride-1", connection=connection)
        await cable.cut()
        async with asyncio.timeout(10):
            await web.nudge()
        await worker.drain()
    assert shared.orders() == {"ride-1": 1}


async def test_an_outbox_is_closed_though_the_database_is_away_and_nothing_is_lost(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for module in (joining, running):
        monkeypatch.setattr(module, "LEAVING", 0.2)
    shared.here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=0.5, operation="createOrder", times=1)
    async with cable_to(shared.address) as cable:
        web = Shared(shared.here, cable.address)
        async with asyncio.timeout(20), web.open(worker=True, patience=1.0, lease=2.0) as outbox:
            await outbox.submit(RIDE, reference="ride-1")
            await becomes(outbox, "ride-1", State.SENDING)
            await cable.cut()
            await until(lambda: "ride-1" in shared.orders())
    assert "is left without the database" in caplog.text
    async with shared.open(worker=True, lease=2.0) as outbox:
        await becomes(outbox, "ride-1", State.PLACED)
    assert shared.orders() == {"ride-1": 1}


async def test_no_error_and_no_repr_shows_the_password() -> None:
    outbox = Outbox("postgresql://app:hunter2@localhost:1/none")
    assert "hunter2" not in repr(outbox)
    with pytest.raises(Exception, match="localhost") as caught:
        await outbox.__aenter__()
    assert "hunter2" not in str(caught.value)


async def test_the_worker_of_the_command_line_places_the_outbox_too(shared: Shared) -> None:
    at = shared.here.sandbox.cnaught
    environment = {
        **os.environ,
        "CNAUGHT_API_KEY": at.api_key,
        "CNAUGHT_BASE_URL": at.base_url,
        "WREN_ASYNC_DATABASE": shared.address,
    }

    async def run(*words: str) -> int:
        command = [sys.executable, "-m", "wren_async.cli", *words]
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        return await process.wait()

    assert await run("database", "migrate") == 0
    with psycopg.connect(shared.address) as connection:
        submit_within(connection, RIDE, reference="ride-1")
    assert await run("worker", "--until-done") == 0
    assert shared.orders() == {"ride-1": 1}


async def test_a_restart_of_the_database_in_the_middle_loses_and_doubles_nothing(
    shared: Shared, postgres: PostgresServer
) -> None:
    if not postgres.is_ours:
        pytest.skip("the named server is not restarted")
    async with shared.open(worker=True, concurrency=4) as one, shared.open(worker=True, concurrency=4):
        for number in range(40):
            await one.submit(RIDE, reference=f"ride-{number}")
        await until(lambda: len(shared.orders()) > 5)
        await asyncio.to_thread(postgres.restart)
        for number in range(40):
            await becomes(one, f"ride-{number}", State.PLACED)
    assert shared.orders() == {f"ride-{number}": 1 for number in range(40)}


async def test_a_worker_that_others_have_taken_over_from_settles_nothing_and_begins_anew(shared: Shared) -> None:
    await shared.here.seed()
    # The answer is held until the loop's clock jumps, which is sooner than its attempt would end.
    shared.here.timeout = 2 * HELD
    held = shared.here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=HELD, operation="createTreeOrder", nth=2)
    async with shared.open(worker=True, settle_time=1.0, timing=shared.here.timing) as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await until(lambda: held.applied == 1)
        await turns()
        with psycopg.connect(shared.address) as connection:
            # As another worker does once a lease is over.
            connection.execute("UPDATE wren_async.runner SET declared_dead = clock_timestamp()")
        pass_time(HELD)
        await becomes(outbox, "trees-1", State.PLACED)
        await outbox.submit(RIDE, reference="ride-1")
        await becomes(outbox, "ride-1", State.PLACED)
        found = await outbox.get("trees-1")
        with psycopg.connect(shared.address) as connection:
            stray = connection.execute("SELECT state FROM wren_async.stray_answer").fetchall()
            runners = connection.execute("SELECT count(*) FROM wren_async.runner").fetchone()
    assert found is not None
    assert found.result.reconciled, "what it heard too late settled nothing; the lists told"
    assert stray == [("placed",)]
    assert runners == (4,), "each API has one"
    assert shared.orders() == {"trees-1": 1, "ride-1": 1}


# --- the end ---


@pytest.mark.parametrize("passed", range(8))
async def test_what_hands_on_news_ends_at_whatever_turn_of_the_loop_it_is_cancelled(
    shared: Shared, passed: int
) -> None:
    """An outbox that closes just as an order is settled would wait for it for ever."""
    async with shared.open() as outbox:
        telling = outbox._it.telling
        handing_on = asyncio.create_task(telling.forever())
        await asyncio.sleep(0.1)
        telling.settled("ride-1")
        for _ in range(passed):
            await asyncio.sleep(0)
        handing_on.cancel()
        ended, _ = await asyncio.wait([handing_on], timeout=5)
        handing_on.cancel()
        assert ended
