"""An outbox while it is open: its store, those who place its orders, and those who wait for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import JournalError
from wren_async.core.ending import end
from wren_async.outbox.feed import KeptCaps
from wren_async.outbox.placing import Placing
from wren_async.outbox.results import Results
from wren_async.outbox.store import OutboxStore
from wren_async.outbox.telling import Telling

if TYPE_CHECKING:
    from wren_async.postgres.dsn import Dsn

LEAVING: Final = 5.0
"""Seconds for which an outbox that is closed waits until its last orders are numbered."""


@attrs.define(eq=False, kw_only=True)
class OpenOutbox:
    """What is there from `async with` on."""

    name: str
    store: OutboxStore
    caps: KeptCaps
    results: Results
    telling: Telling
    placing: Mapping[Api, Placing] = attrs.field(factory=dict[Api, Placing])
    _workers: list[asyncio.Task[None]] = attrs.field(factory=list[asyncio.Task[None]])
    _others: list[asyncio.Task[None]] = attrs.field(factory=list[asyncio.Task[None]])

    def begin(self, *, has_worker: bool, hears: Dsn | None) -> None:
        """Place orders in the background, where that is wanted, and hear what other processes have to tell."""
        self.store.on_submitted(self.wake)
        if has_worker:
            self._workers = [
                asyncio.create_task(placing.forever(), name=f"outbox {api}") for api, placing in self.placing.items()
            ]
            self._others.append(asyncio.create_task(self.telling.forever(), name="outbox results"))
        if hears is not None:
            from wren_async.outbox.listening import listen

            self._others.append(asyncio.create_task(listen(hears, self.hear), name="outbox word"))

    def wake(self) -> None:
        """Something was submitted, or may be placed."""
        for placing in self.placing.values():
            placing.wake()

    def freed(self) -> None:
        """There may be room under the caps again."""
        for placing in self.placing.values():
            placing.freed()

    def hear(self, payload: str) -> None:
        """Take word from another process: of a settled order, or of submissions; or of anything, where it is empty."""
        name, _, reference = payload.partition(":")
        if payload and name != self.name:
            return
        if reference:
            self.results.waiting.wake(reference)
            self.results.waiting.wake_any()
        else:
            self.wake()

    async def close(self, patience: float) -> None:
        """Begin nothing more, wait some seconds for what is on the wire, and let go of everything."""
        self.results.is_closing = True
        try:
            for placing in self.placing.values():
                placing.stop()
            if self._workers:
                await asyncio.wait(self._workers, timeout=patience)
        finally:
            await end(*self._workers, *self._others)
            try:
                for placing in self.placing.values():
                    await placing.leave()
                await self._number()
            finally:
                self.results.waiting.wake_all()
                await self.store.aclose()

    async def _number(self) -> None:
        """Number what was settled last. Where the database does not answer, whoever comes next does it."""
        if not self.store.is_shared:
            await self.telling.number()
            return
        with contextlib.suppress(JournalError, TimeoutError):
            async with asyncio.timeout(LEAVING):
                await self.telling.number()


async def each(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do several things side by side, each to its end, and then raise what the first that failed has raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        if tasks:
            await asyncio.wait(tasks)
    finally:
        await end(*tasks)
    for task in tasks:
        task.result()
