"""A thread with an event loop, in which coroutines run for callers in other threads."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar, cast

from wren_async.core.printable import printable
from wren_async.core.sending.session import attach_outcome, outcome_of
from wren_async.errors import ClientClosed, UsageError

T = TypeVar("T")


class Portal:
    """A thread with an event loop. It begins with the first call, and any thread may call.

    Until then nothing is bound to a process: a client that was made before a fork may be used after it, but not one
    that was used before.
    """

    def __init__(self, prepare: Callable[[], object], close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._prepare = prepare
        self._close = close
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid: int | None = None
        self._closed = False

    @property
    def is_usable(self) -> bool:
        """Whether coroutines can be run from here."""
        return not self._closed and self._pid in (None, os.getpid()) and threading.current_thread() is not self._thread

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, and return its value or raise its error.

        Ctrl-C, and whatever else the handler of a signal raises, cancels it, and is raised once it has ended.
        """
        job = _Job(work)
        try:
            self._post(job)
        except UsageError:
            work.close()
            raise
        except BaseException as interrupted:
            job.cancel_soon(self._loop)
            _tell_what_was_left(interrupted, job)
            raise
        return job.outcome(self._loop)

    def read(self, look: Callable[[], T]) -> T:
        """What the loop's thread sees at a moment when it changes nothing; or this thread, where there is no loop."""
        if self._loop is None or not self.is_usable:
            return look()

        async def there() -> T:
            return look()

        return self.run(there())

    def close(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a last coroutine, and end the thread. A second time, or in a forked process, it does nothing."""
        if self._pid not in (None, os.getpid()):
            work.close()
            return
        with self._lock:
            first, self._closed = not self._closed, True
        if not first or self._loop is None:
            work.close()
            return
        _open.discard(self)
        loop, thread = self._loop, cast(threading.Thread, self._thread)
        try:
            job = _Job(work)
            loop.call_soon_threadsafe(job.begin)
            job.outcome(loop)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def close_at_exit(self) -> None:
        """Close what a program left open, so that an order on the wire is decided, or named in the log."""
        self.close(self._close())

    def check(self) -> None:
        """Raise `UsageError` where the client cannot be used from here; else the thread begins, if it has not."""
        self._refuse()
        with self._lock:
            self._running_loop()

    def _post(self, job: _Job[Any]) -> None:
        self._refuse()
        with self._lock:
            # Within the lock, so that it begins before a loop that is being closed stops.
            self._running_loop().call_soon_threadsafe(job.begin)

    def _refuse(self) -> None:
        if self._pid not in (None, os.getpid()):
            # Before the lock is touched, which another thread may have held at the fork.
            raise UsageError(
                "the client was used before this process was forked, and its connections belong to the parent; make a "
                "client in each process, after the fork"
            )
        if threading.current_thread() is self._thread:
            raise UsageError("a sync client was called from its own thread, which would wait for itself for ever")

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._closed:
            raise ClientClosed("the client is closed; make a new one, or keep it open for as long as it is used")
        return self._loop or self._start()

    def _start(self) -> asyncio.AbstractEventLoop:
        self._prepare()
        begun = threading.Event()
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._serve, args=(begun,), name="wren-async", daemon=True)
        self._thread.start()
        begun.wait()
        if not _open:
            atexit.register(_close_all)
        _open.add(self)
        return cast(asyncio.AbstractEventLoop, self._loop)

    def _serve(self, begun: threading.Event) -> None:
        # While the interpreter shuts down, it refuses the thread in which a loop would end its executor.
        with contextlib.suppress(RuntimeError), asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._loop.call_soon(begun.set)
            self._loop.run_forever()


_open: Final[set[Portal]] = set()


def _close_all() -> None:
    for portal in list(_open):
        portal.close_at_exit()


class _Job(Generic[T]):
    """A coroutine that runs in the loop for a thread that waits for its end."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._context = contextvars.copy_context()
        self._task: asyncio.Task[None] | None = None
        self.ended = threading.Event()
        self.value: T | None = None
        self.error: BaseException | None = asyncio.CancelledError()

    def begin(self) -> None:
        """Start it. In the loop's thread, as `cancel` is."""
        if not self.ended.is_set():
            self._task = asyncio.get_running_loop().create_task(self._carry(), context=self._context)
            self._task.add_done_callback(lambda _: self._end())

    async def _carry(self) -> None:
        # Not even a `SystemExit` may end the loop, for which others wait, too.
        try:
            self.value, self.error = await self._work, None
        except BaseException as error:
            self.error = error

    def cancel(self) -> None:
        """The caller no longer waits for its value."""
        if self._task is None:
            self._end()
        else:
            self._task.cancel()

    def cancel_soon(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Cancel it from another thread, and wait until it has ended."""
        try:
            cast(asyncio.AbstractEventLoop, loop).call_soon_threadsafe(self.cancel)
        except (AttributeError, RuntimeError):
            # There is no loop yet, or none any more, in which it could go on.
            self._end()
        self.ended.wait()

    def outcome(self, loop: asyncio.AbstractEventLoop | None) -> T:
        """Wait for its end, from another thread: its value, or its error."""
        try:
            self.ended.wait()
        except BaseException as interrupted:
            # Only once it has ended does the client's `outcomes` know of a write that was on the wire.
            self.cancel_soon(loop)
            _tell_what_was_left(interrupted, self)
            raise
        if isinstance(self.error, asyncio.CancelledError):
            closed = ClientClosed("the client was closed before this call had ended")
            _tell_what_was_left(closed, self)
            raise closed from None
        if self.error is not None:
            raise self.error
        return cast(T, self.value)

    def _end(self) -> None:
        self._work.close()
        self.ended.set()


def _tell_what_was_left(interrupted: BaseException, job: _Job[Any]) -> None:
    if job.error is None:
        interrupted.add_note(f"the call had just ended, with {printable(repr(job.value))}")
    elif (outcome := outcome_of(job.error)) is not None:
        attach_outcome(interrupted, outcome)
