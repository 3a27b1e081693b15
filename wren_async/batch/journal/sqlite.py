"""The journal of a batch as a file: SQLite, written by one thread, held by one process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from wren_async.batch.journal import records, schema
from wren_async.batch.journal.contract import Entry, JournalError, Past, Result, Row, State, Totals
from wren_async.batch.journal.files import OpenFile, open_file, open_to_read
from wren_async.batch.journal.group_commit import Writer
from wren_async.batch.journal.moves import Transition, carry_out_marks, carry_out_settling, mark, settle
from wren_async.batch.journal.states import check_result, check_time, unknown

T = TypeVar("T")

PAGE = 500
"""Orders that are read, and held in memory, at a time."""


class SqliteJournal:
    """A journal in a file, with its write-ahead log and its lock file beside it.

    Writes are carried out in the order in which they were asked for, and all of them: cancelling a task that waits for
    one does not take it back. Reads see what is on disk. Belongs to the event loop that opened it.
    """

    def __init__(self, opened: OpenFile, reading: ThreadPoolExecutor) -> None:
        self._batch_id = opened.journal_id
        self._past = opened.past
        self._is_run_on = False
        self._reader = opened.reader
        self._reading = reading
        self._closed = False
        writer = opened.writer
        self._writer = None if writer is None else Writer(writer, self._let_go)
        self._opened = opened

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

    @property
    def batch_id(self) -> str:
        """Random id of the batch."""
        return self._batch_id

    @property
    def past(self) -> Past:
        """What may have been sent from it before it was opened, as the file and its lock tell."""
        return self._past

    async def add(self, rows: Sequence[Row]) -> None:
        """Take in orders as pending, all of them or none. Positions must be new."""
        orders = [records.order_values(row) for row in rows]
        standing = [(row.position, row.cents, row.grams) for row in rows]

        def write(connection: sqlite3.Connection) -> None:
            with _savepoint(connection):
                connection.executemany(records.ADD_ORDER, orders)
                connection.executemany(records.ADD_STANDING, standing)

        await self._writing.submit(write)

    async def sealed(self) -> bool:
        """Whether all rows of the input were taken in."""
        return bool(await self._read(_one, "SELECT source_digest IS NOT NULL FROM batch") == (1,))

    async def seal(self, source_digest: str) -> None:
        """Note that all rows were taken in. Sealing again takes the same digest; another is a `JournalError`."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE batch SET source_digest = coalesce(source_digest, ?)", (source_digest,))
            if _one(connection, "SELECT source_digest FROM batch") != (source_digest,):
                raise JournalError("the batch was sealed with another input; give the file it was made from")

        await self._writing.submit(write)

    async def digests(self, first: int, count: int) -> Sequence[tuple[int, str]]:
        """Position and digest of up to `count` rows from position `first` on."""
        query = "SELECT position, digest FROM orders WHERE position >= ? ORDER BY position LIMIT ?"
        return await self._read(_all, query, (first, max(count, 0)))

    async def sending(self, positions: Iterable[int], at: datetime) -> None:
        """Mark orders as about to be sent, all of them or none. Only pending ones may be.

        Before the first of them the main file itself is marked, so that it is not believed without its log.
        """
        check_time("at", at)
        moves = [mark(position, records.time_text(at)) for position in positions]
        if moves and not self._is_run_on:
            self._is_run_on = True
            # Where it fails, the writes after it fail with it.
            self._writing.submit_alone(self._opened.begin_run).add_done_callback(_retrieve)
        if len(moves) == 1:
            await self._writing.submit_one(carry_out_marks, moves[0].position, moves[0])
        else:
            await self._writing.submit(lambda connection: _mark_all(connection, moves))

    async def settle(self, position: int, result: Result) -> None:
        """Note what came of an order. A settled order (placed, refused) is never changed again.

        An undecided order becomes pending again only with `reconciled=True`: proven not to have been placed. The times
        of sending are kept where the result does not tell them, unless the order is pending again.
        """
        check_result(result)
        await self._writing.submit_one(carry_out_settling, position, settle(position, result))

    async def entries(self, *states: State) -> AsyncIterator[Entry]:
        """All orders in these states (all states if none is named), by position, a page in memory at a time.

        Each order is as it was when its page was read; it may have moved on since.
        """
        chosen = f"AND state IN ({', '.join('?' * len(states))}) " if states else ""
        query = f"{records.SELECT}WHERE position > ? {chosen}ORDER BY position LIMIT ?"
        last = 0
        while page := await self._read(records.read_entries, query, (last, *states, PAGE)):
            for entry in page:
                yield entry
            last = page[-1].row.position

    async def entry(self, position: int) -> Entry:
        """One order. Raises `JournalError` where there is none."""
        found = await self._read(records.read_entries, f"{records.SELECT}WHERE position = ?", (position,))
        if not found:
            raise unknown(position)
        return found[0]

    async def placed_among(self, order_ids: Collection[str]) -> Collection[str]:
        """Which of these ids are those of placed orders. One walk through the batch, however many they are."""
        if not order_ids:
            return ()
        found = await self._read(_all, records.PLACED_AMONG, (json.dumps(sorted(order_ids)),))
        return {order_id for (order_id,) in found}

    async def totals(self) -> Totals:
        """Sums over the batch, kept with every write."""
        return records.read_totals(await self._read(_all, records.TOTALS))

    async def note(self, name: str, value: str) -> None:
        """Keep a fact of the batch under a name; a later one replaces it."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", (name, value))

        await self._writing.submit(write)

    async def noted(self, name: str) -> str | None:
        """A fact that was kept."""
        found = await self._read(_one, "SELECT value FROM note WHERE name = ?", (name,))
        return None if found is None else found[0]

    async def aclose(self) -> None:
        """Write what is waiting and let go of the file. May be called again."""
        was_closed, self._closed = self._closed, True
        if self._writer is not None:
            await self._writer.stop()
        elif not was_closed:
            await asyncio.to_thread(self._let_go)

    @property
    def _writing(self) -> Writer:
        if self._writer is None:
            raise JournalError("the journal was opened for reading alone")
        return self._writer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _read(
        self, read: Callable[[sqlite3.Connection, str, Sequence[Any]], T], query: str, arguments: Sequence[Any] = ()
    ) -> T:
        if self._closed:
            raise JournalError("the journal is closed")
        try:
            return await asyncio.wrap_future(self._reading.submit(read, self._reader, query, arguments))
        except JournalError as error:
            raise schema.damaged(error) from error
        except (sqlite3.Error, ValueError, ArithmeticError, TypeError, LookupError) as error:
            raise JournalError(f"the journal could not be read: {schema.damaged(error)}") from error

    def _let_go(self) -> None:
        self._reading.shutdown(wait=True)
        self._opened.close(is_intact=self._writer is not None and not self._writer.has_failed)


def _retrieve(done: asyncio.Future[None]) -> None:
    """Take in the error, so that the loop does not complain of one that nobody waited for."""
    if not done.cancelled():
        done.exception()


@contextlib.contextmanager
def _savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("SAVEPOINT one_write")
    try:
        yield
    except Exception:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO one_write")
        raise
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE one_write")


def _mark_all(connection: sqlite3.Connection, moves: Sequence[Transition]) -> None:
    with _savepoint(connection):
        # One after another: a position may stand there twice, which is refused.
        for move in moves:
            if (error := carry_out_marks(connection, [move])[0]) is not None:
                raise error


def _one(connection: sqlite3.Connection, query: str, arguments: Sequence[Any] = ()) -> Any:
    return connection.execute(query, arguments).fetchone()


def _all(connection: sqlite3.Connection, query: str, arguments: Sequence[Any] = ()) -> list[Any]:
    return connection.execute(query, arguments).fetchall()
