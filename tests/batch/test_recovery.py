"""Going on with a batch: what a journal does not know, what caps and alarms forbid, and what a batch continues."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from batch_world import World, end_of, kilograms, run, settled, states, tonnes, world
from journal_model import JournalModel

from tests.loop_time import pass_time, turns, until
from wren_async import WrenClient
from wren_async.batch.events import Ending
from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenOffset, WrenProject, WrenTrees, restore
from wren_async.batch.journal.contract import Journal, JournalError, Result, State
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.journal.notes import Note, account_of
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.budget import Caps
from wren_async.sandbox.cnaught.behaviours import UnitPrices

LISTS = ("listOffsetOrders", "listTreeOrders", "listProjectDonations", "listOrders")
ALL_KINDS: list[Intent] = [
    WrenOffset(tons=1, payment_method="credits"),
    WrenTrees(amount_of_trees=3, payment_method="credits"),
    WrenProject(project_id=18, amount_in_usd_cents=500, payment_method="credits"),
    CNaughtMass(amount_kg=10),
    CNaughtPrice(total_price_usd_cents=700),
]


def nothing_twice(here: World) -> int:
    """How many orders the sandbox has of batches; none of them stands there twice."""
    committed = here.committed()
    assert all(len(orders) == 1 for orders in committed.values()), committed
    return len(committed)


async def place_behind(here: World, journal: Any, *positions: int) -> None:
    """Place orders of a batch so that its journal does not know, as a copy of it would."""
    wren, cnaught = here.clients()
    async with wren, cnaught:
        for position in positions:
            row = (await journal.entry(position)).row
            intent = restore(row.intent)
            await (wren if intent.api == "wren" else cnaught).send(intent.call(row.reference, row.key))


# --- a journal that is older than its run ---------------------------------------------------------------------------


async def planned_and_copied(here: World, tmp_path: Path, source: list[Intent]) -> tuple[Path, Path]:
    """A journal that is planned, and a copy of it."""
    path, copy = tmp_path / "rides.journal", tmp_path / "backup" / "rides.journal"
    async with here.batch(path) as batch:
        await batch.plan(source)
    copy.parent.mkdir()
    shutil.copy(path, copy)
    return path, copy


@pytest.mark.parametrize("in_place", [True, False])
async def test_an_older_copy_buys_nothing_again(here: World, tmp_path: Path, in_place: bool) -> None:
    await here.seed()
    path, copy = await planned_and_copied(here, tmp_path, [*ALL_KINDS, *tonnes(5)])
    async with here.batch(path, caps=Caps(cents=9000)) as batch:
        await run(batch)
    placed = nothing_twice(here)
    assert 0 < placed < 10
    here.pass_time(24 * 3600)
    if in_place:
        shutil.copy(copy, path)
    else:
        path = copy
    async with here.batch(path) as batch:
        await run(batch)
        found = await states(batch)
    assert found.count(State.PLACED) == placed, "what is there is found, whatever the journal says"
    assert found.count(State.UNDECIDED) == 10 - placed, "and the rest may just be on its way"
    assert nothing_twice(here) == placed
    here.pass_time(901)
    async with here.batch(path) as batch:
        await run(batch)
        assert await states(batch) == [State.PLACED] * 10
    assert nothing_twice(here) == 10


@pytest.mark.parametrize("left", [State.SENDING, State.UNDECIDED])
async def test_a_copy_that_ran_long_before_the_journal_did_is_found_too(
    here: World, tmp_path: Path, left: State
) -> None:
    await here.seed()
    path, copy = await planned_and_copied(here, tmp_path, [*tonnes(3), *kilograms(1, 2, 3)])
    async with here.batch(copy, caps=Caps(cents=2400), concurrency=1) as batch:
        await run(batch)
    here.pass_time(5 * 24 * 3600)
    # Its run was broken off before it could look for what the copy had sent.
    async with await SqliteJournal.open(path) as journal:
        now = here.timing.utc()
        await journal.mark_sending([6], now)
        if left is State.UNDECIDED:
            await journal.record(6, Result(state=left, attempts=1, reason="no answer", first_sent=now, last_sent=now))
    async with here.batch(path) as batch:
        await run(batch)
        found = await states(batch)
    assert (found.count(State.PLACED), found.count(State.UNDECIDED)) == (1, 5), "what the copy placed is found"
    assert nothing_twice(here) == 1


async def test_the_orders_of_an_older_journal_are_put_in_doubt_once(here: World, tmp_path: Path) -> None:
    await here.seed()
    path, copy = await planned_and_copied(here, tmp_path, kilograms(1, 2, 3))
    async with here.batch(path, caps=Caps(cents=2), concurrency=1) as batch:
        await run(batch)
    here.pass_time(3600)
    shutil.copy(copy, path)
    async with here.batch(path) as batch:
        await run(batch)
        assert State.UNDECIDED in await states(batch)
        here.pass_time(901)
        await run(batch)
        assert await states(batch) == [State.PLACED] * 3
    assert nothing_twice(here) == 3


async def test_a_run_that_lost_its_log_buys_nothing_and_the_message_shows_the_way(here: World, tmp_path: Path) -> None:
    await here.seed()
    path, left = tmp_path / "rides.journal", tmp_path / "left" / "rides.journal"
    source = [*tonnes(3), *kilograms(1, 2, 3)]
    left.parent.mkdir()
    async with here.batch(path, concurrency=1) as batch:
        await batch.plan(source)
        async for _ in batch.run():
            if here.sandbox.orders[4:]:
                shutil.copy(path, left)
        batch_id = batch.batch_id
    placed = nothing_twice(here)
    with pytest.raises(JournalError, match=f"--continues {batch_id}"):
        async with here.batch(left):
            pass
    here.pass_time(24 * 3600)
    async with here.batch(tmp_path / "new.journal", continues=batch_id) as batch:
        await batch.plan(source)
        await run(batch)
        assert await states(batch) == [State.PLACED] * 6
    assert nothing_twice(here) == placed == 6


async def test_a_first_run_reads_no_list(here: World, tmp_path: Path) -> None:
    path = tmp_path / "rides.journal"
    async with here.batch(path) as batch:
        await batch.plan([*ALL_KINDS])
    before = len(here.sandbox.requests)
    async with here.batch(path) as batch:
        await run(batch)
    assert not [each for each in here.sandbox.requests[before:] if each.operation in LISTS]


async def test_a_resumed_run_reads_once_the_lists_in_which_its_orders_could_be(here: World, tmp_path: Path) -> None:
    path = tmp_path / "rides.journal"
    async with here.batch(path, concurrency=1, caps=Caps(cents=30)) as batch:
        await batch.plan(kilograms(10, 10, 10))
        await run(batch)
    async with here.batch(path, caps=Caps(cents=40)) as batch:
        before = len(here.sandbox.requests)
        await run(batch)
        looked = [each for each in here.sandbox.requests[before:] if each.operation in LISTS]
        assert {each.operation for each in looked} == {"listOrders"}, "Wren has none of these"
        assert sum("starting_after" not in each.target for each in looked) == 1, looked
        before = len(here.sandbox.requests)
        await run(batch)
        assert not [each for each in here.sandbox.requests[before:] if each.operation in LISTS]
        assert (await states(batch)).count(State.PLACED) == 2


async def test_the_orders_of_a_row_s_subaccount_are_read_too(here: World) -> None:
    journal = MemoryJournal()
    _, cnaught = here.clients()
    async with cnaught:
        subaccount = await cnaught.subaccounts.create(name="Riders")
    source: list[Intent] = [CNaughtMass(amount_kg=1, subaccount_id=subaccount.id), *kilograms(2, 3)]
    async with here.batch(journal) as batch:
        await batch.plan(source)
    await place_behind(here, journal, 1)
    here.pass_time(24 * 3600)
    await journal.mark_sending([3], here.timing.utc())
    async with here.batch(journal) as batch:
        await run(batch)
        assert (await journal.entry(1)).result.state is State.PLACED
    nothing_twice(here)


@pytest.mark.parametrize(("status", "ending"), [(503, Ending.UNREACHABLE), (401, Ending.ACCESS_REFUSED)])
async def test_a_list_that_cannot_be_read_lets_nothing_be_sent(here: World, status: int, ending: Ending) -> None:
    journal = MemoryJournal()
    async with here.batch(journal, concurrency=1, caps=Caps(cents=2400)) as batch:
        await batch.plan(tonnes(3))
        await run(batch)
    here.sandbox.faults.add("status", operation="listOffsetOrders", status=status, when="before")
    async with here.batch(journal) as batch:
        events = await run(batch)
        assert end_of(events).ending is ending
        assert "could not be read" in end_of(events).message
    assert len(here.sandbox.orders) == 1
    here.sandbox.faults.clear()
    async with here.batch(journal) as batch:
        await run(batch)
    assert nothing_twice(here) == 3


# --- alarms ---------------------------------------------------------------------------------------------------------


async def alarmed(here: World, journal: Any) -> None:
    """A batch whose run came upon an order that something else had placed, which then places one of Wren's too."""
    async with here.batch(journal, concurrency=1) as batch:
        await batch.plan([*kilograms(1), *tonnes(3)])
        await place_behind(here, journal, 1)
        assert end_of(await run(batch)).ending is Ending.ALARM
        await place_behind(here, journal, 3)


