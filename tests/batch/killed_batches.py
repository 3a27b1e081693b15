"""The program that lives the runs of a batch."""

from __future__ import annotations

from typing import Any

from killed_lives import INTENTS, clients, serve

from wren_async.batch.run.batch import Batch
from wren_async.batch.run.budget import Caps


async def run(told: dict[str, Any]) -> None:
    """Plan and run the batch: the same command each time."""
    async with (
        clients(told) as (wren, cnaught, timing),
        Batch(
            told["journal"], wren=wren, cnaught=cnaught, timing=timing, concurrency=3, caps=Caps(failures=None)
        ) as batch,
    ):
        await batch.plan(INTENTS)
        async for _ in batch.run():
            pass


if __name__ == "__main__":
    serve(run)
