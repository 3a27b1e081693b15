"""A worker of procrastinate that is started again when it ends, and whose lost jobs are put back.

procrastinate's own worker ends without an error when the database was restarted, takes nothing over from a worker that
died, and may stop listening. None of that loses an order, since the next look finds it; but somebody has to look.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Final, Literal

from procrastinate import App
from procrastinate.exceptions import AppNotOpen, ConnectorException
from procrastinate.worker import Worker

from wren_async.core.ending import end
from wren_async.core.resting import rest
from wren_async.core.timing import Timing
from wren_async.errors import InvalidArgument, InvalidConfiguration
from wren_async.jobs.deferring import QUEUE
from wren_async.jobs.running import RunningJobs
from wren_async.jobs.stalled import StalledJobs

_POLL: Final = 2.0
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 60.0
_WELL: Final = 60.0
"""Seconds after which a worker that ends is taken to have run well: the waits begin anew."""
_BEATS: Final = 3
"""Heartbeats that a worker may miss."""
_LOOKS: Final = 3
"""Looks in which a job may wait although its worker has room for it."""
_LONGEST_LOOK: Final = 10.0
_LEAVING: Final = 5.0
"""Seconds that procrastinate's worker may take for its end, after its jobs have ended."""

logger = logging.getLogger("wren_async.jobs")