async def test_an_alarm_holds_until_a_person_has_explained_it(here: World, tmp_path: Path) -> None:
    await here.seed()
    async with await SqliteJournal.open(tmp_path / "rides.journal") as journal:
        await alarmed(here, journal)
    before = len(here.sandbox.orders)
    for _ in range(2):
        async with here.batch(tmp_path / "rides.journal") as batch:
            with pytest.raises(JournalError, match=r"order 1 was placed before.*--alarm-is-explained"):
                await run(batch)
    assert len(here.sandbox.orders) == before


async def test_after_an_alarm_is_explained_what_something_else_placed_is_found(here: World) -> None:
    await here.seed()
    journal = MemoryJournal()
    await alarmed(here, journal)
    async with here.batch(journal, alarm_is_explained=True) as batch:
        await run(batch)
        found = await states(batch)
        assert found == [State.PLACED, State.UNDECIDED, State.PLACED, State.PLACED], "the rest may be on its way"
    here.pass_time(901)
    async with here.batch(journal) as batch:
        await run(batch)
        assert await states(batch) == [State.PLACED] * 4
    assert nothing_twice(here) == 4


async def test_searching_is_allowed_after_an_alarm_and_sending_again_is_not(here: World) -> None:
    journal = MemoryJournal()
    await alarmed(here, journal)
    async with here.batch(journal) as batch:
        assert [event async for event in batch.reconcile()]
        with pytest.raises(JournalError, match="alarm"):
            [event async for event in batch.reconcile(send_again=True)]


