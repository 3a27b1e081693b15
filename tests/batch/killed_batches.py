"""Runs of a batch in processes of their own, each of which may be killed at a commit of its journal.

As a program it takes lines of JSON on its input, one for each run, and answers each with how the process ended. It
forks, so that a run costs no start of Python.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from wren_async import CNaughtClient, Timing, WrenClient
from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenOffset, WrenTrees
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.budget import Caps

INTENTS: list[Intent] = [
    WrenOffset(tons=1, payment_method="credits"),
    CNaughtMass(amount_kg=5),
    WrenTrees(amount_of_trees=2, payment_method="credits"),
    CNaughtPrice(total_price_usd_cents=40),
]


class Mortal(sqlite3.Connection):
    """A connection whose process is killed just before or just after a commit."""

    left = 0

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        if statement[0] != "COMMIT":
            return super().execute(*statement)
        self._step()
        cursor = super().execute(*statement)
        self._step()
        return cursor

    def _step(self) -> None:
        Mortal.left -= 1
        if Mortal.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def run(told: dict[str, Any]) -> None:
    """Plan and run the batch: the same command each time."""
    ahead, waited = timedelta(seconds=told["ahead"]), 0.0

    async def sleep(seconds: float) -> None:
        nonlocal waited
        waited += seconds
        await asyncio.sleep(0)

    loop = asyncio.get_running_loop()
    timing = Timing(monotonic=lambda: loop.time() + waited, utc=lambda: datetime.now(UTC) + ahead, sleep=sleep)
    wren = WrenClient(told["wren"][1], base_url=told["wren"][0], timing=timing)
    cnaught = CNaughtClient(told["cnaught"][1], base_url=told["cnaught"][0], timing=timing)
    async with (
        wren,
        cnaught,
        Batch(
            told["journal"], wren=wren, cnaught=cnaught, timing=timing, concurrency=3, caps=Caps(failures=None)
        ) as batch,
    ):
        await batch.plan(INTENTS)
        async for _ in batch.run():
            pass


def run_until(told: dict[str, Any]) -> int:
    """Run in a process of its own, which is killed at a step, if one is told; its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            Mortal.left = told["step"]
            sqlite3.connect = partial(sqlite3.connect, factory=Mortal)  # type: ignore[assignment]
            asyncio.run(run(told))
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    for line in sys.stdin:
        print(run_until(json.loads(line)), flush=True)
