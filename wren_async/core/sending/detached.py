"""The attempt of a write: one exchange in a task of the client's, so that cancelling the caller does not tear it."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from wren_async.core.outcome import AttemptResult
from wren_async.core.sending.session import Session
from wren_async.http.exchange import Progress

T = TypeVar("T")


class DetachedAttempt(Generic[T]):
    """An attempt of a write on its way. `await attempt.finished` for what it met.

    The caller may go away; `detach` then names who is told instead.
    """

    __slots__ = ("_heir", "_limit", "_result", "_session", "_task", "_timed_out", "_timer", "finished", "progress")

    def __init__(self, session: Session, limit: float | None) -> None:
        self.finished: asyncio.Future[AttemptResult[T]] = asyncio.get_running_loop().create_future()
        self.progress = Progress()
        self._session = session
        self._limit = limit
        self._timed_out = False
        self._result: AttemptResult[T] | None = None
        self._heir: Callable[[AttemptResult[T]], object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, exchange: Coroutine[Any, Any, object]) -> None:
        """Take off: `exchange` has to call `finish` with what it meets."""
        # One context for the task and for whatever is called back: a copy for each is one more object to look after.
        context = contextvars.copy_context()
        self._task = self._session.own(exchange, self._end, context)
        if self._limit is not None:
            # A timer of our own, not `asyncio.timeout`, which costs three times as much: nobody else cancels this task.
            self._timer = self.finished.get_loop().call_later(self._limit, self._time_out, context=context)

    def detach(self, heir: Callable[[AttemptResult[T]], object]) -> bool:
        """The caller is gone: tell `heir` what the attempt meets, and end it if nothing was sent yet.

        Whether something may have been sent.
        """
        if self._result is not None:
            heir(self._result)
            return not self._result.unsent
        self._heir = heir
        if self.progress.cancellable:
            self._task.cancel()
            return False
        return True

    def finish(self, result: AttemptResult[T]) -> None:
        """The exchange has ended. From within it, because its task's end would wake the caller a turn later."""
        if self._timer is not None:
            self._timer.cancel()
        self._task.remove_done_callback(self._end)  # there is nothing left to do then
        self._session.disown(self._task)
        self._session.limiter.leave()
        self._result = result
        if self._heir is not None:
            self._heir(result)
        elif not self.finished.done():
            self.finished.set_result(result)

    def _time_out(self) -> None:
        self._timed_out = True
        self._task.cancel()

    def _end(self, task: asyncio.Task[Any]) -> None:
        # It has not finished: cancelled, perhaps before it ran one line; or ended by what ends the whole program, such
        # as KeyboardInterrupt.
        error = None if task.cancelled() else task.exception()
        self.finish(timed_out(self._limit, self.progress) if self._timed_out else torn(self.progress, error))


def timed_out(limit: float | None, progress: Progress) -> AttemptResult[Any]:
    """What an attempt met that had no answer in time."""
    return AttemptResult(reason=f"no answer within {limit or 0:.3g} s", unsent=progress.unsent, timed_out=True)


def torn(progress: Progress, error: BaseException | None = None) -> AttemptResult[Any]:
    """What an attempt met that was ended from outside."""
    return AttemptResult(
        reason="the attempt was torn before an answer came", unsent=progress.unsent, torn=True, error=error
    )