class SupervisedWorker:
    """Runs the jobs of an app of procrastinate, and goes on by itself whatever becomes of the database.

    It starts procrastinate's worker again whenever that ends, after a wait that grows; puts back jobs of `QUEUE` that
    nobody runs any more; and begins anew with a worker that leaves jobs waiting although it has room for them.
    """

    def __init__(
        self,
        app: App,
        *,
        queues: Collection[str] = (QUEUE,),
        concurrency: int = 8,
        poll: float = _POLL,
        listen: bool = True,
        heartbeat: float = 10.0,
        patience: float = 30.0,
        longest_wait: float = _LONGEST_WAIT,
        delete_jobs: Literal["never", "successful", "always"] = "successful",
        timing: Timing | None = None,
    ) -> None:
        """Make it; `run` begins.

        Args:
            app: An app of procrastinate with the tasks of `add_jobs`. It has to be open while this runs.
            queues: Whose jobs it runs. Others of the app's may be among them.
            concurrency: Jobs at once. A batch takes one for each of its workers, and so does the outbox.
            poll: Seconds after which it looks for jobs, though nobody gave word: what it takes where listening ended.
            listen: Whether the database gives word of new jobs. Say no where a pooler is between.
            heartbeat: Seconds between two signs of life. After three the others put back what this worker had.
            patience: Seconds to wait for its jobs when it is stopped. Ours end by themselves, once what they have on
                the wire is answered; others are cancelled then.
            longest_wait: Seconds to wait at most before procrastinate's worker is started again.
            delete_jobs: Which jobs are deleted once they have ended, those of other `queues` included.
            timing: Clocks and waits, for tests.
        """
        if not queues or isinstance(queues, str):
            raise InvalidArgument("queues", f"takes the names of queues, such as ({QUEUE!r},), not {queues!r}")
        self._app = app
        self._queues = list(queues)
        self._concurrency = concurrency
        self._poll = poll
        self._listens = listen
        self._heartbeat = heartbeat
        self._patience = patience
        self._longest_wait = longest_wait
        self._delete_jobs: Literal["never", "successful", "always"] = delete_jobs
        self._timing = timing or Timing()
        self._stopping = asyncio.Event()
        self._worker: Worker | None = None
        self._jobs = RunningJobs()
        self._stalled = StalledJobs(app, stale_after=heartbeat * _BEATS)
        self._overdue: dict[int, int] = {}
        """In how many looks each job was found waiting."""
        self._stuck = asyncio.Event()
        self._failures = 0
        self._ended: str | None = "it has not been started"
        self._unseen: str | None = None

    @property
    def problem(self) -> str | None:
        """Why it runs no jobs for now, or cannot look after them. `None` while all is well.

        For a health check: it asks nobody, and holds no secret. A job that fails is none.
        """
        return self._ended or self._unseen

    def stop(self) -> None:
        """Take up no further job, and finish what is on the wire; `run` then returns."""
        self._stopping.set()

    async def run(self, *, install_signal_handlers: bool = False) -> None:
        """Run jobs until `stop`, or until cancelled, which ends it as gracefully.

        Args:
            install_signal_handlers: Let SIGTERM and SIGINT call `stop`, in a process of its own. A second one leaves
                at once, and loses no order either.

        Raises `InvalidConfiguration` where procrastinate's tables are missing, and procrastinate's `AppNotOpen`.
        """
        await self._check()
        with self._signals(wanted=install_signal_handlers):
            watching = asyncio.create_task(self._watch_forever(), name="wren_async jobs: watch")
            try:
                await self._keep_running()
            finally:
                await end(watching)
                self._ended = "it was stopped"

    # --- procrastinate's worker ---

    async def _check(self) -> None:
        try:
            is_there = await self._app.check_connection_async()
        except ConnectorException as error:
            logger.warning("the database of the jobs does not answer: %s", _told(error))
            return
        if not is_there:
            raise InvalidConfiguration(
                "procrastinate's tables are not in the database of the jobs: make them with "
                "`await app.schema_manager.apply_schema_async()`, or its command `procrastinate schema --apply`"
            )

    async def _keep_running(self) -> None:
        while not self._stopping.is_set():
            self._stuck.clear()
            self._overdue.clear()
            began = self._timing.monotonic()
            why = await self._run_once()
            if self._stopping.is_set():
                return
            self._failures = 0 if self._timing.monotonic() - began >= _WELL else self._failures + 1
            wait = pause(self._failures, self._longest_wait, self._timing.draw())
            self._ended = f"procrastinate's worker ended: {why}"
            logger.warning("%s; it is started again in %.1f s", self._ended, wait)
            await rest(self._timing, wait, self._stopping)

    async def _run_once(self) -> str:
        """Run procrastinate's worker until it ends, or has to; why it did."""
        worker = Worker(
            self._app,
            queues=self._queues,
            concurrency=self._concurrency,
            fetch_job_polling_interval=self._poll,
            shutdown_graceful_timeout=self._patience,
            listen_notify=self._listens,
            delete_jobs=self._delete_jobs,
            additional_context=self._jobs.context,
            install_signal_handlers=False,
            update_heartbeat_interval=self._heartbeat,
            stalled_worker_timeout=self._heartbeat * _BEATS,
        )
        self._app.perform_import_paths()  # type: ignore[no-untyped-call]
        self._ended, self._worker = None, worker
        running = asyncio.create_task(worker.run(), name="wren_async jobs: worker")  # type: ignore[no-untyped-call]
        ends = [asyncio.create_task(each.wait()) for each in (self._stopping, self._stuck)]
        try:
            await asyncio.wait([running, *ends], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._worker = None
            for end in ends:
                end.cancel()
            if not running.done():
                await self._leave(running)
        return _reason(running, is_stuck=self._stuck.is_set())

    async def _leave(self, running: asyncio.Task[None]) -> None:
        """End procrastinate's worker, its jobs first."""
        jobs, self._jobs = self._jobs, RunningJobs()
        jobs.stop()
        running.cancel()
        try:
            # It waits for its jobs, then cancels them; what follows are its last words to the database.
            _, late = await asyncio.wait([running], timeout=self._patience * 2 + _LEAVING)
        except asyncio.CancelledError:
            running.cancel()
            raise
        if late:
            logger.warning("procrastinate's worker does not end: it is broken off")
            running.cancel()
            await asyncio.wait([running], timeout=_LEAVING)

    # --- looking after the jobs ---

    async def _watch_forever(self) -> None:
        while True:
            await self._timing.sleep(self._heartbeat)
            try:
                async with asyncio.timeout(_LONGEST_LOOK):
                    await self._look()
            except (ConnectorException, TimeoutError, OSError) as error:
                self._note_unseen(f"the database of the jobs does not answer: {_told(error)}")
            except Exception:
                logger.exception("the jobs could not be looked after; they are looked after again")
                self._unseen = "the jobs cannot be looked after"
            else:
                self._unseen = None

    def _note_unseen(self, why: str) -> None:
        if self._unseen is None:
            logger.warning("%s; it is tried again", why)
        self._unseen = why

    async def _look(self) -> None:
        worker = self._worker.worker_id if self._worker is not None else None
        await self._stalled.put_back(worker, self._jobs.ids)
        if worker is not None and await self._leaves_jobs_waiting(worker):
            logger.warning("procrastinate's worker has room, and leaves jobs waiting")
            self._stuck.set()

    async def _leaves_jobs_waiting(self, worker: int) -> bool:
        """Whether a job of ours waits and waits, although this worker could run it."""
        manager = self._app.job_manager
        doing = [*await manager.list_jobs_async(status="doing", worker_id=worker)]
        waiting = [*await manager.list_jobs_async(queue=QUEUE, status="todo")] if QUEUE in self._queues else []
        now = datetime.now(UTC)
        due = [job.id for job in waiting if job.id is not None and (job.scheduled_at is None or job.scheduled_at < now)]
        has_room = len(doing) < self._concurrency
        self._overdue = {each: self._overdue.get(each, 0) + 1 for each in due} if has_room else {}
        return any(looks > max(_LOOKS, 2 * self._poll / self._heartbeat) for looks in self._overdue.values())

    # --- inside ---

    @contextmanager
    def _signals(self, *, wanted: bool) -> Iterator[None]:
        if not wanted:
            yield
            return
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def take() -> None:
            if self._stopping.is_set() and task is not None:
                task.cancel()
            self.stop()

        def handle(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(take)

        before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def pause(failures: int, longest: float, draw: float) -> float:
    """Seconds to wait before the next start: twice as long each time, and not the same in all processes."""
    return float(min(longest, _FIRST_WAIT * 2.0 ** min(max(failures, 1) - 1, 16)) * (0.5 + draw / 2))


def _reason(running: asyncio.Task[None], *, is_stuck: bool) -> str:
    if is_stuck:
        return "it left jobs waiting"
    if not running.done() or running.cancelled():
        return "it was cancelled"
    error = running.exception()
    if error is None:
        return "it stopped by itself, as it does when the database was restarted"
    if isinstance(error, AppNotOpen):
        raise error
    if not isinstance(error, ConnectorException):
        logger.error("procrastinate's worker failed", exc_info=error)
    return _told(error)


def _told(error: BaseException) -> str:
    """What an error of the database says of its cause, in one line."""
    if isinstance(error, TimeoutError):
        return f"no answer within {_LONGEST_LOOK:g} s"
    cause = error.__cause__ or error
    return " ".join(str(cause).split()) or type(cause).__name__
