"""A standby that takes the place of a primary under an outbox: each reference is ordered once, also where it lagged."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from batch_world import World
from outbox_world import becomes, until
from postgres_server import VARIABLE

from wren_async.batch import WrenOffset
from wren_async.outbox import CNaughtMass, Outbox, State
from wren_async.sandbox import FaultKind

sys.path.append(str(Path(__file__).parents[1] / "postgres"))

from pair import Pair, pair_of_servers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(VARIABLE in os.environ, reason="the named server has no standby of ours"),
]

ORDERS = 30
INTENTS = [CNaughtMass(amount_kg=5), WrenOffset(tons=1, payment_method="credits")]
LEASE = 2.0


@asynccontextmanager
async def process(here: World, pair: Pair) -> AsyncIterator[Outbox]:
    wren, cnaught = here.clients()
    options = {"concurrency": 4, "lease": LEASE, "patience": 1.0, "timing": here.timing}
    async with wren, cnaught, Outbox(pair.address, wren=wren, cnaught=cnaught, **options) as outbox:
        yield outbox


async def deliver(outbox: Outbox) -> None:
    """All references, as a queue delivers them that does not know which of them arrived."""
    for number in range(ORDERS):
        await outbox.submit(INTENTS[number % 2], reference=f"ride-{number}")


@pytest.mark.parametrize("synchronous", [True, False], ids=["synchronous", "asynchronous"])
async def test_a_failover_in_the_middle_orders_nothing_twice_and_loses_nothing(here: World, synchronous: bool) -> None:
    await here.seed()
    here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=0.02)
    async with (
        pair_of_servers(synchronous=synchronous) as pair,
        process(here, pair) as one,
        process(here, pair) as other,
    ):
        await one.submit(INTENTS[0], reference="ride-0")
        if not synchronous:
            await until(lambda: len(here.committed()) == 1)
            await pair.lag()
        await deliver(one)
        await until(lambda: len(here.committed()) >= 12)
        await pair.fail_over()
        await deliver(other)
        await asyncio.sleep(2 * LEASE)  # whoever still believes in the old primary
        here.pass_time(3600)
        for number in range(ORDERS):
            await becomes(one, f"ride-{number}", State.PLACED)
        health = await one.health()
    orders = here.committed()
    assert {name: len(each) for name, each in orders.items()} == {f"ride-{number}": 1 for number in range(ORDERS)}
    assert health.spent.cents_month == sum(order.cents for each in orders.values() for order in each)