# --- what recovering may send ---------------------------------------------------------------------------------------


async def in_doubt(here: World, source: list[Intent], journal: Journal | None = None) -> Journal:
    """A journal whose orders a killed process had marked as being sent, and never sent."""
    journal = journal or MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan(source)
    await journal.mark_sending(range(1, len(source) + 1), here.timing.utc())
    return journal


async def test_reconciling_searches_and_sends_nothing_unless_asked(here: World) -> None:
    journal = await in_doubt(here, kilograms(1, 2, 3))
    async with here.batch(journal) as batch:
        events = [event async for event in batch.reconcile()]
        assert end_of(events).ending is Ending.DONE
        assert await states(batch) == [State.UNDECIDED] * 3
    assert here.sandbox.orders == []
    async with here.batch(journal) as batch:
        _ = [event async for event in batch.reconcile(send_again=True)]
        assert await states(batch) == [State.PLACED] * 3
    assert nothing_twice(here) == 3


async def test_searching_only_does_not_start_the_settle_time_anew(here: World) -> None:
    await here.seed()
    journal = await in_doubt(here, kilograms(1))
    for _ in range(5):
        here.pass_time(300)
        async with here.batch(journal) as batch:
            _ = [event async for event in batch.reconcile()]
    assert [entry.result.state async for entry in journal.entries()] == [State.PENDING]


