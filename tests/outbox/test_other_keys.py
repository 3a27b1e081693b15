"""Processes at one outbox with keys that are not the same: one is wrong, and harms no order of the others."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from batch_world import World
from outbox_world import becomes

from wren_async import CNaughtClient, WrenAsyncError, WrenClient
from wren_async.outbox import CNaughtMass, Outbox, State, WrenOffset

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
