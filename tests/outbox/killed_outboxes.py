"""The program that lives the lives of an outbox: it submits, notes what was promised, and places."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from killed_lives import INTENTS, clients, serve

from wren_async.outbox import Outbox


def promise(path: Path, reference: str) -> None:
    """Note a reference, as whoever heard that its order was submitted."""
    with path.open("a") as file:
        file.write(f"{reference}\n")


async def live(told: dict[str, Any]) -> None:
    """Submit the orders, as a web app does whose messages are delivered again, place them, and prune what is old."""
    async with (
        clients(told) as (wren, cnaught, timing),
        Outbox(told["outbox"], wren=wren, cnaught=cnaught, timing=timing, worker=False) as outbox,
    ):
        for number, intent in enumerate(INTENTS if told["submits"] else ()):
            reference = f"{told['name']}-{number}"
            await outbox.submit(intent, reference=reference)
            promise(Path(told["promised"]), reference)
        await outbox.drain()
        await outbox.prune(older_than=timedelta(0))


if __name__ == "__main__":
    serve(live)
