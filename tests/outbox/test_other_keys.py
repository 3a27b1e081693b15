"""Processes at one outbox with keys that are not the same: one is wrong, and harms no order of the others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from batch_world import World
from outbox_world import becomes

from wren_async import CNaughtClient, JournalError, WrenAsyncError, WrenClient
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.core.client import BaseClient
from wren_async.outbox import CNaughtMass, Outbox, State, WrenOffset
from wren_async.outbox.postgres_tables import journal_name

RIDE = CNaughtMass(amount_kg=50)
OFFSET = WrenOffset(tons=1, payment_method="credits")


@asynccontextmanager
async def process(here: World, address: str, key: str | None = None) -> AsyncIterator[Outbox]:
    """An outbox as one process has it, with a key of its own."""
    wren, cnaught = here.clients()
    if key is not None:
        await cnaught.aclose()
        cnaught = CNaughtClient(key, base_url=here.sandbox.cnaught.base_url)
    async with wren, cnaught, Outbox(address, wren=wren, cnaught=cnaught) as outbox:
        yield outbox


async def has_joined(address: str) -> bool:
    """Whether a process may place orders of CNaught by now."""
    async with await PostgresJournal.open(address, journal_name("main", "cnaught"), make=False) as journal:
        return len(await journal.workers()) > 0


async def test_a_process_with_a_wrong_key_refuses_no_order_and_leaves_them_to_the_others(
    here: World, database_address: str
) -> None:
    async with process(here, database_address, key="mistyped") as wrong:
        for number in range(3):
            await wrong.submit(RIDE, reference=f"ride-{number}")
        await wrong.submit(OFFSET, reference="offset")
        await becomes(wrong, "offset", State.PLACED)
        told: list[str | None] = []
        while not told:
            health = await wrong.health()
            told += [health.problem] if health.problem else []
        assert "401" in str(told[0])
        assert "mistyped" not in str(told[0])
        assert {(await wrong.result(f"ride-{number}", within=0)).state for number in range(3)} == {State.PENDING}
        async with process(here, database_address) as good:
            for number in range(3):
                await becomes(good, f"ride-{number}", State.PLACED)
            assert (await good.health()).problem is None
    assert {reference: len(orders) for reference, orders in here.committed().items()} == {
        "ride-0": 1,
        "ride-1": 1,
        "ride-2": 1,
        "offset": 1,
    }


async def test_a_process_with_a_wrong_key_that_came_first_steps_aside_at_the_first_order(
    here: World, database_address: str
) -> None:
    """Until then its server does not tell that its key is wrong, and the others say that two keys are there."""
    here.sandbox.faults.add("status", operation="listPortfolios", token="mistyped", status=400, when="before")
    async with process(here, database_address, key="mistyped"):
        while not await has_joined(database_address):  # noqa: ASYNC110 - it is another process's
            await asyncio.sleep(0.01)
        async with process(here, database_address) as good:
            problem = ""
            while "other workers are at it with another token of cnaught" not in problem:
                problem = str((await good.health()).problem)
            await good.submit(RIDE, reference="ride")
            await becomes(good, "ride", State.PLACED)
    assert len(here.sandbox.orders) == 1


async def test_two_processes_of_two_accounts_place_in_one_of_them(here: World, database_address: str) -> None:
    """What one of them loses is looked for in the other's lists, and would be bought again."""
    there = here.sandbox.wren
    accounts = [WrenClient(token, base_url=there.base_url) for token in (there.live_token, there.personal_token)]
    async with accounts[0] as mine, accounts[1] as other:
        async with (
            Outbox(database_address, wren=mine, worker=False) as one,
            Outbox(database_address, wren=other, worker=False) as two,
        ):
            await one.drain()
            with contextlib.suppress(WrenAsyncError):
                await two.drain()
            for number, outbox in enumerate((one, two)):
                await one.submit(OFFSET, reference=f"offset-{number}")
                with contextlib.suppress(WrenAsyncError):
                    await outbox.drain()
        ordered = [len([entry async for entry in each.credits.ledger()]) for each in accounts]
    assert sum(ordered) > 0
    assert 0 in ordered, "both accounts were charged"


@asynccontextmanager
async def placing_on_request(here: World, where: str, **clients: BaseClient) -> AsyncIterator[Outbox]:
    """An outbox as one process has it, with a client of its own."""
    async with AsyncExitStack() as held:
        for client in clients.values():
            await held.enter_async_context(client)
        yield await held.enter_async_context(Outbox(where, **clients, worker=False, timing=here.timing))  # type: ignore[arg-type]


@pytest.fixture(params=["file", "database"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an outbox is."""
    if request.param == "file":
        return str(tmp_path / "orders.outbox")
    return str(request.getfixturevalue("database_address"))


async def test_when_all_is_settled_and_pruned_another_account_is_refused_still(here: World, where: str) -> None:
    there = here.sandbox.wren
    mine, other = (
        partial(WrenClient, token, base_url=there.base_url) for token in (there.live_token, there.personal_token)
    )
    async with placing_on_request(here, where, wren=mine()) as outbox:
        await outbox.submit(OFFSET, reference="offset")
        await outbox.drain()
    for _ in range(2):
        async with placing_on_request(here, where, wren=other()) as outbox:
            await outbox.submit(OFFSET, reference="later")
            with pytest.raises(JournalError, match=r"another token of wren .* \(WREN_API_TOKEN\)"):
                await outbox.drain()
            await outbox.prune(older_than=timedelta(0))
    async with placing_on_request(here, where, wren=mine()) as outbox:
        await outbox.drain()
        await becomes(outbox, "later", State.PLACED)


async def test_a_new_key_of_the_same_account_proves_itself_by_a_settled_order(here: World, where: str) -> None:
    there = here.sandbox.cnaught
    async with placing_on_request(here, where, cnaught=CNaughtClient(there.api_key, base_url=there.base_url)) as outbox:
        await outbox.submit(RIDE, reference="ride")
        await outbox.drain()
    here.sandbox.cnaught_api.behaviours.live_key = renewed = "cnaught_sandbox_live_renewed"
    async with placing_on_request(here, where, cnaught=CNaughtClient(renewed, base_url=there.base_url)) as outbox:
        await outbox.submit(RIDE, reference="later")
        await outbox.drain()
        await becomes(outbox, "later", State.PLACED)


async def test_two_processes_of_two_subaccounts_that_begin_at_once_place_in_one_of_them(
    here: World, database_address: str
) -> None:
    """Before there is an order, the place of the first process counts as long as it is there."""
    there = here.sandbox.cnaught
    whole = CNaughtClient(there.api_key, base_url=there.base_url)
    part = CNaughtClient(there.api_key, base_url=there.base_url).for_subaccount("other")
    async with placing_on_request(here, database_address, cnaught=whole) as one:
        await one.drain()
        async with placing_on_request(here, database_address, cnaught=part) as two:
            with pytest.raises(JournalError, match="go on there"):
                await two.drain()
            await one.submit(RIDE, reference="ride")
            await one.drain()
            await becomes(two, "ride", State.PLACED)
