"""One thread that writes to a database for many tasks, and commits their writes in groups.

A commit waits for the disk. Writes that arrive during that wait are carried out together and share the next commit, so
the number of commits follows the speed of the disk, not the number of tasks. A task goes on after the commit that holds
its write, never before.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import attrs

from wren_async.batch.journal.contract import JournalError

T = TypeVar("T")
Write = Callable[[sqlite3.Connection], T]
"""Statements of one write. Where it raises, it must leave nothing behind: a failed statement does so by itself,
several need a savepoint."""

Kind = Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Exception | None]]
"""Carries out writes that are alike, each to another row, in one statement, and returns what each was refused with."""

REFUSED: Final = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""What SQLite raises for a write that may not be, while the database stays as good as it was."""


def refused(error: Exception) -> JournalError:
    """The error of whoever asked for a write that the database refused."""
    return JournalError(f"the journal refuses this: {error}")


@attrs.define(eq=False)
class _Job:
    done: asyncio.Future[Any]
    write: Write[Any] | None = None
    alone: bool = False
    """Whether it makes transactions of its own."""
    kind: Kind | None = None
    row: int = 0
    argument: Any = None
    value: object = None
    error: Exception | None = None

    def tell(self) -> None:
        """Release whoever waits for it."""
        if self.done.done():
            return
        if self.error is None:
            self.done.set_result(self.value)
        else:
            self.done.set_exception(self.error)


class Writer:
    """Carries out writes in the order in which they were asked for, whether or not the asking task still waits."""

    def __init__(self, connection: sqlite3.Connection, name: str, on_stop: Callable[[], None]) -> None:
        self._connection = connection
        self._name = name
        self._on_stop = on_stop
        self._loop = asyncio.get_running_loop()
        self._gathered: list[_Job] = []
        self._groups: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._failure: str | None = None
        self._stopped: concurrent.futures.Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="wren-async-journal", daemon=True)
        self._thread.start()

    def submit(self, write: Write[T]) -> asyncio.Future[T]:
        """Ask for a write. The future is done once the write is on disk; cancelling it does not stop the write."""
        return self._gather(_Job(self._loop.create_future(), write))

    def submit_alone(self, write: Write[T]) -> asyncio.Future[T]:
        """Ask for a write that makes transactions of its own, and without which nothing more may be written.

        What was asked for before is on disk when it begins.
        """
        return self._gather(_Job(self._loop.create_future(), write, alone=True))

    def submit_one(self, kind: Kind, row: int, argument: object) -> asyncio.Future[None]:
        """Ask for a write to one row, which shares its statement with others of its kind.

        Of writes to different rows, a later one may be carried out first.
        """
        return self._gather(_Job(self._loop.create_future(), kind=kind, row=row, argument=argument))

    def _gather(self, job: _Job) -> asyncio.Future[Any]:
        if self._stopped is not None:
            raise JournalError("the journal is closed")
        if not self._gathered:
            # Tasks that one commit released tend to ask again in the same turn of the loop: take them together.
            self._loop.call_soon(self._hand_over)
        self._gathered.append(job)
        return job.done

    @property
    def has_failed(self) -> bool:
        """Whether a write failed, so that nobody knows what is on disk."""
        return self._failure is not None

    async def stop(self) -> None:
        """Carry out what was asked for, then end the thread. May be called, and cancelled, any number of times."""
        if self._stopped is None:
            self._stopped = concurrent.futures.Future()
            self._hand_over()
            self._groups.put(None)
        await asyncio.shield(asyncio.wrap_future(self._stopped))

    def _hand_over(self) -> None:
        if self._gathered:
            self._groups.put(self._gathered)
            self._gathered = []

    def _run(self) -> None:
        running = True
        while running:
            group, running = self._next_group()
            if group:
                self._carry_out(group)
                self._release(group)
        try:
            self._on_stop()
        finally:
            assert self._stopped is not None  # noqa: S101 - only `stop` ends the loop above
            self._stopped.set_result(None)

    def _next_group(self) -> tuple[list[_Job], bool]:
        group: list[_Job] = []
        jobs = self._groups.get()
        while jobs is not None:
            group += jobs
            try:
                jobs = self._groups.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _carry_out(self, group: Sequence[_Job]) -> None:
        if self._failure is None:
            try:
                for is_alone, jobs in itertools.groupby(group, lambda job: job.alone):
                    if is_alone:
                        for job in jobs:
                            self._alone(job)
                    else:
                        self._commit([*jobs])
            except Exception as error:  # damaged text, for one, is a `ValueError`; the thread has to live on
                self._give_up(error)
        if self._failure is not None:
            for job in group:
                job.error = JournalError(self._failure)

    def _commit(self, group: Sequence[_Job]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for kind, jobs in _bundles(group):
            if kind is None:
                self._one(jobs[0])
            else:
                self._many(kind, jobs)
        self._connection.execute("COMMIT")

    def _many(self, kind: Kind, jobs: Sequence[_Job]) -> None:
        for job, error in zip(jobs, kind(self._connection, [job.argument for job in jobs]), strict=True):
            job.error = error

    def _one(self, job: _Job) -> None:
        assert job.write is not None  # noqa: S101 - a job without a kind has it
        try:
            job.value = job.write(self._connection)
        except REFUSED as error:
            job.error = refused(error)
        except sqlite3.Error:
            raise
        except Exception as error:
            job.error = error

    def _alone(self, job: _Job) -> None:
        assert job.write is not None  # noqa: S101 - only `submit_alone` makes such jobs
        job.value = job.write(self._connection)

    def _give_up(self, error: Exception) -> None:
        # After a failed sync nobody knows what is on disk, and a second try may wrongly report success. Only opening
        # the file anew tells, so nothing more is written here.
        self._failure = (
            f"{self._name}: the journal could not be written ({error}), and takes nothing more; "
            "look to the disk, then run the same command again"
        )
        with contextlib.suppress(sqlite3.Error):
            self._connection.rollback()

    def _release(self, group: Sequence[_Job]) -> None:
        # A loop that is closed has no tasks left that could wait.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_tell_all, group)


def _tell_all(group: Sequence[_Job]) -> None:
    for job in group:
        job.tell()


def _bundles(group: Sequence[_Job]) -> Iterator[tuple[Kind | None, Sequence[_Job]]]:
    """The jobs of a group, those of one kind to different rows together; any other stays in its place."""
    bundles: dict[Kind, list[_Job]] = {}
    rows: set[int] = set()
    for job in group:
        if job.kind is None or job.row in rows:
            yield from bundles.items()
            bundles, rows = {}, set()
        if job.kind is None:
            yield None, [job]
        else:
            bundles.setdefault(job.kind, []).append(job)
            rows.add(job.row)
    yield from bundles.items()
