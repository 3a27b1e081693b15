"""The limiter in front of the connections: a number of exchanges at a time, and whoever has waited longest is next."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TypeAlias

Waiter: TypeAlias = "asyncio.Future[Place | None]"


def affordable(wish: int) -> int:
    """The number of exchanges wished for, or half of the files that the process may have open, where that is fewer."""
    try:
        import resource
    except ModuleNotFoundError:  # pragma: no cover - Windows has no such limit
        return wish
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wish if files == resource.RLIM_INFINITY else max(1, min(wish, files // 2))


class Place:
    """A place at the limiter. Whoever holds it gives it back by `leave`; to do so again changes nothing."""

    __slots__ = ("_limiter",)

    def __init__(self, limiter: ConcurrencyLimiter) -> None:
        self._limiter: ConcurrencyLimiter | None = limiter
        limiter.in_flight += 1

    def leave(self) -> None:
        """Give the place back: to whoever has waited longest, if anybody waits."""
        limiter, self._limiter = self._limiter, None
        if limiter is not None:
            limiter.in_flight -= 1
            limiter.pass_on()


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
        """Places that are taken: exchanges that are under way."""
        self._closed = False
        self._queue: OrderedDict[Waiter, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Calls that wait for a place."""
        return len(self._queue)

    def enter(self) -> Place | None:
        """A place, if one is free."""
        return Place(self) if self.in_flight < self.limit and not self._closed else None

    async def wait(self, within: float | None) -> Place | None:
        """A place as soon as one is free; `None` where none is within so many seconds, or no more are given."""
        if (place := self.enter()) is not None or self._closed:
            return place
        loop = asyncio.get_running_loop()
        waiter: Waiter = loop.create_future()
        self._queue[waiter] = None
        timer = None if within is None else loop.call_later(within, self._turn_away, waiter)
        try:
            place = await waiter
        except BaseException:
            self._withdraw(waiter)
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if place is not None and self._closed:
            place.leave()  # it closed in the same turn of the loop in which the place came
            return None
        return place

    def close(self) -> None:
        """Give no more places, and turn away those who wait. Places that are taken are not concerned."""
        self._closed = True
        while self._queue:
            self._turn_away(next(iter(self._queue)))

    def pass_on(self) -> None:
        """Give a place that has become free to whoever has waited longest."""
        while self._queue and self.in_flight < self.limit:
            waiter, _ = self._queue.popitem(last=False)
            if not waiter.done():
                waiter.set_result(Place(self))

    def _turn_away(self, waiter: Waiter) -> None:
        self._queue.pop(waiter, None)
        if not waiter.done():
            waiter.set_result(None)

    def _withdraw(self, waiter: Waiter) -> None:
        """Whoever waited was cancelled, perhaps in the same turn of the loop in which the place came."""
        self._queue.pop(waiter, None)
        if waiter.done() and not waiter.cancelled() and (place := waiter.result()) is not None:
            place.leave()