async def test_recovering_repeats_nothing_above_a_cap(here: World) -> None:
    journal = await in_doubt(here, kilograms(10, 10, 10, 10, 10))
    async with here.batch(journal, caps=Caps(cents=20)) as batch:
        events = await run(batch)
        assert end_of(events).ending is Ending.CAP_REACHED
        assert "$1.00 spent or reserved already exceed $0.20" in end_of(events).message
    assert here.sandbox.orders == []
    async with here.batch(journal, caps=Caps(kilograms=49)) as batch:
        assert end_of(await run(batch)).ending is Ending.CAP_REACHED
    assert here.sandbox.orders == []
    async with here.batch(journal, caps=Caps(cents=100)) as batch:
        assert end_of(await run(batch)).ending is Ending.DONE
    assert nothing_twice(here) == 5


async def test_stop_ends_the_repeats_of_a_recovery(here: World) -> None:
    journal = await in_doubt(here, kilograms(*[1] * 60))
    here.sandbox.faults.add("latency", operation="createOrder", seconds=1)
    async with here.batch(journal) as batch:
        running = asyncio.ensure_future(run(batch))
        await until(lambda: here.sandbox.requests.of("createOrder"))
        batch.stop()
        await turns()
        pass_time(1)
        events = await running
        assert end_of(events).ending is Ending.ASKED
    assert len(here.sandbox.requests.of("createOrder")) < 30
    here.sandbox.faults.clear()
    async with here.batch(journal) as batch:
        await run(batch)
        assert await states(batch) == [State.PLACED] * 60
    assert nothing_twice(here) == 60


# --- what was charged -----------------------------------------------------------------------------------------------


async def test_an_overcharge_that_reconciling_finds_stops_the_run(here: World) -> None:
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan(kilograms(10, 10, 10))
    here.sandbox.cnaught_api.behaviours.unit_prices = {"oH5hlq": UnitPrices(api=Decimal(3))}
    await journal.mark_sending([1], here.timing.utc())
    await place_behind(here, journal, 1)
    async with here.batch(journal) as batch:
        events = await run(batch)
    assert end_of(events).ending is Ending.OVERCHARGED
    assert "order 1 cost $0.30, and the plan expected $0.20" in end_of(events).message
    assert nothing_twice(here) == 1


