"""Whose turn it is to be on the wire: as many orders at once as the server bears, until the run takes no new ones.

The wire does not wait for the disk: a few orders are marked ahead of their turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from wren_async.batch.run.concurrency import AdaptiveConcurrency
from wren_async.core.timing import Timing

_AHEAD: Final = 4
"""For so many orders that may be on the wire, one more may be marked ahead. After a crash it is in doubt as well."""


class Slots:
    """Places on the wire, and the orders that wait for one."""

    def __init__(self, concurrency: AdaptiveConcurrency, timing: Timing) -> None:
        self._concurrency = concurrency
        self._timing = timing
        self._marked = 0
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._stirred = asyncio.Event()
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
        """Whether it takes no new orders."""
        return self._closed.is_set()

    @property
    def abandoned(self) -> bool:
        """Whether nothing is to be sent any more, not even again."""
        return self._abandoned.is_set()

    def close(self) -> None:
        """Take no new orders: those that wait for a place are sent back."""
        self._closed.set()
        self._hand_out()
        self.stir()

    def abandon(self) -> None:
        """Close it, and let what is on it not be sent again either."""
        self._abandoned.set()
        self.close()

    async def room(self) -> bool:
        """Wait until one more order may be marked, and give those that are marked their places. False once closed."""
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
        """Count an order as marked: it has a claim on a place."""
        self._marked += 1

    async def enter(self) -> bool:
        """Take the place of a marked order, once it is free. False where the wire closes first."""
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._hand_out()
        return await turn

    def leave(self) -> None:
        """Give a place free."""
        self.busy -= 1
        self.stir()

    def stir(self) -> None:
        """Wake who waits for a change."""
        self._stirred.set()

    async def change(self) -> None:
        """Wait until something changes."""
        self._stirred.clear()
        await self._stirred.wait()

    async def rest(self, seconds: float) -> None:
        """Wait, but not past the closing."""
        await self._wait(seconds, self._closed)

    async def rest_before_repeat(self, seconds: float) -> None:
        """Wait, and for a pause of the server's, but not once everything is abandoned."""
        await self._wait(max(seconds, self._pause()), self._abandoned)

    async def _wait(self, seconds: float, unless: asyncio.Event) -> None:
        if unless.is_set():
            return
        sleep = asyncio.ensure_future(self._timing.sleep(seconds))
        ended = asyncio.ensure_future(unless.wait())
        try:
            await asyncio.wait({sleep, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            ended.cancel()

    def _pause(self) -> float:
        return self._concurrency.pause(self._timing.monotonic())

    def _hand_out(self) -> None:
        """Give marked orders their places, or send all of them back once the wire is closed."""
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
