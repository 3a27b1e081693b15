"""Orders of an API for which the batch has no client, and what a batch keeps of its runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from batch_world import World, run

from wren_async import InvalidConfiguration
from wren_async.batch.intents import CNaughtMass, Intent, WrenOffset
from wren_async.batch.journal.contract import State
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.journal.notes import Note
from wren_async.batch.report.audit import audit_books
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.history import History

BOTH: list[Intent] = [WrenOffset(tons=1, payment_method="credits"), CNaughtMass(amount_kg=1)] * 8


async def test_planning_names_all_orders_that_have_no_client_and_takes_in_none(here: World, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("amount_kg,tons,payment_method\n1,,\n,1,credits\n2,,\n,1,credits\n")
    _, cnaught = here.clients()
    async with cnaught, Batch(MemoryJournal(), cnaught=cnaught) as batch:
        with pytest.raises(
            InvalidConfiguration, match=r"lines 3, 5 are orders of wren.*give wren=WrenClient\(\.\.\.\)"
        ):
            await batch.plan(path)
        assert len(here.sandbox.requests.of("createQuote")) == 0


async def test_planning_an_iterable_names_them_too(here: World) -> None:
    _, cnaught = here.clients()
    async with cnaught, Batch(MemoryJournal(), cnaught=cnaught) as batch:
        with pytest.raises(InvalidConfiguration, match="lines 1, 3, 5, 7, 9 and 3 more are orders of wren"):
            await batch.plan(BOTH)
        assert not await batch.journal.sealed()


async def test_a_run_without_a_client_for_what_is_open_sends_nothing(here: World) -> None:
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan(BOTH)
    _, cnaught = here.clients()
    async with cnaught, Batch(journal, cnaught=cnaught) as batch:
        with pytest.raises(InvalidConfiguration, match="and 3 more are orders of wren"):
            await run(batch)
    assert here.sandbox.orders == []


async def test_an_api_whose_orders_are_all_settled_needs_no_client(here: World) -> None:
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan(BOTH)
        await run(batch)
    _, cnaught = here.clients()
    async with cnaught, Batch(journal, cnaught=cnaught) as batch:
        await run(batch)
        assert (await journal.totals()).orders[State.PLACED] == len(BOTH)
    assert len(here.sandbox.orders) == len(BOTH)


async def test_a_batch_keeps_why_its_orders_were_sent_again(here: World) -> None:
    here.sandbox.faults.add("rate_limit", operation="createOrder", times=1, retry_after=3)
    async with here.batch(concurrency=1) as batch:
        await batch.plan([CNaughtMass(amount_kg=1)])
        await run(batch)
        history = await History.of(batch.journal)
        entry = await batch.journal.entry(1)
    assert sum(history.returned.counts.values()) == history.pauses == 1
    assert [end.ending for end in history.endings] == ["done"]
    assert (entry.result.state, entry.result.attempts) == (State.PLACED, 2)
    assert "429" in (entry.result.reason or "")


async def test_the_first_checkpoint_of_a_batch_stays(here: World) -> None:
    journal = MemoryJournal()
    for _ in range(2):
        async with here.batch(journal) as batch:
            await batch.plan(BOTH)
            await run(batch)
            first = await journal.noted(Note.FIRST_LEDGER)
            assert '"total": 0' in (first or "")


async def test_the_books_begin_exactly_at_the_first_checkpoint(here: World) -> None:
    wren, cnaught = here.clients()
    async with wren, cnaught:
        await wren.offset_orders.create(tons=1, payment_method="credits")
        async with here.batch() as batch:
            await batch.plan(BOTH)
            await run(batch)
            ledger, _ = await audit_books(batch.journal, wren=wren, cnaught=cnaught)
    assert ledger.agrees
    assert ledger.unmatched == 0, "what was bought a moment before the batch is none of its own"
