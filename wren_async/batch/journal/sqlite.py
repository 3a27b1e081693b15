"""The journal of a batch as a file: SQLite, written by one thread, held by one process."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from wren_async.batch.journal import schema
from wren_async.batch.journal.contract import JournalError
from wren_async.batch.journal.database import DatabaseJournal, Read
from wren_async.batch.journal.files import OpenFile, open_file, open_to_read
from wren_async.batch.journal.group_commit import Kind, Write, Writer
from wren_async.batch.journal.records import Update

T = TypeVar("T")


class SqliteJournal(DatabaseJournal):
    """A journal in a file, with its write-ahead log and its lock file beside it.

    Writes are carried out in the order in which they were asked for, and all of them: cancelling a task that waits for
    one does not take it back. Reads see what is on disk. Belongs to the event loop that opened it.

    Before the first order of a run is marked as about to be sent, the main file itself is marked, so that it is not
    believed without its log.
    """

    def __init__(self, opened: OpenFile, reading: ThreadPoolExecutor) -> None:
        super().__init__(opened.journal_id, opened.past)
        self._opened = opened
        self._reading = reading
        self._is_run_on = False
        self._closed = False
        writer = opened.writer
        self._writer = None if writer is None else Writer(writer, str(opened.path), self._let_go)

    @property
    def label(self) -> str:
        """Its path."""
        return str(self._opened.path)

    @classmethod
    async def open(cls, path: str | os.PathLike[str], *, read_only: bool = False) -> Self:
        """Open the journal at this path, or make one there that only its owner can read.

        Args:
            path: The file.
            read_only: Open it as it stands now, to be read alone: also while a run holds it. It is not made then.

        Raises `JournalError` where it is in use, of a newer version, damaged, or no journal.
        """
        reading = ThreadPoolExecutor(1, "wren-async-journal-reader")
        opening = reading.submit(open_to_read if read_only else open_file, Path(path))
        try:
            return cls(await asyncio.shield(asyncio.wrap_future(opening)), reading)
        except BaseException:
            # Nobody gets the journal. Its one thread closes what it may still be opening, and ends.
            reading.submit(lambda: opening.result().close())
            reading.shutdown(wait=False)
            raise

    def take_away(self) -> None:
        """Leave no file once it is closed, because the input that it was made for is refused.

        One that was there before stays, and so does one that has a whole plan by then.
        """
        self._opened.take_away()

    async def aclose(self) -> None:
        """Write what is waiting and let go of the file. May be called again."""
        was_closed, self._closed = self._closed, True
        if self._writer is not None:
            await self._writer.stop()
        elif not was_closed:
            await asyncio.to_thread(self._let_go)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def _writing(self) -> Writer:
        if self._writer is None:
            raise JournalError("the journal was opened for reading alone")
        return self._writer

    def _begin_run(self) -> None:
        if not self._is_run_on:
            self._is_run_on = True
            # Where it fails, the writes after it fail with it.
            self._writing.submit_alone(self._opened.begin_run).add_done_callback(_retrieve)

    def _write(self, write: Write[T]) -> Awaitable[T]:
        return self._writing.submit(write)

    def _write_row(self, kind: Kind, update: Update) -> Awaitable[None]:
        return self._writing.submit_one(kind, update.position, update)

    async def _read(self, read: Read[T], query: str, arguments: Sequence[Any] = ()) -> T:
        if self._closed:
            raise JournalError("the journal is closed")
        try:
            return await asyncio.wrap_future(self._reading.submit(read, self._opened.reader, query, arguments))
        except (JournalError, sqlite3.Error, ValueError, ArithmeticError, TypeError, LookupError) as error:
            raise JournalError(f"{self._opened.path}: {schema.damaged(error)}") from error

    def _let_go(self) -> None:
        self._reading.shutdown(wait=True)
        self._opened.close(is_intact=self._writer is not None and not self._writer.has_failed)


def _retrieve(done: asyncio.Future[None]) -> None:
    """Take in the error, so that the loop does not complain of one that nobody waited for."""
    if not done.cancelled():
        done.exception()
