"""Which order may be sent next: as many at once as the server bears, until the run takes no new ones.

A few orders are marked on disk before a slot is free, so that no slot stays empty while the disk is waited for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from wren_async.batch.run.concurrency import AdaptiveConcurrency
from wren_async.core.resting import rest
from wren_async.core.timing import Timing

_AHEAD: Final = 4
"""For every so many slots one order may be marked before a slot is free. More orders marked ahead would make up for a
slower disk, and leave more of them in doubt after a crash."""


class Slots:
    """Slots, each for one order on the wire, and the orders that wait for one."""

    def __init__(self, concurrency: AdaptiveConcurrency, timing: Timing) -> None:
        self._concurrency = concurrency
        self._timing = timing
        self._marked = 0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._changed = asyncio.Event()
        self._closed = asyncio.Event()
        self._abandoned = asyncio.Event()
        self.busy = 0
        """Orders on the wire."""

    @property
    def limit(self) -> int:
        """Orders that may be on the wire now."""
        return self._concurrency.limit

    @property
    def closed(self) -> bool:
        """Whether no new orders are taken."""
        return self._closed.is_set()

    @property
    def abandoned(self) -> bool:
        """Whether nothing is to be sent any more, not even again."""
        return self._abandoned.is_set()

    def close(self) -> None:
        """Take no new orders: those that wait for a slot are sent back."""
        self._closed.set()
        self._hand_out()
        self.wake()

    def abandon(self) -> None:
        """Take no new orders, and send none again either."""
        self._abandoned.set()
        self.close()

    async def room(self) -> bool:
        """Wait until one more order may be marked, and give slots to those that are. False once none are taken."""
        while not self.closed:
            self._hand_out()
            limit = self._concurrency.limit
            if pause := self._pause():
                await self.rest(pause)
            elif self.busy + self._marked >= limit + limit // _AHEAD:
                await self.change()
            else:
                return True
        return False

    def mark(self) -> None:
        """Count an order as marked: it will ask for a slot."""
        self._marked += 1

    def unmark(self) -> None:
        """Count an order as marked no more: it could not be."""
        self._marked -= 1
        self.wake()

    async def enter(self) -> bool:
        """Wait for the slot of a marked order. False where no new orders are taken any more."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._hand_out()
        return await turn

    def leave(self) -> None:
        """Free a slot, for the marked order that waits longest for one."""
        self.busy -= 1
        self._hand_out()
        self.wake()

    def wake(self) -> None:
        """Wake whoever waits for a change."""
        self._changed.set()

    async def change(self) -> None:
        """Wait until something has changed since the last time, which may be so already.

        Whoever waits here was busy elsewhere before, and must not miss what happened meanwhile: nothing else may ever
        happen.
        """
        await self._changed.wait()
        self._changed.clear()

    async def rest(self, seconds: float) -> None:
        """Wait, but no longer than new orders are taken."""
        await self._wait(seconds, self._closed)

    async def rest_before_repeat(self, seconds: float) -> None:
        """Wait, at least until the server's pause is over, but not once everything is abandoned."""
        await self._wait(max(seconds, self._pause()), self._abandoned)

    async def _wait(self, seconds: float, unless: asyncio.Event) -> None:
        if not unless.is_set():
            await rest(self._timing, seconds, unless)

    def _pause(self) -> float:
        return self._concurrency.pause(self._timing.monotonic())

    def _hand_out(self) -> None:
        """Give marked orders the free slots, or send all of them back once no new orders are taken."""
        if not self._waiting:
            return
        closed, limit = self.closed, self._concurrency.limit
        paused = self._pause() > 0
        while self._waiting and (closed or (self.busy < limit and not paused)):
            turn = self._waiting.popleft()
            self._marked -= 1
            if not turn.done():
                self.busy += not closed
                turn.set_result(not closed)
