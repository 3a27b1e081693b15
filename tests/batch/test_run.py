"""Running a batch against a sandbox: what is placed, what ends a run, and what is left then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from batch_world import World, end_of, kilograms, run, settled, states, tonnes, world

from tests.loop_time import pass_time, turns, until
from wren_async import InvalidArgument, UsageError
from wren_async.batch.events import Alarm, Ending, Paused, Progress, Returned
from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenProject, WrenTrees, restore
from wren_async.batch.journal.contract import Entry, JournalError, State
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.budget import Caps
from wren_async.sandbox.cnaught.behaviours import UnitPrices

ORDERS = ("createOffsetOrder", "createOrder")


MIXED: list[Intent] = [
    *tonnes(2),
    WrenTrees(amount_of_trees=3, payment_method="credits", note="a note"),
    WrenProject(project_id=18, amount_in_usd_cents=500, payment_method="credits"),
    *kilograms(10, 10),
    CNaughtPrice(total_price_usd_cents=700),
]


async def test_every_order_is_placed_once_and_known_by_its_id(here: World) -> None:
    async with here.batch() as batch:
        plan = await batch.plan(MIXED)
        events = await run(batch)
        entries = [entry async for entry in batch.entries()]
    committed = here.committed()
    assert end_of(events).ending is Ending.DONE
    assert len(settled(events)) == len(entries) == len(committed) == 7
    for entry in entries:
        [order] = committed[entry.row.reference]
        assert (entry.result.order_id, entry.result.cents) == (order.id, order.cents)
    assert end_of(events).totals.spent_cents == plan.cents
    assert end_of(events).totals.reserved_cents == 0


async def test_the_notes_of_the_user_stay(here: World) -> None:
    async with here.batch() as batch:
        await batch.plan([WrenTrees(amount_of_trees=3, payment_method="credits", note="for Ada")])
        await run(batch)
    assert (here.sandbox.orders[0].reference or "").endswith("] for Ada")


async def test_running_again_does_nothing_more(here: World) -> None:
    journal = MemoryJournal()
    for _ in range(2):
        async with here.batch(journal) as batch:
            await batch.plan(MIXED)
            await run(batch)
    assert len(here.sandbox.orders) == 7


async def test_nothing_runs_without_a_plan(here: World) -> None:
    async with here.batch() as batch:
        with pytest.raises(UsageError, match="call `plan` first"):
            await run(batch)


async def test_one_run_at_a_time(here: World) -> None:
    async with here.batch() as batch:
        await batch.plan(kilograms(1, 2))
        async with contextlib.aclosing(batch.run()) as events:
            await anext(events)
            with pytest.raises(UsageError, match="under way"):
                await run(batch)


# --- errors ---------------------------------------------------------------------------------------------------------


async def test_a_refusal_is_the_order_s_own(here: World) -> None:
    here.sandbox.faults.add("status", operation="createOrder", status=400, when="before", nth=2)
    async with here.batch(concurrency=1) as batch:
        await batch.plan(kilograms(1, 2, 3))
        await run(batch)
        assert await states(batch) == [State.PLACED, State.REFUSED, State.PLACED]
        assert "400" in ((await batch.journal.entry(2)).result.reason or "")


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_an_error_that_every_order_would_get_stops_the_run(here: World, status: int) -> None:
    here.sandbox.faults.add("status", operation="createOrder", status=status, when="before", nth=2)
    async with here.batch(concurrency=1) as batch:
        await batch.plan(kilograms(1, 2, 3))
        events = await run(batch)
        expected = Ending.PAYMENT_REQUIRED if status == 402 else Ending.ACCESS_REFUSED
        assert end_of(events).ending is expected
        assert await states(batch) == [State.PLACED, State.PENDING, State.PENDING]
        assert end_of(await run(batch)).ending is Ending.DONE


async def test_an_empty_wallet_stops_the_run_and_a_top_up_lets_it_go_on(here: World) -> None:
    async with here.batch(concurrency=1) as batch:
        await batch.plan(tonnes(3))
        wallet = here.sandbox.wren_api.accounts[here.sandbox.wren.live_token].wallet
        wren, cnaught = here.clients()
        async with wren, cnaught:
            rest = (wallet.balance_cents - 3000) // 100
            await wren.project_orders.create(project_id=18, amount_in_usd_cents=rest * 100, payment_method="credits")
            assert end_of(await run(batch)).ending is Ending.PAYMENT_REQUIRED
            await wren.credits.top_up(amount_in_usd_cents=100_000)
        assert end_of(await run(batch)).ending is Ending.DONE
        assert await states(batch) == [State.PLACED] * 3


async def test_a_429_pauses_all_orders_for_as_long_as_it_says(here: World) -> None:
    async with here.batch() as batch:
        await batch.plan(tonnes(6))
        here.sandbox.faults.add("rate_limit", operation="createOffsetOrder", times=1, retry_after=30)
        events = await run(batch)
        assert await states(batch) == [State.PLACED] * 6
    assert [event.seconds for event in events if isinstance(event, Paused)] == [pytest.approx(30, abs=2)]
    assert max(here.waits) == pytest.approx(30, abs=2)
    assert sum(isinstance(event, Returned) for event in events) == 1


async def test_a_server_that_only_asks_for_pauses_ends_the_run(here: World) -> None:
    here.sandbox.faults.add("rate_limit", operation="createOrder")
    async with here.batch() as batch:
        await batch.plan(kilograms(1, 2))
        assert end_of(await run(batch)).ending is Ending.UNREACHABLE
        assert await states(batch) == [State.PENDING] * 2


async def test_a_very_long_pause_is_left_to_the_next_run(here: World) -> None:
    here.sandbox.faults.add("rate_limit", operation="createOrder", times=1, retry_after=7200)
    async with here.batch() as batch:
        await batch.plan(kilograms(1))
        assert end_of(await run(batch)).ending is Ending.UNREACHABLE
    assert max(here.waits, default=0) < 900


async def test_a_server_that_cannot_be_reached_ends_the_run_with_everything_pending(here: World) -> None:
    async with here.batch() as batch:
        await batch.plan(MIXED)
        here.sandbox.faults.add("close_on_accept")
        await here.sandbox.stop_here()
        events = await run(batch)
        assert end_of(events).ending is Ending.UNREACHABLE
        assert await states(batch) == [State.PENDING] * 7
    await here.sandbox.start_here()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset", "when": "after"},
        {"kind": "reset", "when": "mid_body"},
        {"kind": "status", "when": "after"},
        {"kind": "malformed_json"},
        {"kind": "proxy_error", "when": "after"},
    ],
)
async def test_a_lost_answer_is_found_again_in_the_same_run(here: World, fault: dict[str, Any]) -> None:
    async with here.batch() as batch:
        await batch.plan([*tonnes(3), *kilograms(1, 2, 3)])
        for operation in ORDERS:
            here.sandbox.faults.add(**fault, operation=operation, times=2)
        await run(batch)
        assert await states(batch) == [State.PLACED] * 6
        found = [entry async for entry in batch.entries() if entry.result.reconciled]
    assert all(len(orders) == 1 for orders in here.committed().values())
    assert len(found) == 2, "Wren's two by the lists; CNaught's were repeated with their keys"


async def test_a_lost_order_that_never_arrived_waits_for_the_settle_time(here: World) -> None:
    await here.seed()
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan(tonnes(3))
        here.sandbox.faults.add("reset", operation="createOffsetOrder", when="before", nth=1)
        await run(batch)
        assert sorted(await states(batch)) == [State.PLACED, State.PLACED, State.UNDECIDED]
        totals = await batch.totals()
        assert totals.reserved_cents == totals.planned_cents // 3, "undecided counts as spent"
        await run(batch)
        assert State.UNDECIDED in await states(batch)
    here.pass_time(901)
    async with here.batch(journal) as batch:
        events = await run(batch)
        assert await states(batch) == [State.PLACED] * 3
        assert [event.reason for event in events if isinstance(event, Returned)] != []
    assert all(len(orders) == 1 for orders in here.committed().values())


@pytest.mark.parametrize("hours", [-24, 24])
async def test_a_clock_that_was_wrong_and_is_set_right_proves_nothing(hours: int) -> None:
    journal = MemoryJournal()
    async with world(lag=120) as here:
        await here.seed()
        here.jump = hours * 3600
        async with here.batch(journal) as batch:
            await batch.plan(tonnes(1))
            here.sandbox.faults.add("status", operation="createOffsetOrder", when="after", times=1)
            await run(batch)
        here.jump = 0
        async with here.batch(journal) as batch:
            await run(batch)
            assert await states(batch) == [State.UNDECIDED], "the lists do not show it yet"
        here.pass_time(26 * 3600)
        async with here.batch(journal) as batch:
            await run(batch)
            assert await states(batch) == [State.PLACED]
        assert [len(orders) for orders in here.committed().values()] == [1]


async def test_orders_found_being_sent_are_reconciled_by_reading_each_list_once(here: World) -> None:
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan([*tonnes(5), *kilograms(1, 2, 3)])
    # A process that placed some of them and died before it knew.
    wren, cnaught = here.clients()
    async with wren, cnaught:
        await journal.mark_sending(range(1, 9), here.timing.utc())
        for position in (1, 2, 6):
            row = (await journal.entry(position)).row
            intent = restore(row.intent)
            client = wren if intent.api == "wren" else cnaught
            await client.send(intent.call(row.reference, row.key))
    here.pass_time(700)
    async with here.batch(journal) as batch:
        before = len(here.sandbox.requests.of("listOffsetOrders"))
        events = [event async for event in batch.reconcile()]
        assert len(here.sandbox.requests.of("listOffsetOrders")) == before + 1
        assert end_of(events).ending is Ending.DONE
        assert await states(batch) == [
            *[State.PLACED] * 2,
            *[State.UNDECIDED] * 3,
            State.PLACED,
            *[State.UNDECIDED] * 2,
        ]
    here.pass_time(901)
    async with here.batch(journal) as batch:
        await run(batch)
        assert await states(batch) == [State.PLACED] * 8
    assert len(here.committed()) == 8
    assert all(len(orders) == 1 for orders in here.committed().values())


async def test_a_person_may_settle_an_order_that_stays_undecided(here: World) -> None:
    async with here.batch() as batch:
        await batch.plan(tonnes(2))
        here.sandbox.faults.add("reset", operation="createOffsetOrder", when="before")
        await run(batch)
        assert await states(batch) == [State.UNDECIDED] * 2
        await batch.mark_placed(1, "group-7", cents=2311)
        await batch.mark_not_placed(2)
        assert await states(batch) == [State.PLACED, State.REFUSED]
        with pytest.raises(InvalidArgument, match="not undecided"):
            await batch.mark_placed(2, "x")


@pytest.mark.parametrize("order_id", ["", " ", "group 7", " group-7", "group-7\n", "\x1b[2J", 7, None])
async def test_an_order_is_not_settled_by_hand_with_an_id_that_no_order_has(here: World, order_id: Any) -> None:
    async with here.batch() as batch:
        await batch.plan(tonnes(1))
        here.sandbox.faults.add("reset", operation="createOffsetOrder", when="before")
        await run(batch)
        with pytest.raises(InvalidArgument, match="order_id: takes the order's id as its API shows it"):
            await batch.mark_placed(1, order_id)
        assert await states(batch) == [State.UNDECIDED]


@pytest.mark.parametrize("cents", [-1, True, 10.0, "10"])
async def test_an_order_is_not_settled_by_hand_with_a_cost_that_is_none(here: World, cents: Any) -> None:
    async with here.batch() as batch:
        await batch.plan(tonnes(1))
        here.sandbox.faults.add("reset", operation="createOffsetOrder", when="before")
        await run(batch)
        with pytest.raises(InvalidArgument, match="cents: takes US cents, an int of 0 or more"):
            await batch.mark_placed(1, "group-7", cents=cents)
        assert await states(batch) == [State.UNDECIDED]
        await batch.mark_placed(1, "group-7", cents=0)
        assert (await batch.totals()).spent_cents == 0


async def test_an_order_that_the_server_knew_before_is_an_alarm(here: World) -> None:
    journal = MemoryJournal()
    async with here.batch(journal, concurrency=1) as batch:
        await batch.plan(kilograms(1, 2))
        row = (await journal.entry(1)).row
        _, cnaught = here.clients()
        async with cnaught:
            await cnaught.send(restore(row.intent).call(row.reference, row.key))
        events = await run(batch)
    assert end_of(events).ending is Ending.ALARM
    assert [event.entry.row.position for event in events if isinstance(event, Alarm)] == [1]
    assert (await journal.entry(1)).result.replayed
    assert (await journal.entry(2)).result.state is State.PENDING


# --- caps -----------------------------------------------------------------------------------------------------------


async def test_the_cap_on_money_ends_the_run(here: World) -> None:
    async with here.batch(caps=Caps(cents=50)) as batch:
        await batch.plan(kilograms(10, 10, 10))
        events = await run(batch)
        assert end_of(events).ending is Ending.CAP_REACHED
        assert end_of(events).totals.spent_cents == 40
        assert (await states(batch)).count(State.PLACED) == 2


async def test_a_price_that_rose_since_the_plan_stops_the_run(here: World) -> None:
    async with here.batch(concurrency=1) as batch:
        await batch.plan(kilograms(10, 10, 10))
        here.sandbox.cnaught_api.behaviours.unit_prices = {"oH5hlq": UnitPrices(api=Decimal(3))}
        events = await run(batch)
        assert end_of(events).ending is Ending.OVERCHARGED
        assert (await states(batch)).count(State.PLACED) == 1


async def test_a_stop_before_a_run_ends_the_next_one_before_its_first_order(here: World) -> None:
    async with here.batch() as batch:
        await batch.plan(kilograms(1, 2))
        batch.stop()
        assert end_of(await run(batch)).ending is Ending.ASKED
        assert await states(batch) == [State.PENDING] * 2
        assert end_of(await run(batch)).ending is Ending.DONE
        assert await states(batch) == [State.PLACED] * 2


async def test_many_failures_end_the_run(here: World) -> None:
    here.sandbox.faults.add("status", operation="createOrder", status=400, when="before")
    async with here.batch(caps=Caps(failures=2), concurrency=1) as batch:
        await batch.plan(kilograms(*range(1, 10)))
        events = await run(batch)
        assert end_of(events).ending is Ending.TOO_MANY_FAILURES
        assert (await states(batch)).count(State.REFUSED) == 3


async def test_a_cap_on_mass_refuses_orders_whose_mass_nobody_knows(here: World) -> None:
    async with here.batch(caps=Caps(kilograms=100)) as batch:
        await batch.plan([*kilograms(1), CNaughtPrice(total_price_usd_cents=700)])
        with pytest.raises(InvalidArgument, match="cap their cents instead"):
            await run(batch)
    assert here.sandbox.orders == []


# --- stopping and leaving -------------------------------------------------------------------------------------------


async def test_stop_takes_no_new_orders_and_finishes_those_on_the_wire(here: World) -> None:
    here.sandbox.faults.add("latency", operation="createOrder", seconds=1)
    async with here.batch() as batch:
        await batch.plan(kilograms(*range(1, 40)))
        task = asyncio.ensure_future(run(batch))
        await until(lambda: here.sandbox.requests.of("createOrder"))
        batch.stop()
        await turns()
        pass_time(1)
        events = await task
        found = await states(batch)
    assert end_of(events).ending is Ending.ASKED
    assert found.count(State.PLACED) == len(here.committed()) >= 1
    assert set(found) == {State.PLACED, State.PENDING}


async def test_leaving_waits_for_the_orders_on_the_wire_and_records_what_came_of_them(here: World) -> None:
    async with here.batch() as batch:
        await batch.plan([*tonnes(2), *kilograms(1, 2)])
        before = len(here.sandbox.requests)
        for operation in ORDERS:
            here.sandbox.faults.add("latency", operation=operation, seconds=1)
        task = asyncio.ensure_future(run(batch))
        await until(lambda: sum(each.operation in ORDERS for each in here.sandbox.requests[before:]) == 4)
        task.cancel()
        await turns()
        pass_time(1)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await states(batch) == [State.PLACED] * 4
    assert len(here.committed()) == 4


@pytest.mark.parametrize("sent", range(12))
async def test_leaving_at_any_moment_tells_of_each_order_what_is_true(here: World, tmp_path: Path, sent: int) -> None:
    async with here.batch(tmp_path / "journal", concurrency=4) as batch:
        await batch.plan([*tonnes(6), *kilograms(*range(1, 7))])
        before = len(here.sandbox.requests)
        task = asyncio.ensure_future(run(batch))
        await until(lambda: len(here.sandbox.requests) - before >= sent or task.done())
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        entries = [entry async for entry in batch.entries()]
    committed = here.committed()
    assert {entry.result.state for entry in entries} <= {State.PLACED, State.PENDING}
    for entry in entries:
        assert len(committed.get(entry.row.reference, ())) == (entry.result.state is State.PLACED)


async def test_leaving_the_loop_ends_the_run_with_the_batch(here: World) -> None:
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan(kilograms(*range(1, 30)))
        async with contextlib.aclosing(batch.run()) as events:
            async for _ in events:
                break
        found = [entry.result.state async for entry in journal.entries()]
    assert State.PENDING in found
    assert State.SENDING not in found
    assert found.count(State.PLACED) == len(here.committed())


async def test_a_slow_reader_of_events_loses_none(here: World) -> None:
    async with here.batch() as batch:
        await batch.plan(CNaughtMass(amount_kg=1) for _ in range(300))
        events = []
        async for event in batch.run():
            if len(events) < 5:
                await turns(500)
            events.append(event)
    assert len(settled(events)) == 300


async def test_progress_tells_rate_and_time_left(here: World) -> None:
    here.sandbox.faults.add("rate_limit", operation="createOrder", nth=5, retry_after=30)
    async with here.batch(concurrency=1) as batch:
        await batch.plan(kilograms(*range(1, 20)))
        told = [event async for event in batch.run() if isinstance(event, Progress)]
    assert told
    assert told[-1].totals.spent_cents > 0
    assert told[-1].seconds >= 30
    assert all(event.limit == 1 and event.in_flight <= 1 for event in told)


# --- a lost journal -------------------------------------------------------------------------------------------------


async def test_a_new_journal_first_looks_for_the_orders_of_the_batch_it_continues(here: World) -> None:
    source = [*tonnes(2), *kilograms(1, 2, 3)]
    async with here.batch(caps=Caps(cents=2 * 2311 + 4)) as batch:
        await batch.plan(source)
        await run(batch)
        lost, placed = batch.batch_id, len(here.committed())
    assert 0 < placed < 5
    here.pass_time(30 * 24 * 3600)
    journal = MemoryJournal()
    async with here.batch(journal, continues=lost) as batch:
        plan = await batch.plan(source)
        assert plan.batch_id == lost
        await run(batch)
        found = await states(batch)
        assert found.count(State.PLACED) == placed
        assert found.count(State.UNDECIDED) == 5 - placed, "the old process may have sent them a moment ago"
    here.pass_time(901)
    async with here.batch(journal) as batch:
        await run(batch)
        assert await states(batch) == [State.PLACED] * 5
    assert len(here.committed()) == 5
    assert all(len(orders) == 1 for orders in here.committed().values())


async def test_a_journal_with_a_batch_of_its_own_continues_no_other(here: World) -> None:
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan(kilograms(1))
    with pytest.raises(JournalError, match="takes a new journal"):
        async with here.batch(journal, continues="f" * 32):
            pass


async def test_a_path_is_a_journal_on_disk(here: World, tmp_path: Path) -> None:
    path = tmp_path / "rides.journal"
    for _ in range(2):
        async with here.batch(path) as batch:
            await batch.plan(MIXED)
            await run(batch)
    assert len(here.sandbox.orders) == 7


class Hesitating(MemoryJournal):
    """Gives four orders, nine more once those are placed, and its end once eight of the nine are."""

    async def claimed(self) -> AsyncIterator[Entry]:
        """The pending orders, with long waits before the fifth and before the end."""
        given = 0
        async for entry in super().claimed():
            if given == 4:
                await self._placed(4)
            given += 1
            yield entry
        await self._placed(given - 1)

    async def _placed(self, count: int) -> None:
        async with asyncio.timeout(20):
            while (await self.totals()).orders.get(State.PLACED, 0) < count:
                await turns()
        await turns()


async def test_an_order_that_waits_for_its_turn_gets_it_however_long_the_journal_takes_to_end(here: World) -> None:
    _, cnaught = here.clients()
    async with cnaught, Batch(Hesitating(), cnaught=cnaught, timing=here.timing, concurrency=8) as batch:
        await batch.plan(kilograms(*[5] * 13))  # after four answers eight are sent at once, and one waits for its turn
        async with asyncio.timeout(25):
            await run(batch)
        assert await states(batch) == [State.PLACED] * 13
