"""A journal as a database: what each of its methods reads and writes there.

How a statement gets to the database is left to the journal in a file and to the one in memory.
"""

from __future__ import annotations

import abc
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from wren_async.batch.journal import records
from wren_async.batch.journal.contract import Entry, JournalError, Past, Result, Row, State, Totals
from wren_async.batch.journal.group_commit import Kind, Write
from wren_async.batch.journal.one_process import HeldByOne
from wren_async.batch.journal.states import check_result, check_time, unknown

T = TypeVar("T")
Read = Callable[[sqlite3.Connection, str, Sequence[Any]], T]
"""Reads what a query with these arguments finds."""

PAGE: Final = 500
"""Orders that are read, and held in memory, at a time."""


class DatabaseJournal(HeldByOne, abc.ABC):
    """The contract of a journal, kept in an SQLite database."""

    def __init__(self, batch_id: str, past: Past) -> None:
        self._batch_id = batch_id
        self._past = past

    @property
    def batch_id(self) -> str:
        """Random id of the batch."""
        return self._batch_id

    @property
    def past(self) -> Past:
        """What may have been sent from it before it was opened."""
        return self._past

    async def add(self, rows: Sequence[Row]) -> None:
        """Take in orders as pending, all of them or none. Positions must be new."""
        orders = [records.order_values(row) for row in rows]
        standing = [(row.position, row.cents, row.grams) for row in rows]

        def write(connection: sqlite3.Connection) -> None:
            with savepoint(connection):
                connection.executemany(records.ADD_ORDER, orders)
                connection.executemany(records.ADD_STANDING, standing)

        await self._write(write)

    async def sealed(self) -> bool:
        """Whether all rows of the input were taken in."""
        return bool(await self._read(_one, "SELECT source_digest IS NOT NULL FROM batch") == (1,))

    async def seal(self, source_digest: str) -> None:
        """Note that all rows were taken in. Sealing again takes the same digest; another is a `JournalError`."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE batch SET source_digest = coalesce(source_digest, ?)", (source_digest,))
            if _one(connection, "SELECT source_digest FROM batch") != (source_digest,):
                raise JournalError("the batch was sealed with another input; give the file it was made from")

        await self._write(write)

    async def digests(self, first: int, count: int) -> Sequence[tuple[int, str]]:
        """Position and digest of up to `count` rows from position `first` on."""
        query = "SELECT position, digest FROM orders WHERE position >= ? ORDER BY position LIMIT ?"
        return await self._read(_all, query, (first, max(count, 0)))

    async def mark_sending(self, positions: Iterable[int], at: datetime, *, reserve: bool = False) -> None:
        """Mark orders as about to be sent, all of them or none. Only pending ones may be."""
        check_time("at", at)
        marks = [records.mark(position, at) for position in positions]
        if marks:
            self._begin_run()
        if len(marks) == 1:
            await self._write_row(records.write_marks, marks[0])
        else:
            await self._write(lambda connection: _mark_all(connection, marks))

    async def record(self, position: int, result: Result) -> None:
        """Write down what came of an order. A settled order (placed, refused) is never changed again.

        An undecided order becomes pending again only with `reconciled=True`: proven not to have been placed. The times
        of sending are kept where the result does not tell them, unless the order is pending again.
        """
        check_result(result)
        await self._write_row(records.write_outcomes, records.outcome(position, result))

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

    async def pending_among(self, positions: Collection[int]) -> Collection[int]:
        """Which of these positions are those of pending orders."""
        found = await self._read(_all, records.PENDING_AMONG, (json.dumps(sorted(positions)),))
        return {position for (position,) in found}

    async def totals(self) -> Totals:
        """Sums over the batch, kept with every write."""
        return await self._read(records.read_totals, records.TOTALS)

    async def note(self, name: str, value: str) -> None:
        """Keep a fact of the batch under a name. A later fact replaces it."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", (name, value))

        await self._write(write)

    async def noted(self, name: str) -> str | None:
        """The fact that was kept under a name, if any."""
        found = await self._read(_one, "SELECT value FROM note WHERE name = ?", (name,))
        return None if found is None else found[0]

    @abc.abstractmethod
    def _begin_run(self) -> None:
        """Is called before orders are marked as about to be sent."""

    @abc.abstractmethod
    def _write(self, write: Write[T]) -> Awaitable[T]:
        """Carry out a write. One that breaks a rule of the database raises `JournalError`."""

    @abc.abstractmethod
    def _write_row(self, kind: Kind, update: records.Update) -> Awaitable[None]:
        """Carry out a write to one order, alone or together with others of its kind."""

    @abc.abstractmethod
    async def _read(self, read: Read[T], query: str, arguments: Sequence[Any] = ()) -> T:
        """Read what is written."""


@contextlib.contextmanager
def savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    """Several statements of one write: all of them are carried out, or none."""
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


def _mark_all(connection: sqlite3.Connection, marks: Sequence[records.Update]) -> None:
    with savepoint(connection):
        # One after another: a position may stand there twice, which is refused.
        for mark in marks:
            if (error := records.write_marks(connection, [mark])[0]) is not None:
                raise error


def _one(connection: sqlite3.Connection, query: str, arguments: Sequence[Any] = ()) -> Any:
    return connection.execute(query, arguments).fetchone()


def _all(connection: sqlite3.Connection, query: str, arguments: Sequence[Any] = ()) -> list[Any]:
    return connection.execute(query, arguments).fetchall()