async def test_an_unknown_charge_is_told_as_unknown_and_reserved_as_planned(here: World) -> None:
    here.sandbox.wren_api.behaviours.rows_with_group_id = False
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan(tonnes(3))
        planned = (await batch.totals()).planned_cents
        await journal.mark_sending([1], here.timing.utc())
        await place_behind(here, journal, 1)
        result = attrs.evolve((await journal.entry(1)).result, state=State.PLACED, reconciled=True)
        await journal.record(1, result)
        totals = await batch.totals()
        assert (totals.spent_cents, totals.unknown_orders, totals.unknown_cents) == (0, 1, planned // 3)
    async with here.batch(journal, caps=Caps(cents=planned - 1)) as batch:
        events = await run(batch)
        assert end_of(events).ending is Ending.CAP_REACHED
        assert end_of(events).totals.unknown_orders == 1
    assert nothing_twice(here) == 2


# --- continuing another batch ---------------------------------------------------------------------------------------


async def test_one_wrong_digit_in_the_id_buys_nothing(here: World) -> None:
    await here.seed()
    async with here.batch() as batch:
        await batch.plan([*ALL_KINDS])
        await run(batch)
        batch_id = batch.batch_id
    here.pass_time(24 * 3600)
    wrong = ("0" if batch_id[0] != "0" else "1") + batch_id[1:]
    journal = MemoryJournal()
    for _ in range(2):
        async with here.batch(journal, continues=wrong) as batch:
            await batch.plan([*ALL_KINDS])
            with pytest.raises(JournalError, match=rf"no list of the account shows.*{wrong}.*--none-was-placed"):
                await run(batch)
    assert nothing_twice(here) == 5


async def test_a_person_may_say_that_nothing_of_the_other_batch_was_placed(here: World) -> None:
    journal = MemoryJournal()
    async with here.batch(journal, continues="f" * 32, none_was_placed=True) as batch:
        await batch.plan([*ALL_KINDS])
        await run(batch)
        assert await states(batch) == [State.PLACED] * 5
    assert nothing_twice(here) == 5


CHANGED: list[tuple[Intent, Intent, str]] = [
    (
        WrenOffset(tons=Decimal("1.5"), payment_method="credits"),
        WrenOffset(tons=Decimal("100.5"), payment_method="credits"),
        r"1\.5 t,.*100\.5 t",
    ),
    (
        WrenTrees(amount_of_trees=3, payment_method="credits"),
        WrenTrees(amount_of_trees=30, payment_method="credits"),
        "3 trees.*30 trees",
    ),
    (
        WrenProject(project_id=18, amount_in_usd_cents=500, payment_method="credits"),
        WrenProject(project_id=18, amount_in_usd_cents=5000, payment_method="credits"),
        "500 US cents.*5000 US cents",
    ),
    (CNaughtMass(amount_kg=10), CNaughtMass(amount_kg=1000), "10 kg.*1000 kg"),
    (CNaughtPrice(total_price_usd_cents=700), CNaughtPrice(total_price_usd_cents=7000), "700 US cents.*7000 US cents"),
]


@pytest.mark.parametrize(("ordered", "asked", "told"), CHANGED, ids=[ordered.kind for ordered, _, _ in CHANGED])
async def test_a_found_order_of_another_amount_is_undecided_and_both_are_named(
    here: World, ordered: Intent, asked: Intent, told: str
) -> None:
    await here.seed()
    async with here.batch() as batch:
        await batch.plan([ordered])
        await run(batch)
        batch_id = batch.batch_id
    here.pass_time(24 * 3600)
    journal = MemoryJournal()
    async with here.batch(journal, continues=batch_id) as batch:
        await batch.plan([asked])
        events = await run(batch)
        entry = await journal.entry(1)
    assert entry.result.state is State.UNDECIDED
    assert entry.result.reason is not None
    assert [event.entry.row.position for event in settled(events)] == [1]
    assert re.search(told, entry.result.reason), entry.result.reason
    assert nothing_twice(here) == 1


# --- smaller --------------------------------------------------------------------------------------------------------


async def test_a_success_that_nobody_could_read_is_remembered_whatever_comes_after_it(here: World) -> None:
    await here.seed()
    async with here.batch(concurrency=1) as batch:
        await batch.plan(kilograms(1))
        here.sandbox.faults.add("malformed_json", operation="createOrder", times=1)
        here.sandbox.faults.add("status", operation="createOrder", status=503, when="before")
        here.sandbox.faults.add("status", operation="listOrders", status=503, when="before")
        await run(batch)
        entry = await batch.journal.entry(1)
    assert entry.result.state is State.UNDECIDED
    assert (entry.result.reason or "").startswith("placed, but its details could not be read")


async def test_a_success_that_nobody_could_read_is_remembered_from_a_recovery_too(here: World) -> None:
    journal = await in_doubt(here, kilograms(1))
    here.sandbox.faults.add("malformed_json", operation="createOrder", times=1)
    here.sandbox.faults.add("status", operation="createOrder", status=503, when="before")
    here.sandbox.faults.add("status", operation="listOrders", status=503, when="before")
    async with here.batch(journal) as batch:
        await run(batch)
    entry = await journal.entry(1)
    assert entry.result.state is State.UNDECIDED
    assert (entry.result.reason or "").startswith("placed, but its details could not be read")


async def test_a_batch_never_has_orders_without_saying_where_they_go(here: World) -> None:
    class Killed(Exception):
        pass

    class Mortal(MemoryJournal):
        async def seal(self, source_digest: str) -> None:
            await super().seal(source_digest)
            raise Killed

    journal = Mortal()
    with pytest.raises(Killed):
        async with here.batch(journal) as batch:
            await batch.plan(tonnes(2))
    async with world() as elsewhere:
        wren = elsewhere.sandbox.wren
        async with (
            WrenClient(wren.live_token, base_url=wren.base_url) as client,
            Batch(journal, wren=client, timing=elsewhere.timing) as batch,
        ):
            with pytest.raises(JournalError, match="the batch was begun with"):
                await run(batch)
        assert elsewhere.sandbox.orders == []


async def test_an_intent_that_is_not_the_planned_one_is_not_sent(here: World, tmp_path: Path) -> None:
    path = tmp_path / "rides.journal"
    async with here.batch(path) as batch:
        await batch.plan(kilograms(10, 20))
    connection = sqlite3.connect(path)
    with contextlib.closing(connection):
        [(definition,)] = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'orders_are_fixed'").fetchall()
        connection.execute("DROP TRIGGER orders_are_fixed")
        connection.execute("UPDATE orders SET intent = replace(intent, '10', '90') WHERE position = 1")
        connection.execute(definition)
        connection.commit()
    async with here.batch(path) as batch:
        with pytest.raises(JournalError, match="order 1: its intent"):
            await run(batch)
    assert here.sandbox.orders == []


async def test_the_digest_of_an_intent_is_checked_whatever_the_journal(here: World) -> None:
    journal = JournalModel()
    async with here.batch(journal) as batch:
        await batch.plan(kilograms(10))
        entry = await journal.entry(1)
        altered = attrs.evolve(entry.row, intent=entry.row.intent.replace("10", "90"))
        journal._entries[1] = attrs.evolve(entry, row=altered)
        with pytest.raises(JournalError, match="order 1: its intent is not the one that was planned"):
            await run(batch)
    assert here.sandbox.orders == []


@pytest.mark.parametrize("note", ["order types", "wren account", "wren ledger", "planned"])
async def test_a_damaged_note_is_a_journal_error(here: World, note: str) -> None:
    await here.seed()
    journal = JournalModel()
    await in_doubt(here, tonnes(1), journal)
    journal._entries[2] = attrs.evolve(
        (first := await journal.entry(1)),
        row=attrs.evolve(first.row, position=2, reference=first.row.reference[:-1] + "2"),
        result=attrs.evolve(first.result, state=State.PENDING),
    )
    await here.seed()
    await journal.note(note, "\udcff{not what was written")
    wren, _ = here.clients()
    async with wren, Batch(journal, wren=wren, timing=here.timing) as batch:
        with pytest.raises(JournalError, match=f"note '{note}' cannot be read"):
            await run(batch)


@pytest.mark.parametrize("note", [Note.ORDER_TYPES, Note.HISTORY, account_of("wren")])
async def test_a_damaged_note_is_told_with_the_path_of_its_journal(here: World, tmp_path: Path, note: str) -> None:
    path = tmp_path / "rides.journal"
    async with here.batch(path) as batch:
        await batch.plan(tonnes(1))
        await batch.journal.note(note, "{not what was written")
        with pytest.raises(JournalError, match=rf"{re.escape(str(path))}: the journal's note '{note}' cannot be read"):
            await run(batch)


@pytest.mark.parametrize("ends_at", [Note.DOUBT, Note.CONFIRMED])
async def test_a_process_that_ends_while_it_finds_a_lost_batch_leaves_all_of_it_to_be_looked_for(
    here: World, tmp_path: Path, ends_at: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = [*tonnes(3)]
    async with here.batch(tmp_path / "lost.journal") as batch:
        await batch.plan(source)
        batch_id = batch.batch_id
        await run(batch)
    note = SqliteJournal.note

    async def note_and_end(journal: SqliteJournal, name: str, value: str) -> None:
        if name == ends_at:
            raise JournalError("the process ends here")
        await note(journal, name, value)

    new = tmp_path / "new.journal"
    with monkeypatch.context() as patched:
        patched.setattr(SqliteJournal, "note", note_and_end)
        async with here.batch(new, continues=batch_id) as batch:
            await batch.plan(source)
            with pytest.raises(JournalError, match="ends here"):
                await run(batch)
    async with here.batch(new, continues=batch_id) as batch:
        await run(batch)
    assert nothing_twice(here) == 3
