"""A web process whose messages are delivered again and again, for tests: it may be killed at any moment.

Five handlers take messages at random. Each writes a ride and its order in one transaction, which may be rolled back,
or cancelled in the middle. A worker places orders from within the same process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
from typing import Any

import psycopg

from wren_async import CNaughtClient, WrenClient
from wren_async.outbox import CNaughtMass, Intent, Outbox, WrenTrees

RIDES = 200
BAD = 20
"""References whose transaction is always rolled back."""


def intent_of(number: int) -> Intent:
    """The order of a ride: the same for each delivery."""
    if number % 8 == 0:
        return WrenTrees(amount_of_trees=1, payment_method="credits")
    return CNaughtMass(amount_kg=1 + number % 5)


async def deliver(outbox: Outbox, address: str, reference: str, intent: Intent, chance: random.Random) -> None:
    """Handle one message, well or badly."""
    async with await psycopg.AsyncConnection.connect(address) as connection:
        await connection.execute("INSERT INTO ride VALUES (%s) ON CONFLICT DO NOTHING", (reference,))
        await outbox.submit(intent, reference=reference, connection=connection)
        if reference.startswith("bad-") or chance.random() < 0.3:
            await connection.rollback()
            return
    if chance.random() < 0.3:
        await outbox.nudge()
    if chance.random() < 0.1:
        await outbox.result(reference, within=0.05)


async def handle(outbox: Outbox, address: str, mine: list[int], chance: random.Random) -> None:
    """Take messages, each of which may be cancelled on the way."""
    for number in mine:
        reference = f"ride-{number}" if number < RIDES else f"bad-{number}"
        task = asyncio.ensure_future(deliver(outbox, address, reference, intent_of(number), chance))
        if chance.random() < 0.2:
            await asyncio.sleep(chance.random() * 0.01)
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def main(told: dict[str, Any]) -> None:
    """Handle all messages in a random order, then serve until killed."""
    chance = random.Random(told["seed"])
    wren = WrenClient(told["wren"][1], base_url=told["wren"][0], timeout=5)
    cnaught = CNaughtClient(told["cnaught"][1], base_url=told["cnaught"][0], timeout=5)
    outbox = Outbox(told["address"], wren=wren, cnaught=cnaught, lease=3.0, settle_time=2.0, concurrency=4)
    async with wren, cnaught, outbox:
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                numbers = chance.sample(range(RIDES + BAD), RIDES + BAD)
                group.create_task(handle(outbox, told["address"], numbers[: told["messages"]], chance))
        print("done", flush=True)
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
