"""What follows once orders are settled: they are numbered, others get word of them, and the callback gets them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from wren_async.batch.events import BatchTelemetry
from wren_async.batch.run.server_clock import ServerClocks
from wren_async.core.timing import Timing
from wren_async.outbox.names import MAIN
from wren_async.outbox.store import OutboxStore, Submission
from wren_async.outbox.waiting import Waiting

OnSettled = Callable[[Submission], Awaitable[object]]

_TOLD: Final = "outbox told"
"""Name of the note that says up to which number settled orders were handed to the callback."""
_PAGE: Final = 200
_LOOK: Final = 2.0
"""Seconds after which a shared outbox is looked at: other processes may end before they have numbered their orders."""
_LONGEST_REST: Final = 60.0
_logger = logging.getLogger("wren_async.outbox")


@attrs.define(eq=False)
class Telling:
    """Hands settled orders on, in their order, each at least once."""

    store: OutboxStore
    name: str
    waiting: Waiting
    clocks: ServerClocks
    timing: Timing
    on_settled: OnSettled | None
    telemetry: BatchTelemetry | None
    freed: Callable[[], None] = attrs.field(init=False, default=lambda: None)
    """Is called when orders were counted, and may have left room under the caps."""
    problem: str | None = None
    """Why settled orders are not handed on now, if that is so."""
    _news: asyncio.Event = attrs.field(factory=asyncio.Event)
    _references: set[str] = attrs.field(factory=set[str])

    def settled(self, reference: str) -> None:
        """There is something new of this order."""
        self._references.add(reference)
        self.waiting.wake(reference)
        self._news.set()

    async def once(self) -> None:
        """Number what was settled, give word of it, and hand it to the callback."""
        if references := [*self._references]:
            self._references.clear()
            await self.store.nudge(references)
        await self.number()
        if self.telemetry is not None:
            batch = "outbox" if self.name == MAIN else f"outbox {self.name}"
            self.telemetry.note_totals(await self.store.totals(), batch=batch)
        if self.on_settled is not None and await self.store.begin_telling():
            try:
                if await self.store.noted(_TOLD) is None:
                    # From here on nothing is pruned that the callback has not got, by whichever process.
                    await self.store.note(_TOLD, "0")
                await self._tell(self.on_settled)
            finally:
                await self.store.end_telling()

    async def number(self) -> None:
        """Number what was settled."""
        while await self.store.finish(self.clocks.now()):
            self.waiting.wake_any()
            self.freed()

    async def forever(self) -> None:
        """Hand on whatever is settled, until cancelled."""
        failures = 0
        while True:
            self._news.clear()
            try:
                await self.once()
                failures, self.problem = 0, None
            except Exception as error:
                failures += 1
                self.problem = self.problem or f"settled orders cannot be handed on: {error}"
                _logger.exception("settled orders could not be handed on; they are handed on again")
                await self.timing.sleep(min(_LONGEST_REST, 2.0 ** min(failures, 10)))
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK if self.store.is_shared else None):
                    await self._news.wait()

    async def told(self) -> int | None:
        """Up to which number orders were handed to a callback; `None` where there never was one."""
        noted = await self.store.noted(_TOLD)
        return int(noted) if noted else None if self.on_settled is None else 0

    async def _tell(self, on_settled: OnSettled) -> None:
        told = await self.told() or 0
        while page := await self.store.finished(told, _PAGE):
            for submission in page:
                try:
                    await on_settled(submission)
                except Exception as error:
                    failed = f"on_settled raised {type(error).__name__}"
                    self.problem = f"{failed} for {submission.reference!r}: it gets no other order before it returned"
                    raise
                told = submission.number or told
                await self.store.note(_TOLD, str(told))
