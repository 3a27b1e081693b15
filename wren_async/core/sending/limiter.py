"""The limiter in front of the connections: a number of exchanges at a time, and whoever has waited longest is next."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TypeAlias

Waiter: TypeAlias = "asyncio.Future[bool]"


def affordable(wish: int) -> int:
    """The number of exchanges wished for, or half of the files that the process may have open, where that is fewer."""
    try:
        import resource
    except ModuleNotFoundError:  # pragma: no cover - Windows has no such limit
        return wish
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wish if files == resource.RLIM_INFINITY else max(1, min(wish, files // 2))


class ConcurrencyLimiter:
    """Lets `limit` exchanges through at a time. It belongs to the event loop that first uses it.

    Calls wait here and not in the HTTP pool, because a pool with many waiters spends more time on them than on the
    requests, and because a call that waits here has provably sent nothing. A place that becomes free goes straight to
    whoever has waited longest, so that no newer call can take it first. A semaphore inside `asyncio.timeout` would do
    the same at three times the cost.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_flight = 0
        """Exchanges that are under way."""
        self._queue: OrderedDict[Waiter, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Calls that wait for a place."""
        return len(self._queue)

    def enter(self) -> bool:
        """Take a place if one is free. Returns whether one was."""
        if self.in_flight >= self.limit:
            return False
        self.in_flight += 1
        return True

    async def wait(self, within: float | None) -> bool:
        """Take a place as soon as one is free, waiting up to `within` seconds for it. Returns whether one was."""
        if self.enter():
            return True
        loop = asyncio.get_running_loop()
        waiter: Waiter = loop.create_future()
        self._queue[waiter] = None
        timer = None if within is None else loop.call_later(within, self._turn_away, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            self._queue.pop(waiter, None)
            if waiter.done() and not waiter.cancelled() and waiter.result():
                self.leave()  # the place came in the same turn of the loop as the cancellation
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _turn_away(self, waiter: Waiter) -> None:
        self._queue.pop(waiter, None)
        if not waiter.done():
            waiter.set_result(False)

    def leave(self) -> None:
        """Give the place back: to whoever has waited longest, if anybody waits."""
        while self._queue:
            waiter, _ = self._queue.popitem(last=False)
            if not waiter.done():
                waiter.set_result(True)
                return
        self.in_flight -= 1
