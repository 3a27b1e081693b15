"""A sandbox, clients and a clock of their own, for tests of batches: waits take no time, and time passes on request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from wren_async import CNaughtClient, Timing, WrenClient
from wren_async.batch.events import Ended, Event, Settled
from wren_async.batch.intents import CNaughtMass, Intent, WrenOffset
from wren_async.batch.journal.contract import State
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.run.batch import Batch
from wren_async.sandbox import CNaughtBehaviours, Sandbox, WrenBehaviours

PATIENT = 30.0
"""Seconds of an attempt. They are real, and a busy machine may need many of them; no test waits for their end."""


@attrs.define
class World:
    """What a test of batches needs."""

    sandbox: Sandbox
    timeout: float = PATIENT
    shift: float = 0.0
    """Seconds by which time is ahead, here and on the server."""
    jump: float = 0.0
    """Seconds by which the wall clock here is wrong."""
    waits: list[float] = attrs.field(factory=list[float])

    @classmethod
    def of(cls, *, lag: float = 0.0, timeout: float = PATIENT) -> World:
        """A world whose lists lag behind by some seconds."""
        late = timedelta(seconds=lag)
        return cls(
            Sandbox(
                wren=WrenBehaviours(list_lag=late, ledger_lag=late, rows_with_group_id=True),
                cnaught=CNaughtBehaviours(order_list_lag=late),
            ),
            timeout,
        )

    @property
    def timing(self) -> Timing:
        """Clocks and waits."""
        return Timing(
            monotonic=lambda: time.monotonic() + self.shift,
            utc=lambda: datetime.now(UTC) + timedelta(seconds=self.shift + self.jump),
            sleep=self._sleep,
            draw=lambda: 1.0,
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.pass_time(seconds)
        await asyncio.sleep(0)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, here and there."""
        self.shift += seconds
        self.sandbox.clock.move(seconds)

    def clients(self) -> tuple[WrenClient, CNaughtClient]:
        """New clients."""
        wren, cnaught = self.sandbox.wren, self.sandbox.cnaught
        return (
            WrenClient(wren.live_token, base_url=wren.base_url, timing=self.timing, timeout=self.timeout),
            CNaughtClient(cnaught.api_key, base_url=cnaught.base_url, timing=self.timing, timeout=self.timeout),
        )

    async def seed(self) -> None:
        """Place an order on each API that carries a reference, so that the lists show that they carry them."""
        wren, cnaught = self.clients()
        async with wren, cnaught:
            await wren.offset_orders.create(tons=1, payment_method="credits", reference="seed")
            await wren.tree_orders.create(amount_of_trees=1, payment_method="credits", reference="seed")
            await wren.project_orders.create(
                project_id=18, amount_in_usd_cents=100, payment_method="credits", reference="seed"
            )
            await cnaught.orders.create(amount_kg=1, reference="seed")
        self.pass_time(3600)

    def committed(self) -> dict[str, list[Any]]:
        """The orders of the sandbox by their reference."""
        found: dict[str, list[Any]] = {}
        for order in self.sandbox.orders:
            text = order.reference or ""
            if "[ref:" in text:
                found.setdefault(text.partition("[ref:")[2].partition("]")[0], []).append(order)
        found.pop("seed", None)
        return found

    @asynccontextmanager
    async def batch(self, journal: Any = None, **options: Any) -> AsyncIterator[Batch]:
        """A batch with clients of its own."""
        wren, cnaught = self.clients()
        async with wren, cnaught:
            given = MemoryJournal() if journal is None else journal
            async with Batch(given, wren=wren, cnaught=cnaught, timing=self.timing, **options) as batch:
                yield batch


@asynccontextmanager
async def world(**options: Any) -> AsyncIterator[World]:
    """A world whose sandbox listens."""
    made = World.of(**options)
    async with made.sandbox:
        yield made


async def run(batch: Batch) -> list[Event]:
    """Run a batch to its end."""
    return [event async for event in batch.run()]


def end_of(events: Iterable[Event]) -> Ended:
    """The last event of a run."""
    last = list(events)[-1]
    assert isinstance(last, Ended)
    return last


def settled(events: Iterable[Event]) -> list[Settled]:
    """Those that tell what came of an order."""
    return [event for event in events if isinstance(event, Settled)]


async def states(batch: Batch) -> list[State]:
    """What became of each order, in their order."""
    return [entry.result.state async for entry in batch.entries()]


def kilograms(*amounts: int) -> list[Intent]:
    """An order of CNaught's for each amount."""
    return [CNaughtMass(amount_kg=amount) for amount in amounts]


def tonnes(count: int) -> list[Intent]:
    """So many orders of Wren's, of a tonne each."""
    return [WrenOffset(tons=1, payment_method="credits") for _ in range(count)]
