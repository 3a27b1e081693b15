"""The attempt of a write: one exchange in a task of the client's, which goes on when the caller is cancelled."""

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
    """An attempt of a write that is under way. `await attempt.finished` for its result.

    Where the caller is cancelled meanwhile, `detach` names a function that gets the result instead.
    """

    __slots__ = ("_limit", "_receiver", "_result", "_session", "_task", "_timed_out", "_timer", "finished", "progress")

    def __init__(self, session: Session, limit: float | None) -> None:
        self.finished: asyncio.Future[AttemptResult[T]] = asyncio.get_running_loop().create_future()
        self.progress = Progress()
        self._session = session
        self._limit = limit
        self._timed_out = False
        self._result: AttemptResult[T] | None = None
        self._receiver: Callable[[AttemptResult[T]], object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, exchange: Coroutine[Any, Any, object]) -> None:
        """Start the task. `exchange` has to call `finish` with its result."""
        # One context for the task and its callbacks: asyncio would copy one for each, which the collector has to visit.
        context = contextvars.copy_context()
        self._task = self._session.own(exchange, self._end, context)
        if self._limit is not None:
            # A timer of our own, not `asyncio.timeout`, which costs three times as much: nobody else cancels this task.
            self._timer = self.finished.get_loop().call_later(self._limit, self._time_out, context=context)

    def detach(self, receiver: Callable[[AttemptResult[T]], object]) -> bool:
        """The caller was cancelled: give the result to `receiver`, and end the attempt if nothing was sent yet.

        Returns whether something may have been sent.
        """
        if self._result is not None:
            receiver(self._result)
            return not self._result.unsent
        self._receiver = receiver
        if self.progress.cancellable:
            self._task.cancel()
            return False
        return True

    def finish(self, result: AttemptResult[T]) -> None:
        """Release what the attempt holds, and pass its result on.

        The exchange calls this itself as its last step: a callback of its task would wake the caller one turn of the
        loop later. Where the exchange is cancelled before that, the callback `_end` calls it.
        """
        if self._timer is not None:
            self._timer.cancel()
        self._task.remove_done_callback(self._end)
        self._session.disown(self._task)
        self._session.limiter.leave()
        self._result = result
        if self._receiver is not None:
            self._receiver(result)
        elif not self.finished.done():
            self.finished.set_result(result)

    def _time_out(self) -> None:
        self._timed_out = True
        self._task.cancel()

    def _end(self, task: asyncio.Task[Any]) -> None:
        # The exchange did not call `finish`: it was cancelled, perhaps before its first line, or an exception such as
        # KeyboardInterrupt ended it.
        error = None if task.cancelled() else task.exception()
        self.finish(timed_out(self._limit, self.progress) if self._timed_out else aborted(self.progress, error))


def timed_out(limit: float | None, progress: Progress) -> AttemptResult[Any]:
    """The result of an attempt that had no answer in time."""
    return AttemptResult(reason=f"no answer within {limit or 0:.3g} s", unsent=progress.unsent, timed_out=True)


def aborted(progress: Progress, error: BaseException | None = None) -> AttemptResult[Any]:
    """The result of an attempt that was ended from outside, by a client that closes or a loop that shuts down."""
    return AttemptResult(
        reason="the attempt was broken off before an answer came", unsent=progress.unsent, aborted=True, error=error
    )
