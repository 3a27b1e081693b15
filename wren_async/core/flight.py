"""The flight of a write: one exchange in a task of the client's, so that cancelling the caller does not tear it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from wren_async.core.outcome import Met
from wren_async.core.session import Session
from wren_async.http.exchange import Progress

T = TypeVar("T")


class Flight(Generic[T]):
    """An attempt of a write on its way. `await flight.landed` for what it met.

    The caller may go away; `hand_over` then names who is told instead.
    """

    __slots__ = ("_heir", "_limit", "_met", "_progress", "_session", "_task", "_timed_out", "_timer", "landed")

    def __init__(
        self,
        exchange: Callable[[Progress], Coroutine[Any, Any, Met[T]]],
        session: Session,
        limit: float | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.landed: asyncio.Future[Met[T]] = loop.create_future()
        self._session = session
        self._progress = Progress()
        self._limit = limit
        self._timed_out = False
        self._met: Met[T] | None = None
        self._heir: Callable[[Met[T]], object] | None = None
        self._task = session.own(self._fly(exchange), self._end)
        # A timer of our own and not `asyncio.timeout`, which costs three times as much: nobody else cancels this task.
        self._timer = None if limit is None else loop.call_later(limit, self._time_out)

    def hand_over(self, heir: Callable[[Met[T]], object]) -> bool:
        """The caller is gone: tell `heir` what the flight meets, and end it if nothing was sent yet.

        Whether something may have been sent.
        """
        if self._met is not None:
            heir(self._met)
            return not self._met.unsent
        self._heir = heir
        if self._progress.unsent:
            self._task.cancel()
            return False
        return True

    def _time_out(self) -> None:
        self._timed_out = True
        self._task.cancel()

    async def _fly(self, exchange: Callable[[Progress], Coroutine[Any, Any, Met[T]]]) -> None:
        # From here and not from the task's end, which would wake the caller one turn of the loop later.
        self._land(await exchange(self._progress))

    def _end(self, task: asyncio.Task[None]) -> None:
        self._session.disown(task)
        if self._met is not None:
            return
        # Cancelled, perhaps before it ran one line; or ended by what ends the whole program, such as KeyboardInterrupt.
        error = None if task.cancelled() else task.exception()
        self._land(timed_out(self._limit, self._progress) if self._timed_out else torn(self._progress, error))

    def _land(self, met: Met[T]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._session.gate.leave()
        self._met = met
        if self._heir is not None:
            self._heir(met)
        elif not self.landed.done():
            self.landed.set_result(met)


def timed_out(limit: float | None, progress: Progress) -> Met[Any]:
    """What an attempt met that had no answer in time."""
    return Met(reason=f"no answer within {limit or 0:.3g} s", unsent=progress.unsent, timed_out=True)


def torn(progress: Progress, error: BaseException | None = None) -> Met[Any]:
    """What an attempt met that was ended from outside."""
    return Met(reason="the attempt was torn before an answer came", unsent=progress.unsent, error=error)
