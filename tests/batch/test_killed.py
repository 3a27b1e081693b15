"""A process killed at each commit of its journal, and the same command run again: nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from killed_batches import INTENTS

from wren_async.batch.journal.contract import Entry, State
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.sandbox import Sandbox, WrenBehaviours

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills and forks of POSIX")

FAULTS: dict[str, list[dict[str, Any]]] = {
    "all is well": [],
    "answers are lost": [
        {"kind": "reset", "when": "after", "operation": "createOffsetOrder", "times": 1},
        {"kind": "status", "status": 503, "when": "after", "operation": "createOrder", "times": 1},
        {"kind": "reset", "when": "before", "operation": "createTreeOrder", "times": 1},
    ],
}


@attrs.define
class Runs:
    """Runs of batches against one sandbox, in processes of their own."""

    sandbox: Sandbox
    forking: subprocess.Popen[str]
    ahead: float = 0.0

    def run(self, journal: Path, step: int = 0) -> int:
        """Run a batch; the exit code of its process."""
        wren, cnaught = self.sandbox.wren, self.sandbox.cnaught
        told = {
            "step": step,
            "ahead": self.ahead,
            "journal": str(journal),
            "wren": [wren.base_url, wren.live_token],
            "cnaught": [cnaught.base_url, cnaught.api_key],
        }
        assert self.forking.stdin is not None
        assert self.forking.stdout is not None
        self.forking.stdin.write(f"{json.dumps(told)}\n")
        self.forking.stdin.flush()
        return int(self.forking.stdout.readline())

    def pass_time(self) -> None:
        """More than the settle time passes, here and there."""
        self.ahead += 3600
        self.sandbox.clock.move(3600)


@pytest.fixture
def runs() -> Iterator[Runs]:
    program, root = Path(__file__).with_name("killed_batches.py"), str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root}
    with Sandbox(wren=WrenBehaviours(rows_with_group_id=True)) as sandbox:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen([sys.executable, str(program)], env=environment, **pipes) as forking:
            yield Runs(sandbox, forking)
            assert forking.stdin is not None
            forking.stdin.close()


def entries(journal: Path) -> list[Entry]:
    async def read() -> list[Entry]:
        async with await SqliteJournal.open(journal) as held:
            return [entry async for entry in held.entries()]

    return asyncio.run(read())


def committed(sandbox: Sandbox, batch: list[Entry]) -> dict[str, list[str]]:
    """Ids of the sandbox's orders by the references of a batch."""
    found: dict[str, list[str]] = {entry.row.reference: [] for entry in batch}
    for order in sandbox.orders:
        reference = (order.reference or "").partition("[ref:")[2].partition("]")[0]
        if reference in found:
            found[reference].append(order.id)
    return found


def check(sandbox: Sandbox, batch: list[Entry]) -> None:
    """Journal and sandbox agree, and nothing was ordered twice."""
    found = committed(sandbox, batch)
    for entry in batch:
        ids, result = found[entry.row.reference], entry.result
        assert len(ids) <= 1, f"ordered {len(ids)} times: {entry}"
        if result.state is State.PLACED:
            assert len(ids) == 1, entry
            assert result.order_id in (ids[0], None), entry
        elif ids:
            assert result.state in (State.SENDING, State.UNDECIDED), entry


@pytest.mark.parametrize("fault", FAULTS)
def test_killed_at_any_commit_and_resumed_every_order_is_placed_once(runs: Runs, tmp_path: Path, fault: str) -> None:
    sandbox = runs.sandbox
    for step in itertools.count(1):
        journal = tmp_path / str(step)
        before = len(sandbox.orders)
        sandbox.faults.clear()
        for rule in FAULTS[fault]:
            sandbox.faults.add(**rule)
        code = runs.run(journal, step)
        assert code in (0, -signal.SIGKILL), step
        check(sandbox, entries(journal))
        assert runs.run(journal) == 0, "the same command again"
        batch = entries(journal)
        check(sandbox, batch)
        assert {entry.result.state for entry in batch} <= {State.PLACED, State.UNDECIDED}
        if any(entry.result.state is State.UNDECIDED for entry in batch):
            assert all(entry.result.reason for entry in batch if entry.result.state is State.UNDECIDED)
            runs.pass_time()
            assert runs.run(journal) == 0
            batch = entries(journal)
            check(sandbox, batch)
        assert [entry.result.state for entry in batch] == [State.PLACED] * len(INTENTS)
        assert len(sandbox.orders) - before == len(INTENTS)
        if code == 0:
            return
