"""A process that runs the jobs of one database, for tests that kill, freeze and end it.

It takes what it needs to know as JSON in its first argument, and prints a line once it runs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from procrastinate import App, PsycopgConnector

from wren_async import CNaughtClient, WrenClient
from wren_async.jobs import SupervisedWorker, add_jobs

LEASE, SETTLE, BEAT = 3.0, 2.0, 0.3
EACH_SECOND = "* * * * * *"


def app_for(told: dict[str, Any], connector: type[PsycopgConnector] = PsycopgConnector) -> App:
    """An app of procrastinate with the tasks, as a process of the app's own has it."""

    @asynccontextmanager
    async def open_clients() -> AsyncIterator[tuple[WrenClient | None, CNaughtClient | None]]:
        wren = WrenClient(told["wren"][1], base_url=told["wren"][0], timeout=1.0, retries=0)
        cnaught = CNaughtClient(told["cnaught"][1], base_url=told["cnaught"][0], timeout=1.0, retries=0)
        async with wren, cnaught:
            yield wren, cnaught

    app = App(connector=connector(conninfo=told["address"]))
    add_jobs(
        app,
        told["address"],
        open_clients,
        concurrency=told["concurrency"],
        settle_time=SETTLE,
        lease=LEASE,
        patience=2.0,
        linger=2.0,
        every=told["every"],
    )
    return app


async def main(told: dict[str, Any]) -> None:
    """Run jobs until told to end."""
    app = app_for(told)
    async with app.open_async():
        print("running", flush=True)
        worker = SupervisedWorker(app, poll=0.2, heartbeat=BEAT, patience=10.0, longest_wait=1.0)
        await worker.run(install_signal_handlers=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(process)d %(name)s %(message)s")
    asyncio.run(main(json.loads(sys.argv[1])))
