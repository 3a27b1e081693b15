"""Placing what was submitted: once, whatever the servers, the connections and the clocks do."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from batch_world import World, world
from outbox_world import Outboxes, becomes, state_of, until

from wren_async import Ceilings, CNaughtClient, JournalError, ServerError, UsageError, WrenAsyncError
from wren_async.batch.input.pricing import Price, PriceList, Unpriced
from wren_async.batch.journal.notes import Note
from wren_async.batch.run.worker import EXPLAIN
from wren_async.outbox import CNaughtMass, CNaughtPrice, Intent, Outbox, OutboxCaps, State, WrenOffset, WrenTrees
from wren_async.outbox.feed import KeptCaps
from wren_async.sandbox import FaultKind, When

RIDE = CNaughtMass(amount_kg=12)
TREES = WrenTrees(amount_of_trees=2, payment_method="credits")


async def test_a_worker_in_the_background_places_what_is_submitted(boxes: Outboxes) -> None:
    async with boxes.open(worker=True) as outbox:
        for number in range(30):
            await outbox.submit(RIDE, reference=f"ride-{number}")
        results = [await becomes(outbox, f"ride-{number}", State.PLACED) for number in range(30)]
    found = boxes.here.committed()
    assert {name: len(orders) for name, orders in found.items()} == {f"ride-{number}": 1 for number in range(30)}
    assert [result.result.order_id for result in results] == [found[f"ride-{number}"][0].id for number in range(30)]


async def test_a_slow_order_does_not_hold_up_the_next_one(boxes: Outboxes) -> None:
    boxes.here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=1.5, operation="createOrder", times=1)
    async with boxes.open(worker=True) as outbox:
        await outbox.submit(RIDE, reference="slow")
        await becomes(outbox, "slow", State.SENDING)
        await outbox.submit(RIDE, reference="quick")
        await becomes(outbox, "quick", State.PLACED)
        assert await state_of(outbox, "slow") is State.SENDING


@pytest.mark.parametrize("commits", [True, False], ids=["it was placed", "it never arrived"])
async def test_a_lost_answer_is_found_out_by_itself_and_nothing_is_ordered_twice(
    boxes: Outboxes, *, commits: bool
) -> None:
    here = boxes.here
    await here.seed()
    when = When.AFTER if commits else When.BEFORE
    here.sandbox.faults.add(kind=FaultKind.RESET, when=when, operation="createTreeOrder", nth=2)
    async with boxes.open() as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await outbox.drain()
        before = await state_of(outbox, "trees-1")
        here.pass_time(10)
        await outbox.drain()
        soon = await state_of(outbox, "trees-1")
        here.pass_time(1000)
        await outbox.drain()
        after = await state_of(outbox, "trees-1")
    assert before is State.UNDECIDED
    assert soon is (State.PLACED if commits else State.UNDECIDED)
    assert after is State.PLACED
    assert len(here.committed()["trees-1"]) == 1


async def test_an_order_with_a_key_is_sent_again_with_it_at_once(boxes: Outboxes) -> None:
    boxes.here.sandbox.faults.add(kind=FaultKind.RESET, when=When.AFTER, operation="createOrder", times=1)
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
        result = (await outbox.result("ride-1")).result
    assert (result.state, result.replayed, result.attempts) == (State.PLACED, True, 2)
    assert len(boxes.here.committed()["ride-1"]) == 1


async def test_a_worker_in_the_background_looks_for_lost_orders_when_it_is_time(boxes: Outboxes) -> None:
    here = boxes.here
    await here.seed()
    here.sandbox.faults.add(kind=FaultKind.RESET, when=When.BEFORE, operation="createTreeOrder", nth=2)
    async with boxes.open(worker=True) as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await becomes(outbox, "trees-1", State.PLACED)
    assert len(here.committed()["trees-1"]) == 1
    assert any(800 < wait < 1000 for wait in here.waits), "it waited for the settle time, and for nothing else"


async def test_a_refusal_is_final_and_told_with_its_reason(boxes: Outboxes) -> None:
    boxes.here.sandbox.faults.add(kind=FaultKind.STATUS, status=400, when=When.BEFORE, operation="createOrder", times=1)
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.submit(CNaughtMass(amount_kg=5, portfolio_id="none-such"), reference="ride-2")
        await outbox.drain()
        refused, unpriced = [await outbox.result(name) for name in ("ride-1", "ride-2")]
        await outbox.drain()
    assert (refused.state, unpriced.state) == (State.REFUSED, State.REFUSED)
    assert refused.result.reason
    assert "cnaught would not price it" in (unpriced.result.reason or "")
    assert boxes.here.sandbox.orders == []


async def test_a_refused_token_holds_orders_back_and_says_so_until_it_is_taken_again(boxes: Outboxes) -> None:
    boxes.here.sandbox.faults.add(kind=FaultKind.STATUS, status=401, when=When.BEFORE, operation="createOrder", times=3)
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
        assert await state_of(outbox, "ride-1") is State.PENDING
        assert "401" in str((await outbox.health()).problem)
    async with boxes.open(worker=True) as outbox:
        await becomes(outbox, "ride-1", State.PLACED)
        await until(lambda: outbox._it.placing["cnaught"].problem is None)
    assert len(boxes.here.committed()["ride-1"]) == 1


async def test_while_prices_cannot_be_asked_orders_wait(boxes: Outboxes) -> None:
    boxes.here.sandbox.faults.add(kind=FaultKind.STATUS, status=503, operation="createQuote", times=8)
    async with boxes.open(worker=True) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.submit(TREES, reference="trees-1")
        await becomes(outbox, "trees-1", State.PLACED)
        await becomes(outbox, "ride-1", State.PLACED)
    assert len(boxes.here.sandbox.orders) == 2


async def test_a_pause_that_the_server_asks_for_is_kept_and_then_all_is_placed(boxes: Outboxes) -> None:
    boxes.here.sandbox.faults.add(kind=FaultKind.RATE_LIMIT, retry_after=7, operation="createOrder", times=2)
    async with boxes.open() as outbox:
        for number in range(10):
            await outbox.submit(RIDE, reference=f"ride-{number}")
        await outbox.drain()
    assert {name: len(each) for name, each in boxes.here.committed().items()} == {f"ride-{n}": 1 for n in range(10)}
    assert max(boxes.here.waits) > 6.9


async def test_an_order_that_cannot_be_priced_holds_up_no_other(
    boxes: Outboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, ask = boxes.here.sandbox.cnaught.base_url, PriceList._ask

    async def ask_in_vain(self: PriceList, intent: Intent, limiter: asyncio.Semaphore) -> Price | Unpriced:
        if isinstance(intent, CNaughtMass) and intent.amount_kg == 66 and known:
            raise failed
        return await ask(self, intent, limiter)

    boxes.here.sandbox.faults.add(kind=FaultKind.STATUS, status=500, operation="createQuote")
    async with boxes.open() as outbox:
        await outbox.submit(CNaughtMass(amount_kg=66), reference="odd")
        with pytest.raises(ServerError) as caught:
            await outbox.drain()
        failed = caught.value
        boxes.here.sandbox.faults.clear()
        monkeypatch.setattr(PriceList, "_ask", ask_in_vain)
        for number in range(3):
            await outbox.submit(RIDE, reference=f"ride-{number}")
            boxes.here.pass_time(600)
            with pytest.raises(ServerError):
                await outbox.drain()
            assert await state_of(outbox, f"ride-{number}") is State.PLACED
    async with boxes.open(worker=True) as outbox:
        await outbox.submit(RIDE, reference="ride-3")
        await becomes(outbox, "ride-3", State.PLACED)
        await until(lambda: outbox._it.placing["cnaught"].problem is not None)
        assert str((await outbox.health()).problem).startswith(
            "order 'odd' cannot be priced, and is tried again: POST "
        )
        known = ""
        await becomes(outbox, "odd", State.PLACED)
        await until(lambda: outbox._it.placing["cnaught"].problem is None)
    assert {len(orders) for orders in boxes.here.committed().values()} == {1}


async def test_an_order_that_cannot_be_read_holds_up_no_other(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        await outbox.submit(CNaughtMass(amount_kg=66), reference="damaged")
    with sqlite3.connect(boxes.path) as connection:
        connection.execute("UPDATE outbox_submission SET intent = replace(intent, '66', '67')")
    connection.close()
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        with pytest.raises(JournalError, match="its intent is not the one that was planned"):
            await outbox.drain()
        assert await state_of(outbox, "ride-1") is State.PLACED
    assert list(boxes.here.committed()) == ["ride-1"]


async def test_while_no_price_can_be_asked_a_few_orders_are_tried_and_not_all(boxes: Outboxes) -> None:
    fault = boxes.here.sandbox.faults.add(kind=FaultKind.STATUS, status=503, operation="createQuote")
    async with boxes.open() as outbox:
        for number in range(1, 31):
            await outbox.submit(CNaughtMass(amount_kg=number), reference=f"ride-{number}")
        with pytest.raises(ServerError):
            await outbox.drain()
    assert fault.applied < 100, "of each a few attempts, first all at once, and then three one by one"


async def test_an_order_above_ceilings_that_were_lowered_is_refused_and_holds_up_no_other(boxes: Outboxes) -> None:
    async with boxes.open(caps=OutboxCaps(cents_per_day=24)) as outbox:
        for name in ("small-1", "large", "small-2"):
            await outbox.submit(CNaughtMass(amount_kg=12), reference=name)
            if name == "large":
                await outbox.submit(CNaughtMass(amount_kg=11), reference="eleven")
        await outbox.drain()
        assert await state_of(outbox, "large") is State.PENDING
    at = boxes.here.sandbox.cnaught
    async with (
        CNaughtClient(at.api_key, base_url=at.base_url, ceilings=Ceilings(kilograms=11)) as low,
        Outbox(boxes.path, cnaught=low, worker=False, caps=OutboxCaps(), timing=boxes.here.timing) as outbox,
    ):
        await outbox.drain()
        large, eleven = await outbox.result("large"), await outbox.result("eleven")
        spent = (await outbox.health()).spent.cents_today
    assert (large.state, large.result.first_sent) == (State.REFUSED, None)
    assert large.result.reason == "is for 12 kg, and the client's ceiling for one order is 11 kg"
    assert eleven.state is State.PLACED
    assert spent == sum(order.cents for order in boxes.here.sandbox.orders)


async def test_closing_while_a_round_begins_sends_nothing_more(
    boxes: Outboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = KeptCaps.read

    async def read_and_be_stopped(self: KeptCaps) -> None:
        await read(self)
        outbox._it.placing["cnaught"].stop()

    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox._it.placing["cnaught"].planning.plan()
        monkeypatch.setattr(KeptCaps, "read", read_and_be_stopped)
        await outbox.drain()
        assert await state_of(outbox, "ride-1") is State.PENDING


async def test_an_order_for_what_the_account_may_not_have_holds_up_no_other(boxes: Outboxes) -> None:
    async with boxes.open(concurrency=1) as outbox:
        await outbox.submit(CNaughtPrice(total_price_usd_cents=100, portfolio_id="of-others"), reference="of others")
        for number in range(3):
            await outbox.submit(CNaughtPrice(total_price_usd_cents=100), reference=f"ride-{number}")
        await outbox.drain()
        assert "order 'of others': the server answered 403" in str((await outbox.health()).problem)
        await outbox.drain()
        states = [await state_of(outbox, f"ride-{number}") for number in range(3)]
        assert (states, await state_of(outbox, "of others")) == ([State.PLACED] * 3, State.PENDING)
        await outbox.drain()
        told = "order 'of others' is held back, and is tried again: the server answered 403: "
        assert str((await outbox.health()).problem).startswith(told)
        boxes.here.pass_time(61)
        await outbox.drain()
        tried = (await outbox.result("of others", within=0)).result.attempts
        assert tried == 2
        await outbox.resume()
        await outbox.drain()
        assert (await outbox.result("of others", within=0)).result.attempts == 3
        # As if another process had settled it: it does not come again.
        aside = outbox._it.placing["cnaught"]._aside
        boxes.here.pass_time(1300)
        assert (aside.now, bool(aside)) == (set(), False)


# --- lives ---


async def test_what_a_life_left_is_placed_by_the_next(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        for number in range(5):
            await outbox.submit(RIDE, reference=f"ride-{number}")
    async with boxes.open() as outbox:
        await outbox.drain()
        states = [await state_of(outbox, f"ride-{number}") for number in range(5)]
    assert states == [State.PLACED] * 5
    assert len(boxes.here.sandbox.orders) == 5


async def test_closing_waits_for_the_orders_on_the_wire(boxes: Outboxes) -> None:
    boxes.here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=0.2, operation="createOrder", times=1)
    async with boxes.open(worker=True) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await until(lambda: boxes.here.sandbox.requests.of("createOrder"))
    async with boxes.open() as outbox:
        assert await state_of(outbox, "ride-1") is State.PLACED


async def test_what_is_on_the_wire_longer_than_patience_is_found_by_the_next_life(boxes: Outboxes) -> None:
    here = boxes.here
    await here.seed()
    here.sandbox.faults.add(kind=FaultKind.NEVER_ANSWER, when=When.AFTER, operation="createTreeOrder", nth=2)
    here.timeout = 0.3
    async with boxes.open(worker=True, patience=0.01) as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await becomes(outbox, "trees-1", State.SENDING)
        await until(lambda: "trees-1" in here.committed())
    async with boxes.open() as outbox:
        assert await state_of(outbox, "trees-1") is State.SENDING
        await outbox.drain()
        assert await state_of(outbox, "trees-1") is State.PLACED
    assert len(here.committed()["trees-1"]) == 1


async def test_an_outbox_from_a_backup_is_refused_and_with_look_first_buys_nothing_twice(boxes: Outboxes) -> None:
    here, path = boxes.here, boxes.path
    await here.seed()
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.submit(TREES, reference="trees-1")
    backup = path.read_bytes()
    async with boxes.open() as outbox:
        await outbox.drain()
        await outbox.submit(RIDE, reference="ride-2")
        await outbox.drain()
    path.write_bytes(backup)
    with pytest.raises(JournalError, match="look_first=True"):
        async with boxes.open():
            pass
    async with boxes.open(look_first=True) as outbox:
        await outbox.submit(RIDE, reference="ride-2")
        await outbox.submit(RIDE, reference="ride-3")
        await outbox.drain()
        here.pass_time(1000)
        await outbox.drain()
        states = {name: await state_of(outbox, name) for name in ("ride-1", "trees-1", "ride-2", "ride-3")}
    assert set(states.values()) == {State.PLACED}
    assert {name: len(orders) for name, orders in here.committed().items()} == dict.fromkeys(states, 1)


async def test_long_lists_are_read_once_for_many_orders_and_not_again_at_once(boxes: Outboxes) -> None:
    here = boxes.here
    lists = here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=1.1, operation="listOrders")
    async with boxes.open(look_first=True) as outbox:
        await outbox.drain()
        for number in range(210):
            await outbox.submit(RIDE, reference=f"ride-{number}")
        before = lists.applied
        await outbox.drain()
        assert await state_of(outbox, "ride-209") is State.PLACED
        assert lists.applied - before == 1, "once for all of them"
        await outbox.submit(RIDE, reference="later")
        await outbox.drain()
        assert await state_of(outbox, "later") is State.PENDING
        assert 0 < (outbox._it.placing["cnaught"].planning.later or 0) < 60
        here.pass_time(60)
        await outbox.drain()
        assert await state_of(outbox, "later") is State.PLACED


async def test_going_on_against_another_server_is_refused(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
    async with world() as elsewhere:
        async with Outboxes(elsewhere, boxes.path).open() as outbox:
            await outbox.submit(RIDE, reference="ride-2")
            with pytest.raises(JournalError, match="was begun with"):
                await outbox.drain()
        assert elsewhere.sandbox.orders == []


# --- halts ---


async def test_an_order_that_cost_more_than_its_price_halts_until_a_person_resumes(
    boxes: Outboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wren_async.batch.input import pricing
    from wren_async.outbox import planning

    class Cheap(pricing.PriceList):
        async def of(self, intents: object) -> list[pricing.Price | pricing.Unpriced]:
            return [pricing.Price(cents=1, grams=1) for _ in await super().of(intents)]  # type: ignore[arg-type]

    monkeypatch.setattr(planning, "PriceList", Cheap)
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
        assert (await outbox.health()).halted == "order 'ride-1' cost $0.24, and its price was $0.01"
    monkeypatch.undo()
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-2")
        await outbox.drain()
        assert await state_of(outbox, "ride-2") is State.PENDING
        await outbox.resume()
        await outbox.drain()
        assert (await outbox.health()).halted is None
        assert await state_of(outbox, "ride-2") is State.PLACED


async def test_an_overcharge_halts_also_where_an_empty_wallet_was_met_first(
    boxes: Outboxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cheap(self: PriceList, intents: list[Intent]) -> list[Price | Unpriced]:
        return [Price(cents=1, grams=1) for _ in intents]

    monkeypatch.setattr(PriceList, "of", cheap)
    faults = boxes.here.sandbox.faults
    faults.add(kind=FaultKind.STATUS, status=402, when=When.BEFORE, operation="createOrder", nth=1)
    faults.add(kind=FaultKind.LATENCY, seconds=0.3, operation="createOrder", nth=2)
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.submit(RIDE, reference="ride-2")
        await outbox.drain()
        assert (await outbox.health()).halted == "order 'ride-2' cost $0.24, and its price was $0.01"
        await outbox.drain()
        assert await state_of(outbox, "ride-1") is State.PENDING


async def test_after_an_alarm_nothing_is_sent_until_a_person_has_explained_it(boxes: Outboxes) -> None:
    await boxes.here.seed()
    async with boxes.open() as outbox:
        await outbox.drain()
        await outbox._it.store.journals["cnaught"].note(
            Note.ALARM, "order 1 was placed before, though this journal had never sent it"
        )
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
        assert await state_of(outbox, "ride-1") is State.PENDING
        assert "placed before" in str((await outbox.health()).halted)
        await outbox.resume()
        await outbox.drain()
        boxes.here.pass_time(1000)
        await outbox.drain()
        assert await state_of(outbox, "ride-1") is State.PLACED
    assert len(boxes.here.sandbox.orders) == 5


async def test_an_alarm_names_what_lets_an_outbox_go_on_and_nothing_of_batches(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        await outbox._it.store.journals["cnaught"].note("outbox halted", f"order 1 was placed before. {EXPLAIN}")
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
        health = await outbox.health()
    assert "nothing else places orders of this outbox" in str(health.halted)
    assert "orders of this outbox. Once a person has looked into it: `resume()`" in str(health.problem)
    for words in (health.halted, health.problem):
        assert "Batch(" not in str(words)
        assert "--alarm" not in str(words)


async def test_a_halted_worker_in_the_background_goes_on_when_it_is_resumed(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        await outbox._it.store.journals["cnaught"].note("outbox halted", "order 1 cost more.")
    async with boxes.open(worker=True) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await until(lambda: outbox._it.placing["cnaught"].problem is not None)
        assert "resume()" in str((await outbox.health()).problem)
        await outbox.resume()
        await becomes(outbox, "ride-1", State.PLACED)


# --- by hand ---


async def test_draining_beside_a_worker_is_refused(boxes: Outboxes) -> None:
    async with boxes.open(worker=True) as outbox:
        with pytest.raises(UsageError, match="places its orders by itself"):
            await outbox.drain()
        with pytest.raises(UsageError, match="places its orders by itself"):
            await outbox.work()


async def test_working_goes_on_until_it_is_cancelled(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        work = asyncio.ensure_future(outbox.work())
        await outbox.submit(CNaughtPrice(total_price_usd_cents=40), reference="a")
        await becomes(outbox, "a", State.PLACED)
        assert not work.done()
        work.cancel()
        await asyncio.wait([work])


async def test_a_full_outbox_does_not_read_its_settled_orders_to_find_the_open_ones(
    here: World, boxes: Outboxes
) -> None:
    async with boxes.open() as outbox:
        await outbox.submit(WrenOffset(tons=1, payment_method="credits"), reference="a")
        await outbox.drain()
    with sqlite3.connect(boxes.path) as connection:
        from wren_async.outbox import sqlite_journal

        plan = " ".join(
            str(row)
            for row in connection.execute(f"EXPLAIN QUERY PLAN {sqlite_journal.TAKEABLE}", ("wren", 1, 1, "[]", 1))
        )
    connection.close()
    assert "outbox_open" in plan
    assert "SCAN standing" not in plan


@pytest.mark.parametrize("is_copy_first", [True, False])
async def test_two_copies_of_a_file_from_which_nothing_was_sent_yet_buy_everything_once(
    boxes: Outboxes, tmp_path: Path, is_copy_first: bool
) -> None:
    boxes.here.sandbox.cnaught_api.behaviours.idempotency_retention = timedelta(minutes=10)
    await boxes.here.seed()
    async with boxes.open() as outbox:
        for number in range(2):
            await outbox.submit(RIDE, reference=f"ride-{number}")
            await outbox.submit(TREES, reference=f"trees-{number}")
    copy = Outboxes(boxes.here, tmp_path / "copy.outbox")
    shutil.copy(boxes.path, copy.path)
    for each in (copy, boxes) if is_copy_first else (boxes, copy):
        for _ in range(2):
            boxes.here.pass_time(3600)
            async with each.open() as outbox:
                await outbox.drain()
        async with each.open() as outbox:
            assert await state_of(outbox, "ride-1") is await state_of(outbox, "trees-1") is State.PLACED
    assert [len(orders) for orders in boxes.here.committed().values()] == [1] * 4


# --- one API and the other ---


async def test_a_pause_of_one_api_does_not_hold_the_other(boxes: Outboxes) -> None:
    await boxes.here.seed()
    boxes.here.sandbox.faults.add(kind=FaultKind.RATE_LIMIT, retry_after=3600, operation="createTreeOrder", nth=2)
    async with boxes.open(worker=True, timing=None, patience=0.0) as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await until(lambda: (outbox._it.placing["wren"].problem or "").startswith("orders of wren"))
        for number in range(3):
            await outbox.submit(RIDE, reference=f"ride-{number}")
            await becomes(outbox, f"ride-{number}", State.PLACED)
        health = await outbox.health()
    assert "orders of wren are held back: the server asks for a pause of 3600 s" in str(health.problem)
    assert "cnaught" not in str(health.problem)


@pytest.mark.parametrize("status", [401, 402])
async def test_a_refused_token_or_an_empty_wallet_of_one_api_does_not_hold_the_other(
    boxes: Outboxes, status: int
) -> None:
    await boxes.here.seed()
    faults = boxes.here.sandbox.faults
    faults.add(kind=FaultKind.STATUS, status=status, when=When.BEFORE, operation="createTreeOrder", nth=2)
    async with boxes.open() as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
        problem = str((await outbox.health()).problem)
        assert [await state_of(outbox, name) for name in ("ride-1", "trees-1")] == [State.PLACED, State.PENDING]
    assert problem.startswith("orders of wren are held back: ")
    assert str(status) in problem
    assert "cnaught" not in problem


async def test_a_halt_of_one_api_does_not_hold_the_other_and_ends_for_both(boxes: Outboxes) -> None:
    await boxes.here.seed()
    async with boxes.open() as outbox:
        await outbox._it.store.journals["wren"].note("outbox halted", "order 1 cost more.")
        await outbox.submit(TREES, reference="trees-1")
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
        assert [await state_of(outbox, name) for name in ("ride-1", "trees-1")] == [State.PLACED, State.PENDING]
        assert (await outbox.health()).halted == "order 1 cost more."
        await outbox.resume()
        await outbox.drain()
        assert await state_of(outbox, "trees-1") is State.PLACED


async def test_draining_places_what_one_api_can_and_tells_of_the_other(boxes: Outboxes) -> None:
    boxes.here.sandbox.faults.add(kind=FaultKind.STATUS, status=503, operation="createTreeOrder")
    async with boxes.open() as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await outbox.submit(RIDE, reference="ride-1")
        with pytest.raises(WrenAsyncError, match="503"):
            await outbox.drain()
        assert await state_of(outbox, "ride-1") is State.PLACED
