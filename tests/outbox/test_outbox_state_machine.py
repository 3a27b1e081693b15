"""Whatever goes wrong, and in whatever order: a reference is one order, none is placed twice, and caps are kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from batch_world import World
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from outbox_world import Outboxes

from wren_async import ReferenceReused, WrenAsyncError
from wren_async.outbox import CNaughtMass, Intent, OutboxCaps, State, WrenOffset, WrenTrees
from wren_async.sandbox import FaultKind, When

T = TypeVar("T")

INTENTS: list[Intent] = [
    CNaughtMass(amount_kg=5),
    CNaughtMass(amount_kg=50),
    WrenTrees(amount_of_trees=1, payment_method="credits"),
    WrenOffset(tons=1, payment_method="credits"),
]
CAP = 5000
FAULTS: dict[str, dict[str, Any]] = {
    "429": {"kind": FaultKind.RATE_LIMIT, "retry_after": 7},
    "400": {"kind": FaultKind.STATUS, "status": 400, "when": When.BEFORE},
    "401": {"kind": FaultKind.STATUS, "status": 401, "when": When.BEFORE},
    "402": {"kind": FaultKind.STATUS, "status": 402, "when": When.BEFORE},
    "503 before": {"kind": FaultKind.STATUS, "status": 503, "when": When.BEFORE},
    "503 after": {"kind": FaultKind.STATUS, "status": 503, "when": When.AFTER},
    "reset before": {"kind": FaultKind.RESET, "when": When.BEFORE},
    "reset after": {"kind": FaultKind.RESET, "when": When.AFTER},
    "reset in mid-answer": {"kind": FaultKind.RESET, "when": When.MID_BODY},
    "not JSON": {"kind": FaultKind.MALFORMED_JSON},
}


class OutboxUnderFire(RuleBasedStateMachine):
    """Submits, places, cancels and reopens an outbox while servers and clocks misbehave."""

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("wren_async").setLevel(logging.CRITICAL)
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.here = World.of(timeout=0.5)
        self.do(self.here.sandbox.start_here())
        self.do(self.here.seed())
        self.boxes = Outboxes(self.here, Path(self.folder.name) / "orders.outbox")
        self.submitted: dict[str, Intent] = {}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.here.sandbox.faults.clear()
        self.do(self._settle())
        self.do(self.here.sandbox.stop_here())
        self.runner.close()
        self.folder.cleanup()
        logging.getLogger("wren_async").setLevel(logging.NOTSET)

    @rule(numbers=st.lists(st.integers(0, 7), max_size=4), which=st.integers(0, 3))
    def submit(self, numbers: list[int], which: int) -> None:
        self.do(self._submit(numbers, INTENTS[which]))

    async def _submit(self, numbers: list[int], intent: Intent) -> None:
        async with self.boxes.open(caps=OutboxCaps(cents_per_day=CAP)) as outbox:
            for number in numbers:
                reference = f"ride-{number}"
                known = self.submitted.setdefault(reference, intent)
                try:
                    await outbox.submit(intent, reference=reference)
                    assert known == intent
                except ReferenceReused:
                    assert known != intent

    @rule(faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=4), probability=st.sampled_from([0.3, 1.0]))
    def place(self, faults: list[str], probability: float) -> None:
        self.do(self._drain(faults, probability))

    @rule(turns=st.integers(0, 400), faults=st.lists(st.sampled_from(sorted(FAULTS)), max_size=2))
    def place_and_be_cancelled(self, turns: int, faults: list[str]) -> None:
        self.do(self._drain(faults, 1.0, turns))

    async def _drain(self, faults: list[str], probability: float, turns: int | None = None) -> None:
        self.here.sandbox.faults.clear()
        for name in faults:
            self.here.sandbox.faults.add(**FAULTS[name], times=2, probability=probability)
        async with self.boxes.open(caps=OutboxCaps(cents_per_day=CAP), patience=0.0) as outbox:
            draining = asyncio.ensure_future(outbox.drain())
            for _ in range(turns or 0):
                await asyncio.sleep(0)
            if turns is not None:
                draining.cancel()
            with contextlib.suppress(WrenAsyncError, asyncio.CancelledError):
                await draining
        self.here.sandbox.faults.clear()

    @rule(hours=st.sampled_from([0, 1, 48]))
    def prune(self, hours: int) -> None:
        self.do(self._prune(timedelta(hours=hours)))

    async def _prune(self, older_than: timedelta) -> None:
        async with self.boxes.open() as outbox:
            totals = (await outbox.health()).totals
            await outbox.prune(older_than=older_than)
            assert (await outbox.health()).totals == totals

    @rule(seconds=st.sampled_from([10.0, 1000.0, 86_400.0]))
    def pass_time(self, seconds: float) -> None:
        self.here.pass_time(seconds)

    async def _settle(self) -> None:
        """With good servers and time enough, everything that was submitted is settled."""
        for _ in range(12):
            async with self.boxes.open(caps=OutboxCaps(cents_per_day=CAP)) as outbox:
                if (await outbox.health()).halted:
                    await outbox.resume()
                await outbox.drain()
            self.here.pass_time(86_400 / 2)
        async with self.boxes.open() as outbox:
            for reference, intent in self.submitted.items():
                found = await outbox.get(reference)
                assert found is not None
                assert found.is_pruned or found.intent == intent
                assert found.is_settled, found
                assert len(self.here.committed().get(reference, [])) == (found.state is State.PLACED), found
            numbers = [each.number async for each in self._all(outbox)]
            assert numbers == list(range(1, len(self.submitted) + 1))

    async def _all(self, outbox: Any) -> Any:
        for each in await outbox._it.store.finished(0, 1000):
            yield each

    @invariant()
    def nothing_is_ordered_twice(self) -> None:
        for reference, orders in self.here.committed().items():
            assert len(orders) == 1, reference
            assert reference in self.submitted


_effort = (20, 10) if "CI" in os.environ else (6, 8)
OutboxUnderFire.TestCase.settings = settings(
    max_examples=_effort[0],
    stateful_step_count=_effort[1],
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestOutboxUnderFire = OutboxUnderFire.TestCase
