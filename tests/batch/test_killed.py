"""A process killed at each commit of its journal, and the same command run again: nothing twice, nothing lost."""

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

from wren_async.batch.journal.contract import Entry, State
from wren_async.batch.journal.sqlite import SqliteJournal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills and forks of POSIX")

FAULTS: dict[str, list[dict[str, Any]]] = {
    "all is well": [],
    "answers are lost": [
        {"kind": "reset", "when": "after", "operation": "createOffsetOrder", "times": 1},
        {"kind": "status", "status": 503, "when": "after", "operation": "createOrder", "times": 1},
        {"kind": "reset", "when": "before", "operation": "createTreeOrder", "times": 1},
    ],
}


@pytest.fixture
def lives() -> Iterator[Lives]:
    with Lives.of(Path(__file__).with_name("killed_batches.py")) as lives:
        yield lives


def entries(journal: Path) -> list[Entry]:
    async def read() -> list[Entry]:
        async with await SqliteJournal.open(journal) as held:
            return [entry async for entry in held.entries()]

    return asyncio.run(read())


def check(lives: Lives, batch: list[Entry]) -> None:
    """Journal and sandbox agree, and nothing was ordered twice."""
    found = lives.ids_by_reference()
    for entry in batch:
        ids, result = found.get(entry.row.reference, []), entry.result
        assert len(ids) <= 1, f"ordered {len(ids)} times: {entry}"
        if result.state is State.PLACED:
            assert len(ids) == 1, entry
            assert result.order_id in (ids[0], None), entry
        elif ids:
            assert result.state in (State.SENDING, State.UNDECIDED), entry


@pytest.mark.parametrize("fault", FAULTS)
def test_killed_at_any_commit_and_resumed_every_order_is_placed_once(lives: Lives, tmp_path: Path, fault: str) -> None:
    sandbox = lives.sandbox
    for step in itertools.count(1):
        journal = tmp_path / str(step)
        before = len(sandbox.orders)
        lives.behave(FAULTS[fault])
        code = lives.live(step, journal=str(journal))
        assert code in (0, -signal.SIGKILL), step
        check(lives, entries(journal))
        assert lives.live(journal=str(journal)) == 0, "the same command again"
        batch = entries(journal)
        check(lives, batch)
        assert {entry.result.state for entry in batch} <= {State.PLACED, State.UNDECIDED}
        if any(entry.result.state is State.UNDECIDED for entry in batch):
            assert all(entry.result.reason for entry in batch if entry.result.state is State.UNDECIDED)
            lives.pass_time()
            assert lives.live(journal=str(journal)) == 0
            batch = entries(journal)
            check(lives, batch)
        assert [entry.result.state for entry in batch] == [State.PLACED] * len(INTENTS)
        assert len(sandbox.orders) - before == len(INTENTS)
        if code == 0:
            return
