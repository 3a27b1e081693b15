"""Lives of an outbox in processes of their own, each of which may be killed at a commit of its file.

As a program it takes lines of JSON on its input, one for each life, and answers each with how the process ended and
with the references whose submission was promised. It forks, so that a life costs no start of Python.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from killed_batches import INTENTS, Mortal

from wren_async import CNaughtClient, Timing, WrenClient
from wren_async.core.client import BaseClient
from wren_async.outbox import Outbox


async def live(told: dict[str, Any], promised: Path) -> None:
    """Submit the orders, as a web app does whose messages are delivered again, and place them."""
    ahead, waited = timedelta(seconds=told["ahead"]), 0.0

    async def sleep(seconds: float) -> None:
        nonlocal waited
        waited += seconds
        await asyncio.sleep(0)

    loop = asyncio.get_running_loop()
    timing = Timing(monotonic=lambda: loop.time() + waited, utc=lambda: datetime.now(UTC) + ahead, sleep=sleep)
    wren = WrenClient(told["wren"][1], base_url=told["wren"][0], timing=timing)
    cnaught = CNaughtClient(told["cnaught"][1], base_url=told["cnaught"][0], timing=timing)
    outbox = Outbox(told["outbox"], wren=wren, cnaught=cnaught, timing=timing, worker=False)
    async with wren, cnaught, outbox:
        for number, intent in enumerate(INTENTS if told["submits"] else ()):
            reference = f"{told['name']}-{number}"
            await outbox.submit(intent, reference=reference)
            with promised.open("a") as file:
                file.write(f"{reference}\n")
        await outbox.drain()


def live_until(told: dict[str, Any]) -> int:
    """Live in a process of its own, which is killed at a step, if one is told; its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            Mortal.left = told["step"]
            sqlite3.connect = partial(sqlite3.connect, factory=Mortal)  # type: ignore[assignment]
            asyncio.run(live(told, Path(told["promised"])))
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


async def mark(client: BaseClient, salt: bytes) -> bytes:
    """By which a token is recognised. The real digest is slow on purpose, and each life would take half a second."""
    return salt


def load() -> None:
    """Load what each life would load anew: that takes longer than all the rest of it."""
    for name in ("core.codec.fast", "core.codec.strict", "core.paging", "core.sending.attempts", "http.over_httpx"):
        importlib.import_module(f"wren_async.{name}")
    for name in ("wren", "cnaught", "find_or_place", "ledger", "listing", "order_rows", "rules", "verdict"):
        importlib.import_module(f"wren_async.reconcile.{name}")


if __name__ == "__main__":
    load()
    BaseClient.token_mark = mark  # type: ignore[method-assign]
    for line in sys.stdin:
        print(live_until(json.loads(line)), flush=True)
