"""Several workers on one batch in PostgreSQL: each order once, the caps held by all together, one word stops all."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from decimal import Decimal
from typing import Any

import pytest
from batch_world import World, end_of, run
from postgres_server import PostgresServer, cable_to

from wren_async.batch import Caps, CNaughtMass, Ending, Intent, JournalError, State, WrenOffset
from wren_async.batch.journal.contract import CapReached, Entry, Past, Result
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.run.history import History
from wren_async.errors import InvalidArgument
from wren_async.http.exchange import ExchangeFailed
from wren_async.postgres.lease import LeaseLost
from wren_async.sandbox import FaultKind
from wren_async.sandbox.cnaught.behaviours import UnitPrices

KILOS: list[Intent] = [CNaughtMass(amount_kg=5) for _ in range(450)]


async def plan(here: World, address: str, intents: list[Intent], **options: Any) -> None:
    async with await PostgresJournal.open(address, "rides") as journal, here.batch(journal, **options) as batch:
        await batch.plan(intents)


async def work(here: World, address: str, *, lease: float = 60.0, **options: Any) -> Any:
    """One worker, from its beginning to the end of its run."""
    journal = await PostgresJournal.open(address, "rides", lease=lease)
    async with journal, here.batch(journal, **options) as batch:
        return await run(batch)


async def states(address: str) -> dict[State, int]:
    async with await PostgresJournal.open(address, "rides", read_only=True) as journal:
        return {state: number for state, number in (await journal.totals()).orders.items() if number}


async def test_three_workers_place_each_order_once(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS)
    # The first one looks at the account before the others begin, and would else have placed all by then.
    here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=0.1, operation="createOrder")
    ends = await asyncio.gather(*[work(here, database_address) for _ in range(3)])
    assert {end_of(events).ending for events in ends} == {Ending.DONE}
    assert await states(database_address) == {State.PLACED: 450}
    committed = here.committed()
    assert len(committed) == 450
    assert all(len(orders) == 1 for orders in committed.values())
    assert sum(any(type(event).__name__ == "Settled" for event in events) for events in ends) > 1, "they shared it"


async def test_a_cap_holds_over_all_workers_to_the_cent(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS[:300])
    async with await PostgresJournal.open(database_address, "rides") as journal:
        planned = (await journal.totals()).planned_cents
        one = planned // 300
    await plan(here, database_address, KILOS[:300], caps=Caps(cents=101 * one + one // 2))
    ends = await asyncio.gather(*[work(here, database_address) for _ in range(3)])
    assert Ending.CAP_REACHED in {end_of(events).ending for events in ends}
    placed = (await states(database_address))[State.PLACED]
    assert placed == 101
    assert sum(order.cents for orders in here.committed().values() for order in orders) == 101 * one
    # Whoever raises the cap lets them go on.
    await plan(here, database_address, KILOS[:300], caps=Caps(cents=planned))
    await asyncio.gather(*[work(here, database_address) for _ in range(2)])
    assert await states(database_address) == {State.PLACED: 300}


async def test_a_cap_on_mass_holds_too(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS[:20], caps=Caps(kilograms=33))
    await asyncio.gather(*[work(here, database_address) for _ in range(2)])
    assert (await states(database_address))[State.PLACED] == 6


async def test_too_many_failures_are_counted_over_all_workers(here: World, database_address: str) -> None:
    here.sandbox.faults.add(kind="status", status=422, when="before", operation="createOrder")
    await plan(here, database_address, KILOS, caps=Caps(failures=30))
    ends = await asyncio.gather(*[work(here, database_address, concurrency=4) for _ in range(3)])
    assert {end_of(events).ending for events in ends} == {Ending.TOO_MANY_FAILURES}
    refused = (await states(database_address))[State.REFUSED]
    # Of each worker: those whose results the same commit carries as the one that tells it to stop, and those that were
    # on the wire meanwhile. It has four on the wire or marked, and one more.
    assert 30 < refused <= 30 + 3 * 2 * (4 + 1)


async def test_a_worker_stops_with_the_commit_that_counts_one_failure_too_many(
    here: World, database_address: str
) -> None:
    """What is marked in the same commit is not sent any more."""
    await plan(here, database_address, KILOS[:3], caps=Caps(failures=0))
    told: list[str | None] = []
    async with await begun(database_address) as one:
        one.listen(lambda signal: told.append(signal.ending))
        await one.mark_sending([1], here.timing.utc())
        await one.record(1, Result(state=State.REFUSED, reason="no such portfolio"))
        assert told == [Ending.TOO_MANY_FAILURES]


async def test_one_word_stops_all_workers_and_another_lets_them_go_on(here: World, database_address: str) -> None:
    here.sandbox.faults.add(kind="latency", seconds=0.02, operation="createOrder")
    await plan(here, database_address, KILOS)
    workers = [asyncio.create_task(work(here, database_address, concurrency=2)) for _ in range(2)]
    async with await PostgresJournal.open(database_address, "rides") as journal:
        while not (await journal.totals()).orders[State.PLACED]:  # noqa: ASYNC110 - the other side tells no one
            await asyncio.sleep(0.01)
        await journal.stop_all("lunch")
        ends = await asyncio.gather(*workers)
        assert {(end_of(events).ending, end_of(events).message) for events in ends} == {(Ending.ASKED, "lunch")}
        placed = (await journal.totals()).orders[State.PLACED]
        assert 0 < placed < 450
        assert end_of(await work(here, database_address)).ending is Ending.ASKED, "it stays stopped"
        assert (await journal.totals()).orders[State.PLACED] == placed
        await journal.resume_all()
    here.sandbox.faults.clear()
    assert end_of(await work(here, database_address)).ending is Ending.DONE
    assert await states(database_address) == {State.PLACED: 450}


async def test_a_pause_is_made_by_all(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS[:5])
    async with await begun(database_address, lease=2.0) as one:
        told: list[float] = []
        one.listen(lambda signal: told.append(signal.pause))
        async with await begun(database_address, lease=2.0) as other:
            other.pause(40)
            while not told:  # noqa: ASYNC110 - the other side tells no one
                await asyncio.sleep(0.02)
        assert 35 < told[0] <= 40


async def test_the_history_of_all_workers_is_kept(here: World, database_address: str) -> None:
    here.sandbox.faults.add(kind="status", status=429, when="before", operation="createOrder", times=2)
    await plan(here, database_address, KILOS)
    await asyncio.gather(*[work(here, database_address) for _ in range(3)])
    async with await PostgresJournal.open(database_address, "rides", read_only=True) as journal:
        history = await History.of(journal)
    assert len(history.endings) == 3
    assert history.pauses >= 1


# --- whose order it is ---


async def begun(address: str, *, lease: float = 60.0) -> PostgresJournal:
    journal = await PostgresJournal.open(address, "rides", lease=lease)
    await journal.join()
    await journal.checked()
    return journal


async def test_nobody_settles_what_another_is_sending(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS[:3])
    person = await PostgresJournal.open(database_address, "rides")
    async with person, await begun(database_address) as one, await begun(database_address) as other:
        await one.mark_sending([1], here.timing.utc())
        placed = Result(state=State.PLACED, order_id="o1")
        for stranger in (other, person):
            with pytest.raises(JournalError, match="another worker is at it"):
                await stranger.record(1, placed)
        await one.record(1, placed)


async def test_an_order_that_a_person_gave_up_meanwhile_leaves_a_trace_of_its_answer(
    here: World, database_address: str
) -> None:
    await plan(here, database_address, KILOS[:1])
    person = await PostgresJournal.open(database_address, "rides")
    async with person, await begun(database_address) as worker:
        await worker.mark_sending([1], here.timing.utc())
        await worker.record(1, Result(state=State.UNDECIDED, reason="no answer"))
        await person.record(1, Result(state=State.REFUSED, reconciled=True, reason="not placed, says a person"))
        with pytest.raises(JournalError, match="a settled order is final"):
            await worker.record(1, Result(state=State.PLACED, order_id="o1", cents=9))
        rows = await person._all("SELECT order_id, cents FROM wren_async.stray_answer WHERE batch = %(batch)s")
    assert rows == [("o1", 9)]


async def test_spans_are_claimed_by_one_at_a_time(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS)
    async with await begun(database_address) as one, await begun(database_address) as other:
        claims: list[AsyncGenerator[Entry, None]] = [one.claimed(), other.claimed(), one.claimed()]  # type: ignore[list-item]
        firsts = [(await anext(claim)).row.position for claim in claims[:2]]
        assert firsts == [1, 201]
        rest = [entry.row.position async for entry in claims[0]]
        assert rest == [*range(2, 201), *range(401, 451)], "the other has the span between"
        await claims[1].aclose()
        assert len([entry async for entry in claims[2]]) == 450, "given back, because nothing became of them"


async def test_a_worker_that_died_leaves_orders_in_doubt_and_its_spans_to_others(
    here: World, database_address: str
) -> None:
    await plan(here, database_address, KILOS[:210])
    dead = await begun(database_address, lease=0.4)
    claimed = dead.claimed()
    await anext(claimed)
    await dead.mark_sending([1, 2], here.timing.utc())
    for task in dead._keeping:
        task.cancel()
    async with await begun(database_address) as other:
        at = here.timing.utc()
        await other.doubt(at)
        assert (await other.totals()).orders[State.SENDING] == 2, "its lease may last yet"
        await asyncio.sleep(0.6)
        await other.doubt(at)
        entries = [entry async for entry in other.entries(State.UNDECIDED)]
        assert [(entry.row.position, entry.result.last_sent) for entry in entries] == [(1, at), (2, at)]
        assert len([entry async for entry in other.claimed()]) == 208
        # What the dead one hears now is kept apart.
        with pytest.raises(LeaseLost):
            await dead.record(1, Result(state=State.PLACED, order_id="late", cents=7))
        rows = await other._all("SELECT position, order_id, cents FROM wren_async.stray_answer WHERE batch = %(batch)s")
        assert rows == [(1, "late", 7)]
        assert (await other.entry(1)).result.state is State.UNDECIDED
    await claimed.aclose()  # type: ignore[attr-defined]
    await dead.aclose()


async def test_one_looks_into_the_past_and_the_others_wait_for_it(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS[:3])
    async with await begun(database_address) as first:
        assert first.past is Past.RUN_BEFORE or first.past is Past.NEW
    journal = await PostgresJournal.open(database_address, "rides")
    await journal.join()
    assert journal.past is Past.RUN_BEFORE, "nobody was there"
    late = await PostgresJournal.open(database_address, "rides")
    joining = asyncio.create_task(late.join())
    await asyncio.sleep(0.1)
    assert not joining.done()
    await journal.checked()
    await joining
    assert late.past is Past.KNOWN, "there is nothing that the other does not know"
    await late.aclose()
    await journal.aclose()


async def test_an_order_in_doubt_is_looked_for_by_one_at_a_time(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS[:3])
    async with await begun(database_address) as one, await begun(database_address) as other:
        assert await one.begin_reconciling()
        assert not await other.begin_reconciling()
        await one.end_reconciling()
        assert await other.begin_reconciling()


async def test_marks_without_room_take_nothing(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS[:3], caps=Caps(cents=0))
    async with await begun(database_address) as one:
        with pytest.raises(CapReached, match="by all workers"):
            await one.mark_sending([1], here.timing.utc(), reserve=True)
        assert (await one.entry(1)).result.state is State.PENDING


async def test_who_has_missed_an_alarm_places_nothing_of_what_others_may_have_placed(
    here: World, database_address: str
) -> None:
    await plan(here, database_address, KILOS[:3])
    async with await begun(database_address) as one:
        async with await PostgresJournal.open(database_address, "rides") as person:
            await person.note(Note.DOUBT, "something else may have placed them, as an alarm told")
        with pytest.raises(JournalError, match="is looked for first"):
            await one.mark_sending([1], here.timing.utc(), reserve=True)
        await one.mark_sending([2], here.timing.utc())  # as who looks for it does
        assert (await one.entry(1)).result.state is State.PENDING
        await one.note(Note.DOUBT, "")
        await one.mark_sending([1], here.timing.utc(), reserve=True)


@pytest.mark.parametrize("ends_before", [True, False])
async def test_an_overcharge_stops_all_workers_also_where_one_was_about_to_end(
    here: World, database_address: str, *, ends_before: bool
) -> None:
    await plan(here, database_address, KILOS[:3])
    here.sandbox.cnaught_api.behaviours.unit_prices = {"oH5hlq": UnitPrices(api=Decimal(3))}
    here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=0.3, operation="createOrder")
    async with await PostgresJournal.open(database_address, "rides") as journal:
        async with here.batch(journal, concurrency=1) as batch:
            running = asyncio.create_task(run(batch))
            async with asyncio.timeout(30):
                while not here.sandbox.requests.of("createOrder"):  # noqa: ASYNC110 - the other side tells no one
                    await asyncio.sleep(0.01)
            if ends_before:
                batch.stop()
            assert end_of(await running).ending is Ending.OVERCHARGED
        assert (await journal.signal()).ending == Ending.OVERCHARGED


async def test_a_write_that_fails_after_its_caller_is_gone_leaves_no_complaint(
    here: World, database_address: str
) -> None:
    await plan(here, database_address, KILOS[:1])
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with await begun(database_address) as worker:
        assert worker._runner is not None
        worker._runner._lost = "another one has taken over"
        asking = asyncio.create_task(worker.mark_sending([1], here.timing.utc()))
        await asyncio.sleep(0)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking
        with pytest.raises(LeaseLost):
            await worker.checked()
        gc.collect()
    assert complaints == []


# --- the database goes away ---


async def test_a_restart_of_the_database_in_the_middle_loses_and_doubles_nothing(
    here: World, postgres: PostgresServer, database_address: str
) -> None:
    if not postgres.is_ours:
        pytest.skip("the named server is not restarted")
    await plan(here, database_address, KILOS[:240])
    workers = [asyncio.create_task(work(here, database_address, concurrency=4)) for _ in range(2)]
    while len(here.committed()) < 20:  # noqa: ASYNC110 - the other side tells no one
        await asyncio.sleep(0.01)
    await asyncio.to_thread(postgres.kill)
    await asyncio.gather(*workers)
    await work(here, database_address)
    assert await states(database_address) == {State.PLACED: 240}
    assert sorted({len(orders) for orders in here.committed().values()}) == [1]


async def test_a_worker_cut_off_from_its_database_sends_nothing_once_its_lease_is_over(
    here: World, database_address: str
) -> None:
    """Its request stands ready when its database is gone. Another one takes over, and places the order. Then the first
    one comes to its senses: without the check before the bytes it would send the order a second time."""
    await here.seed()  # so that the lists show that they carry references
    await plan(here, database_address, [WrenOffset(tons=1, payment_method="credits")])
    reached, go_on = asyncio.Event(), asyncio.Event()
    async with AsyncExitStack() as stack:
        cable = await stack.enter_async_context(cable_to(database_address))
        cut_off = await PostgresJournal.open(cable.address, "rides", lease=1.0)
        batch = await stack.enter_async_context(here.batch(cut_off, patience=0))
        backend = batch._clients["wren"]._session.backend
        exchange = backend.exchange

        late: list[asyncio.Future[Any]] = []

        async def after_standing_still(request: Any, progress: Any) -> Any:
            reached.set()
            await go_on.wait()
            return await exchange(request, progress)

        async def held_up(request: Any, progress: Any) -> Any:
            if request.method != "POST" or b"dryRun" in request.content:
                return await exchange(request, progress)
            # A machine that stands still between the last statement and the first byte. Its timers stand still, too:
            # what would have ended the attempt in time does not reach it.
            late.append(asyncio.ensure_future(after_standing_still(request, progress)))
            return await asyncio.shield(late[0])

        backend.exchange = held_up
        running = asyncio.create_task(run(batch))
        await reached.wait()
        await cable.cut()
        other = await PostgresJournal.open(database_address, "rides", lease=30.0)
        async with other, here.batch(other) as second:
            await asyncio.sleep(1.3)
            await run(second)
            here.pass_time(3600)
            await run(second)
            assert (await second.totals()).orders[State.PLACED] == 1
        assert [len(orders) for orders in here.committed().values()] == [1]
        go_on.set()
        with suppress(ExchangeFailed):
            await late[0]
        assert [len(orders) for orders in here.committed().values()] == [1], "ordered twice"
        await cable.lay()
        with pytest.raises(JournalError, match="taken over"):
            await running
        await cut_off.aclose()


async def test_a_full_disk_stops_what_it_has_to_and_lets_it_go_on_later(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS[:60])
    async with await PostgresJournal.open(database_address, "rides") as person:

        async def carry_out(statement: str) -> None:
            await person._execute(statement)

        await carry_out("""
            CREATE FUNCTION public.full() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not extend file: No space left'; END $$
        """)
        running = asyncio.create_task(work(here, database_address, concurrency=3))
        while len(here.committed()) < 10:  # noqa: ASYNC110 - the other side tells no one
            await asyncio.sleep(0.01)
        await carry_out("CREATE TRIGGER full_now BEFORE UPDATE ON wren_async.standing EXECUTE FUNCTION public.full()")
        await asyncio.sleep(0.3)
        sent = len(here.committed())
        await asyncio.sleep(0.3)
        assert len(here.committed()) == sent < 60, "nothing is sent that cannot be marked"
        assert not running.done()
        await carry_out("DROP TRIGGER full_now ON wren_async.standing")
        assert end_of(await running).ending is Ending.DONE
    assert await states(database_address) == {State.PLACED: 60}
    assert len(here.committed()) == 60


# --- another database than before ---


async def test_after_a_failover_what_is_not_settled_is_looked_for_before_it_is_sent(
    here: World, database_address: str
) -> None:
    """An asynchronous standby had not the last marks: an order that was placed stands there as never sent."""
    await here.seed()
    await plan(here, database_address, KILOS[:4])
    async with await begun(database_address) as journal:
        lost = await journal.entry(2)
        _, cnaught = here.clients()
        async with cnaught:
            # Sent as a worker does it, with the order's own key.
            await cnaught.orders.create(amount_kg=5, reference=lost.row.reference, idempotency_key=lost.row.key)
        await journal._execute(
            "UPDATE wren_async.batch SET server = regexp_replace(server, '[^/]+$', '000000FF') WHERE number = %(batch)s"
        )
    journal = await PostgresJournal.open(database_address, "rides")
    await journal.join()
    assert journal.past is Past.BEHIND
    await journal.aclose()
    await work(here, database_address)
    here.pass_time(3600)
    await work(here, database_address)
    assert await states(database_address) == {State.PLACED: 4}
    assert sorted(len(orders) for orders in here.committed().values()) == [1, 1, 1, 1]


async def test_a_worker_stops_where_the_database_is_on_another_timeline(here: World, database_address: str) -> None:
    await plan(here, database_address, KILOS[:2])
    async with await begun(database_address) as journal:
        assert journal._runner is not None
        journal._runner._timeline = "000000FF"
        with pytest.raises(LeaseLost, match="replaced by a standby or restored"):
            await journal.mark_sending([1], here.timing.utc())
        assert not journal.may_send(1)
        assert (await journal.entry(1)).result.state is State.PENDING


def test_an_address_is_no_journal() -> None:
    from wren_async.batch import Batch

    with pytest.raises(InvalidArgument, match=r"PostgresJournal\.open"):
        Batch("postgresql://app@db.example/orders")


async def test_a_worker_that_leaves_the_rest_to_others_does_not_say_that_nothing_is_left(
    here: World, database_address: str
) -> None:
    await plan(here, database_address, KILOS[:3])
    async with await begun(database_address) as other:
        first = await anext(claim := other.claimed())
        ended = end_of(await work(here, database_address))
        await claim.aclose()  # type: ignore[attr-defined]
    assert (first.row.position, ended.ending) == (1, Ending.DONE)
    assert ended.message == "nothing is left for this worker; others have the rest"
    assert end_of(await work(here, database_address)).message == "nothing is left to send"
