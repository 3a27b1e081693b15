"""A journal that was planned is copied before any run, and both are run: one after the other, or at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import pytest
from batch_world import World, end_of, kilograms, run, settled, states, tonnes
from test_recovery import ALL_KINDS, nothing_twice, place_behind, planned_and_copied

from wren_async.batch.events import Alarm, Ended, Ending, Event
from wren_async.batch.intents import Intent, WrenOffset
from wren_async.batch.journal.contract import Entry, JournalError, State
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.journal.notes import Note
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.budget import Caps

LISTS = ("listOffsetOrders", "listTreeOrders", "listProjectDonations", "listOrders")
CARD: list[Intent] = [WrenOffset(tons=1, payment_method="stripe") for _ in range(4)]


# --- one after the other --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["the copy", "the original"])
@pytest.mark.parametrize("hours", [0, 24])
@pytest.mark.parametrize(
    "source", [tonnes(4), CARD, kilograms(1, 2, 3, 4), [*ALL_KINDS]], ids=["wallet", "card", "keys", "all kinds"]
)
async def test_two_copies_that_never_ran_buy_everything_once(
    here: World, tmp_path: Path, source: list[Intent], first: str, hours: int
) -> None:
    # No source says for how long a server knows a key.
    here.sandbox.cnaught_api.behaviours.idempotency_retention = timedelta(minutes=10)
    await here.seed()
    paths = await planned_and_copied(here, tmp_path, source)
    for path in reversed(paths) if first == "the copy" else paths:
        here.pass_time(hours * 3600)
        async with here.batch(path) as batch:
            await run(batch)
    assert nothing_twice(here) == len(source)


async def test_what_a_copy_left_is_placed_after_a_settle_time_by_the_other(here: World, tmp_path: Path) -> None:
    await here.seed()
    path, copy = await planned_and_copied(here, tmp_path, tonnes(4))
    async with here.batch(copy, caps=Caps(cents=5000)) as batch:
        await run(batch)
    placed = nothing_twice(here)
    assert 0 < placed < 4
    for wait in (60, 901):
        here.pass_time(wait)
        async with here.batch(path) as batch:
            events = await run(batch)
    assert end_of(events).ending is Ending.DONE
    assert nothing_twice(here) == 4


async def test_what_comes_of_a_copy_that_is_still_at_work_is_never_sent_by_the_other(
    here: World, tmp_path: Path
) -> None:
    await here.seed()
    path, copy = await planned_and_copied(here, tmp_path, tonnes(6))
    async with here.batch(copy) as working:
        await place_behind(here, working.journal, 1, 2)
        for sent in (3, 4, 5):
            async with here.batch(path) as batch:
                await run(batch)
                found = await states(batch)
                assert set(found[sent - 1 :]) == {State.UNDECIDED}, "the copy may be about to send them"
                here.pass_time(901)
                await place_behind(here, working.journal, sent)
        async with here.batch(path) as batch:
            events = await run(batch)
            reason = (await batch.journal.entry(6)).result.reason
    assert reason is not None
    assert "may be at it still: stop it" in reason
    assert end_of(events).ending is Ending.DONE
    here.pass_time(901)
    async with here.batch(path) as batch:
        await run(batch)
        assert await states(batch) == [State.PLACED] * 6
    assert nothing_twice(here) == 6


async def test_a_batch_that_is_run_again_after_a_while_looks_anew(here: World, tmp_path: Path) -> None:
    await here.seed()
    path, copy = await planned_and_copied(here, tmp_path, tonnes(4))
    async with here.batch(path, caps=Caps(cents=2400)) as batch:
        await run(batch)
    async with here.batch(path) as batch, here.batch(copy) as other:
        here.sandbox.faults.add("status", operation="createOffsetOrder", status=402, when="before")
        await run(batch)
        here.sandbox.faults.clear()
        here.pass_time(3600)
        await run(other)
        here.pass_time(901)
        await run(other)
        assert nothing_twice(here) == 4
        await run(batch)
        assert await states(batch) == [State.PLACED] * 4
    assert nothing_twice(here) == 4


# --- at the same time -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened(here: World, path: Path, draw: float, **options: object) -> AsyncIterator[Batch]:
    """A batch that draws its first order so."""
    wren, cnaught = here.clients()
    timing = attrs.evolve(here.timing, draw=lambda: draw)
    async with wren, cnaught, Batch(path, wren=wren, cnaught=cnaught, timing=timing) as batch:
        yield batch


async def both(here: World, paths: tuple[Path, Path], draws: tuple[float, float]) -> tuple[list[Event], list[Event]]:
    """Run two journals at the same time."""
    async with opened(here, paths[0], draws[0]) as one, opened(here, paths[1], draws[1]) as other:
        return await asyncio.gather(run(one), run(other))


def twice(here: World) -> int:
    """How many orders were placed more than once."""
    return sum(len(orders) > 1 for orders in here.committed().values())


@pytest.mark.parametrize("source", [tonnes(40), CARD * 10], ids=["wallet", "card"])
@pytest.mark.parametrize("draws", [(0.1, 0.9), (0.5, 0.5)], ids=["other first orders", "the same first order"])
async def test_two_copies_that_begin_at_the_same_time_notice_each_other_by_their_first_orders(
    here: World, tmp_path: Path, source: list[Intent], draws: tuple[float, float]
) -> None:
    await here.seed()
    paths = await planned_and_copied(here, tmp_path, source)
    ends = [end_of(events) for events in await both(here, paths, draws)]
    assert Ending.ALARM in {end.ending for end in ends}
    assert "is a copy of the journal at work?" in " ".join(end.message for end in ends)
    assert twice(here) <= 1, "the first order of the one that stops"
    alarmed = next(path for path, end in zip(paths, ends, strict=True) if end.ending is Ending.ALARM)
    async with here.batch(alarmed) as batch:
        with pytest.raises(JournalError, match="--alarm-is-explained"):
            await run(batch)


async def test_a_copy_that_begins_in_the_middle_of_a_run_is_noticed_at_the_next_look(here: World) -> None:
    await here.seed()
    journal = MemoryJournal()
    async with here.batch(journal, concurrency=1) as batch:
        await batch.plan(tonnes(40))
        events = []
        async for event in batch.run():
            events.append(event)
            if len(settled(events)) == 5:
                await place_behind(here, journal, 30)
                here.pass_time(11)
    assert end_of(events).ending is Ending.ALARM
    assert [event.entry.row.position for event in events if isinstance(event, Alarm)] == [30]
    assert len(settled(events)) <= 7
    assert nothing_twice(here) <= 8


@pytest.mark.parametrize("source", [tonnes(40), kilograms(*[5] * 40)], ids=["wallet", "keys"])
async def test_a_machine_that_slept_in_the_middle_of_a_run_looks_for_what_a_copy_has_placed_meanwhile(
    here: World, source: list[Intent]
) -> None:
    here.sandbox.cnaught_api.behaviours.idempotency_retention = timedelta(minutes=10)
    await here.seed()

    class Asleep(MemoryJournal):
        marks = 0

        async def mark_sending(self, positions: Iterable[int], at: datetime, *, reserve: bool = False) -> None:
            self.marks += 1
            if self.marks == 6:
                await place_behind(here, self, *range(10, 35))
                here.pass_time(3600)
            await super().mark_sending(positions, at, reserve=reserve)

    async with here.batch(Asleep(), concurrency=1) as batch:
        await batch.plan(source)
        events = await run(batch)
    assert end_of(events).ending is Ending.ALARM
    assert len(settled(events)) == 6, "and nothing after it woke up but what was on its way"
    assert nothing_twice(here) == 25 + 6


async def test_others_who_buy_with_the_same_wallet_raise_no_alarm(here: World) -> None:
    await here.seed()
    async with here.batch(concurrency=1) as batch:
        await batch.plan(tonnes(10))
        events = []
        async for event in batch.run():
            events.append(event)
            if not isinstance(event, Ended) and len(settled(events)) in (1, 5):
                await here.seed()
    assert end_of(events).ending is Ending.DONE
    assert nothing_twice(here) == 10


# --- what a look costs ----------------------------------------------------------------------------------------------


async def test_a_batch_that_nobody_else_touches_costs_a_few_reads_of_the_ledger_and_no_list(
    here: World, tmp_path: Path
) -> None:
    async with here.batch(tmp_path / "rides.journal") as batch:
        await batch.plan(tonnes(300))
    before = len(here.sandbox.requests)
    async with here.batch(tmp_path / "rides.journal") as batch:
        await run(batch)
    reads = [each.operation for each in here.sandbox.requests[before:] if each.method == "GET"]
    assert not [each for each in reads if each in LISTS]
    assert reads.count("listCreditLedger") <= 3


async def test_a_list_that_cannot_be_read_in_the_middle_of_a_run_is_read_again_later(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    await here.seed()
    here.sandbox.faults.add("status", operation="listCreditLedger", status=403, when="before")
    async with here.batch() as batch:
        await batch.plan(tonnes(10))
        await batch.journal.note(Note.PAYMENT_METHODS, "credits")
        here.sandbox.faults.clear()
        here.sandbox.faults.add("status", operation="listCreditLedger", status=403, when="before")
        events = []
        async for event in batch.run():
            events.append(event)
            here.sandbox.faults.add("status", operation="listOffsetOrders", status=503, when="before")
    assert end_of(events).ending is Ending.DONE
    assert "it is read again later" in caplog.text
    assert nothing_twice(here) == 10


async def test_a_run_that_could_not_read_the_account_notes_nothing_of_where_it_stood_before_the_batch(
    here: World, tmp_path: Path
) -> None:
    """The ledger could not be read when it was planned. What a copy bought since does not count as from before."""
    here.sandbox.faults.add("status", operation="listCreditLedger", status=403, when="before")
    await here.seed()
    path, copy = await planned_and_copied(here, tmp_path, tonnes(4))
    here.sandbox.faults.clear()
    async with here.batch(copy) as batch:
        await run(batch)
    here.pass_time(3600)
    here.sandbox.faults.add("status", operation="listOffsetOrders", status=503, when="before")
    async with here.batch(path) as batch:
        assert end_of(await run(batch)).ending is Ending.UNREACHABLE
    here.sandbox.faults.clear()
    async with here.batch(path) as batch:
        assert end_of(await run(batch)).ending is Ending.DONE
    assert nothing_twice(here) == 4


async def test_a_batch_for_one_api_asks_nothing_of_the_other(here: World) -> None:
    before = len(here.sandbox.requests)
    async with here.batch() as batch:
        await batch.plan(kilograms(1, 2, 3))
        events = []
        async for event in batch.run():
            events.append(event)
            here.pass_time(60)
    assert end_of(events).ending is Ending.DONE
    assert {each.api for each in here.sandbox.requests[before:]} == {"cnaught"}


async def test_a_first_order_that_could_not_be_sent_is_looked_for_as_any_other(here: World) -> None:
    """It is pending still, and a copy has placed it meanwhile: it would be bought a second time."""
    await here.seed()
    async with here.batch() as batch:
        await batch.plan(tonnes(3))
        await batch._copies.begin()
        async with batch._copies.first() as first:
            assert first is not None
            await place_behind(here, batch.journal, first.row.position)
            found = await batch._copies.found()
    assert found is not None
    assert found[0].row == first.row


async def test_a_look_in_the_middle_of_a_run_reads_no_order_that_is_not_listed(here: World) -> None:
    """Of millions that are pending it would read each, again and again."""
    read: list[int] = []

    class Counting(MemoryJournal):
        async def entries(self, *states: State) -> AsyncIterator[Entry]:
            async for entry in super().entries(*states):
                read.append(entry.row.position)
                yield entry

    await here.seed()
    async with here.batch(Counting(), concurrency=1) as batch:
        await batch.plan(CARD * 100)
        await batch._copies.begin()
        read.clear()
        assert await batch._copies.found() is None
    assert not read
