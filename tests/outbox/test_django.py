"""Orders in the transactions of a real Django."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from batch_world import World

from wren_async.outbox import Outbox

APP = Path(__file__).parent / "django_app.py"
KINDS = ("plain", "persistent", "pooled", "server-side")


@pytest.mark.skipif(sys.platform == "win32", reason="PostgreSQL is there through a socket of Unix")
async def test_orders_in_django_s_transactions_are_there_with_their_commit_and_never_were_with_a_rollback(
    here: World, database_address: str
) -> None:
    _, cnaught = here.clients()
    async with cnaught, Outbox(database_address, cnaught=cnaught, worker=False) as outbox:
        done = subprocess.run(  # noqa: ASYNC221 - nothing else is to go on meanwhile
            [sys.executable, APP, database_address], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        await outbox.drain()
        assert (await outbox.health()).totals.orders["placed"] == 16  # type: ignore[index]
    wanted = {f"{kind}-{which}": 1 for kind in KINDS for which in ("1", "2", "3", "thread")}
    assert {name: len(each) for name, each in here.committed().items()} == wanted
