"""A process killed at each commit of its outbox, and its messages delivered again: nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from killed_lives import INTENTS, Lives

from wren_async import CNaughtClient, WrenClient
from wren_async.outbox import Outbox, State
from wren_async.sandbox import Sandbox

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills and forks of POSIX")

FAULTS: dict[str, list[dict[str, Any]]] = {
    "all is well": [],
    "answers are lost": [
        {"kind": "reset", "when": "after", "operation": "createOffsetOrder", "nth": 2},
        {"kind": "status", "status": 503, "when": "after", "operation": "createOrder", "times": 1},
        {"kind": "reset", "when": "before", "operation": "createTreeOrder", "nth": 2},
    ],
}


def live(lives: Lives, outbox: Path, step: int = 0, *, submits: bool = True) -> int:
    """Live once; the exit code of the process."""
    told = {"outbox": str(outbox), "promised": f"{outbox}.promised", "name": f"ride-{outbox.name}"}
    return lives.live(step, **told, submits=submits)


def orders(lives: Lives, outbox: Path) -> dict[str, int]:
    """How often each reference of an outbox was ordered."""
    found = lives.ids_by_reference()
    return {each: len(ids) for each, ids in found.items() if each.startswith(f"ride-{outbox.name}-")}


async def seed(sandbox: Sandbox) -> None:
    """Place an order of each kind that carries a reference, so that the lists show that they carry them."""
    at, there = sandbox.wren, sandbox.cnaught
    async with (
        WrenClient(at.live_token, base_url=at.base_url) as wren,
        CNaughtClient(there.api_key, base_url=there.base_url) as cnaught,
    ):
        await wren.offset_orders.create(tons=1, payment_method="credits", reference="seed")
        await wren.tree_orders.create(amount_of_trees=1, payment_method="credits", reference="seed")
        await cnaught.orders.create(amount_kg=1, reference="seed")


@pytest.fixture
def lives() -> Iterator[Lives]:
    with Lives.of(Path(__file__).with_name("killed_outboxes.py")) as lives:
        asyncio.run(seed(lives.sandbox))
        yield lives


def states(outbox: Path) -> dict[str, State]:
    async def read() -> dict[str, State]:
        async with Outbox(outbox) as held:
            found = [await held.get(f"ride-{outbox.name}-{number}") for number in range(len(INTENTS))]
            return {each.reference: each.state for each in found if each is not None}

    return asyncio.run(read())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "redelivered", "first"),
    [("all is well", False, 1), ("answers are lost", True, 2)],
    ids=["well", "lost and redelivered"],
)
def test_killed_at_any_commit_every_promised_order_is_placed_once(
    lives: Lives, tmp_path: Path, fault: str, first: int, *, redelivered: bool
) -> None:
    # Between them both see every commit.
    for step in itertools.count(first, 2):
        outbox = tmp_path / str(step)
        lives.behave(FAULTS[fault])
        code = live(lives, outbox, step)
        assert code in (0, -signal.SIGKILL), step
        assert max(orders(lives, outbox).values(), default=0) <= 1, step
        for life in itertools.count():
            lives.pass_time()
            assert live(lives, outbox, submits=redelivered) == 0, step
            if life == 3 or set(states(outbox).values()) <= {State.PLACED}:
                break
        promised = set(Path(f"{outbox}.promised").read_text().split()) if Path(f"{outbox}.promised").exists() else set()
        found = states(outbox)
        assert promised <= set(found), step
        assert len(found) == len(INTENTS) or not redelivered, step
        assert set(found.values()) <= {State.PLACED}, step
        assert orders(lives, outbox) == dict.fromkeys(found, 1), step
        if code == 0:
            break
    assert step > 20
