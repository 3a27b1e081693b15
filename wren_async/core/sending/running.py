"""An attempt that is under way, and what it holds until its end: its place at the limiter, and in a write a task."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from wren_async.core.outcome import AttemptResult
from wren_async.core.sending.limiter import Place
from wren_async.core.sending.session import Session
from wren_async.core.sending.telling import Watcher
from wren_async.http.exchange import Progress

T = TypeVar("T")


class RunningAttempt(Generic[T]):
    """An attempt under way. It owns its place at the limiter, and ends once, by `finish`.

    By itself it is the attempt of a read, which runs in the caller's task and ends when that is cancelled.
    """

    __slots__ = ("_place", "limit", "progress", "result", "watcher")

    def __init__(self, place: Place, limit: float | None) -> None:
        self._place = place
        self.limit = limit
        """Seconds that it may take."""
        self.progress = Progress()
        self.result: AttemptResult[T] | None = None
        """What came of it, once it has ended."""
        self.watcher: Watcher | None = None
        """Who is told of its end, once its beginning was told."""

    def finish(self, result: AttemptResult[T]) -> None:
        """It has ended with this result. After its end this does nothing."""
        if self.result is None:
            self.result = result
            self._place.leave()
            if self.watcher is not None:
                self.watcher.attempt_ended(result)


class DetachedAttempt(RunningAttempt[T]):
    """The attempt of a write: one exchange in a task of the client's, which goes on when the caller is cancelled.

    `await attempt.finished` for its result. Where the caller is cancelled meanwhile, `detach` names a function that
    gets the result instead.
    """

    __slots__ = ("_receiver", "_session", "_task", "_timed_out", "_timer", "finished")

    def __init__(self, place: Place, limit: float | None, session: Session) -> None:
        super().__init__(place, limit)
        self.finished: asyncio.Future[AttemptResult[T]] = asyncio.get_running_loop().create_future()
        self._session = session
        self._timed_out = False
        self._receiver: Callable[[AttemptResult[T]], object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, exchange: Coroutine[Any, Any, object]) -> None:
        """Start the task. `exchange` has to call `finish` with its result."""
        # One context for the task and its callbacks: asyncio would copy one for each, which the collector has to visit.
        context = contextvars.copy_context()
        self._task = self._session.own(exchange, self._end_of_task, context)
        if self.limit is not None:
            # A timer of our own, not `asyncio.timeout`, which costs three times as much: nobody else cancels this task.
            self._timer = self.finished.get_loop().call_later(self.limit, self._time_out, context=context)

    def detach(self, receiver: Callable[[AttemptResult[T]], object]) -> bool:
        """The caller was cancelled: give the result to `receiver`, and end the attempt if nothing was sent yet.

        Returns whether something may have been sent.
        """
        if self.result is not None:
            receiver(self.result)
            return not self.result.unsent
        self._receiver = receiver
        if self.progress.cancellable:
            self._task.cancel()
            return False
        return True

    def finish(self, result: AttemptResult[T]) -> None:
        """Release what the attempt holds, and pass its result on.

        The exchange calls this itself as its last step: a callback of its task would wake the caller one turn of the
        loop later. Where the exchange is cancelled before that, the callback `_end_of_task` calls it.
        """
        super().finish(result)
        if self._timer is not None:
            self._timer.cancel()
        self._task.remove_done_callback(self._end_of_task)
        self._session.disown(self._task)
        if self._receiver is not None:
            self._receiver(result)
        elif not self.finished.done():
            self.finished.set_result(result)

    def _time_out(self) -> None:
        self._timed_out = True
        self._task.cancel()

    def _end_of_task(self, task: asyncio.Task[Any]) -> None:
        # The exchange did not call `finish`: it was cancelled, perhaps before its first line, or an exception such as
        # KeyboardInterrupt ended it.
        error = None if task.cancelled() else task.exception()
        self.finish(timed_out(self.limit, self.progress) if self._timed_out else aborted(self.progress, error))


def timed_out(limit: float | None, progress: Progress) -> AttemptResult[Any]:
    """The result of an attempt that had no answer in time."""
    return AttemptResult(reason=f"no answer within {limit or 0:.3g} s", unsent=progress.unsent, timed_out=True)


def aborted(progress: Progress, error: BaseException | None = None) -> AttemptResult[Any]:
    """The result of an attempt that was ended from outside: by whoever cancelled the caller of a read, by a client that
    closes, or by a loop that shuts down."""
    return AttemptResult(
        reason="the attempt was broken off before an answer came", unsent=progress.unsent, aborted=True, error=error
    )
