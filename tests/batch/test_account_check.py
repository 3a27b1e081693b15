"""Going on with another token: in the same account it is welcome, in another one it is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from batch_world import World, run, world
from journal_model import JournalModel

from wren_async import CNaughtClient, WrenClient
from wren_async.batch.intents import CNaughtMass, Intent, WrenOffset
from wren_async.batch.journal.contract import Journal, JournalError, State
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.budget import Caps
from wren_async.sandbox.wren import LIVE_TOKEN_PREFIX

OFFSETS: list[Intent] = [WrenOffset(tons=1, payment_method="credits")] * 3
MASSES: list[Intent] = [CNaughtMass(amount_kg=1)] * 3
RENEWED = f"{LIVE_TOKEN_PREFIX}0000000000aa"


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world() as made:
        wren = made.sandbox.wren_api.accounts
        wren.add(wren.teammate(made.sandbox.wren.live_token, RENEWED))
        yield made


async def begun(here: World, source: list[Intent], journal: Journal | None = None) -> Journal:
    """The journal of a batch of which one order was placed."""
    journal = journal or MemoryJournal()
    async with here.batch(journal, concurrency=1) as batch:
        await batch.plan(source)
        async for _ in batch.run():
            batch.stop()
        assert (await batch.totals()).orders[State.PENDING]
    return journal


async def go_on(here: World, journal: Journal, token: str, *, same_account: bool = False) -> int:
    """Go on with another token of Wren's; the number of orders that are placed then."""
    async with (
        WrenClient(token, base_url=here.sandbox.wren.base_url, timing=here.timing) as wren,
        Batch(journal, wren=wren, timing=here.timing, same_account=same_account) as batch,
    ):
        await run(batch)
        return (await batch.totals()).orders[State.PLACED]


async def test_a_token_of_another_account_is_refused_and_nothing_is_sent(here: World) -> None:
    journal = await begun(here, OFFSETS)
    before = len(here.sandbox.orders)
    with pytest.raises(JournalError, match=r"another token of wren.*same_account=True.*--same-account"):
        await go_on(here, journal, here.sandbox.wren.personal_token)
    assert len(here.sandbox.orders) == before
    assert await go_on(here, journal, here.sandbox.wren.live_token) == 3


async def test_a_new_token_of_the_same_wallet_proves_itself_by_the_ledger(here: World) -> None:
    journal = await begun(here, OFFSETS)
    assert await go_on(here, journal, RENEWED) == 3
    before = len(here.sandbox.requests.of("listCreditLedger"))
    assert await go_on(here, journal, RENEWED) == 3
    taken = len(here.sandbox.requests.of("listCreditLedger")) - before
    assert taken <= 1, "it is known from now on; what is left is the checkpoint"


async def test_a_person_may_say_that_it_is_the_same_account(here: World) -> None:
    journal = await begun(here, OFFSETS)
    personal = here.sandbox.wren.personal_token
    assert await go_on(here, journal, personal, same_account=True) == 3
    assert await go_on(here, journal, personal) == 3, "which is noted"


async def test_an_account_that_cannot_be_asked_is_told_as_such_and_asked_again_by_the_next_run(here: World) -> None:
    journal = await begun(here, OFFSETS)
    before = len(here.sandbox.orders)
    here.sandbox.faults.add("status", operation="listCreditLedger", status=503, when="before")
    with pytest.raises(JournalError, match=r"could not be asked for an order of the batch.*503.*run again") as caught:
        await go_on(here, journal, RENEWED)
    assert RENEWED not in str(caught.value)
    assert len(here.sandbox.orders) == before
    here.sandbox.faults.clear()
    assert await go_on(here, journal, RENEWED) == 3


async def test_a_new_key_of_cnaught_is_not_called_a_foreign_one_while_the_server_is_away(here: World) -> None:
    journal = await begun(here, MASSES)
    cnaught = here.sandbox.cnaught
    here.sandbox.cnaught_api.behaviours.live_key = renewed = "cnaught_sandbox_live_renewed"
    here.sandbox.faults.add("status", operation="getOrder", status=503, when="before")
    async with (
        CNaughtClient(renewed, base_url=cnaught.base_url, timing=here.timing) as client,
        Batch(journal, cnaught=client, timing=here.timing) as batch,
    ):
        with pytest.raises(JournalError, match=r"could not be asked.*503"):
            await run(batch)
        here.sandbox.faults.clear()
        await run(batch)
        assert (await batch.totals()).orders[State.PLACED] == 3


async def test_before_anything_was_sent_any_token_will_do(here: World) -> None:
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan(OFFSETS)
    assert await go_on(here, journal, here.sandbox.wren.personal_token) == 3
    with pytest.raises(JournalError, match="another token"):
        await go_on(here, journal, here.sandbox.wren.live_token)


async def test_a_new_key_of_cnaught_proves_itself_by_an_order_and_another_mode_cannot(here: World) -> None:
    journal = await begun(here, MASSES)
    cnaught = here.sandbox.cnaught
    async with (
        CNaughtClient(cnaught.test_key, base_url=cnaught.base_url) as client,
        Batch(journal, cnaught=client, timing=here.timing) as batch,
    ):
        with pytest.raises(JournalError, match="another token of cnaught"):
            await run(batch)
    here.sandbox.cnaught_api.behaviours.live_key = renewed = "cnaught_sandbox_live_renewed"
    async with (
        CNaughtClient(renewed, base_url=cnaught.base_url) as client,
        Batch(journal, cnaught=client, timing=here.timing) as batch,
    ):
        await run(batch)
        assert (await batch.totals()).orders[State.PLACED] == 3


async def test_a_journal_from_before_accounts_were_noted_takes_the_first_token(here: World) -> None:
    journal = JournalModel()
    await begun(here, OFFSETS, journal)
    journal._notes = {name: value for name, value in journal._notes.items() if "account" not in name}
    assert await go_on(here, journal, here.sandbox.wren.live_token) == 3
    with pytest.raises(JournalError, match="another token"):
        await go_on(here, journal, here.sandbox.wren.personal_token)


async def test_a_journal_holds_no_token_and_never_the_same_digest_of_one(here: World, tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "another"):
        async with here.batch(tmp_path / name, caps=Caps()) as batch:
            await batch.plan([*OFFSETS, *MASSES])
            await run(batch)
            digests |= {await batch.journal.noted(f"{api} account") for api in ("wren", "cnaught")}
        held = await asyncio.to_thread(lambda: b"".join(file.read_bytes() for file in tmp_path.iterdir()))
        assert here.sandbox.wren.live_token.encode() not in held
        assert here.sandbox.cnaught.api_key.encode() not in held
    assert len(digests) == 4
    assert None not in digests
