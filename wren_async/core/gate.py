"""The gate in front of the connections: so many exchanges at a time, and who has waited longest goes first."""

from __future__ import annotations

import asyncio


class Gate:
    """Lets `limit` exchanges through at a time. It belongs to the event loop that first uses it.

    An HTTP pool with a crowd waiting in it spends more time on the crowd than on the requests; and what waits here has
    provably sent nothing.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_flight = 0
        """Exchanges that are under way."""
        self.waiting = 0
        """Calls that wait for a place."""
        self._places = asyncio.Semaphore(limit)

    async def enter(self, within: float | None) -> bool:
        """Take a place, waiting up to `within` seconds for it; whether there was one."""
        if not self._places.locked():
            await self._places.acquire()
        elif not await self._queue(within):
            return False
        self.in_flight += 1
        return True

    async def _queue(self, within: float | None) -> bool:
        self.waiting += 1
        try:
            async with asyncio.timeout(within):
                await self._places.acquire()
        except TimeoutError:
            return False
        finally:
            self.waiting -= 1
        return True

    def leave(self) -> None:
        """Give the place to whoever has waited longest."""
        self.in_flight -= 1
        self._places.release()
