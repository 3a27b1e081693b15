"""An outbox in a file: the submitted orders stand in the very file of the journal that they are placed from.

One process holds it. A submission is on disk, with the next group of writes, before its caller goes on.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, Self

from wren_async.batch.intents import Api
from wren_async.batch.journal import records
from wren_async.batch.journal.contract import Entry, Past, State, Totals
from wren_async.batch.journal.database import PAGE, savepoint
from wren_async.batch.journal.records import time_text
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.errors import InvalidConfiguration
from wren_async.outbox.caps import Spent, day_of
from wren_async.outbox.names import MAIN
from wren_async.outbox.sqlite_journal import COUNT, SqliteApiJournal, spent
from wren_async.outbox.sqlite_pruning import TOTALS, prune_some
from wren_async.outbox.sqlite_tables import lay_out
from wren_async.outbox.store import Clock, Known, NewOrder, Submission
from wren_async.outbox.submissions import COLUMNS, Stored, whole_submissions

_OPEN: Final = "FROM outbox_submission CROSS JOIN standing USING (position) WHERE finished IS NULL"
_SUBMIT: Final = """
INSERT INTO outbox_submission (reference, digest, api, submitted, intent, key) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (reference) DO NOTHING
"""
_KNOWN: Final = """
SELECT digest, coalesce(outbox_submission.intent, orders.intent)
FROM outbox_submission LEFT JOIN orders USING (position, digest) WHERE outbox_submission.reference = ?
"""
_SETTLED: Final = f"""
SELECT position, day, planned_cents, planned_grams, state, cents, grams {_OPEN} AND state IN ('placed', 'refused')
ORDER BY position LIMIT ?
"""
_SUBMISSION: Final = f"SELECT {COLUMNS} FROM outbox_submission"  # noqa: S608 - made of constants


class SqliteOutbox(SqliteJournal):
    """An outbox in a file. Writes are carried out whether or not the asking task still waits."""

    is_shared = False
    name = MAIN
    _clock: Clock
    _tell: Callable[[], None] | None = None

    @classmethod
    async def open_as(cls, path: str | os.PathLike[str], name: str, clock: Clock) -> Self:
        """Open the file of an outbox, or make it. Raises `JournalError` where it is in use, or something else."""
        made = await cls.open(path)
        made.name, made._clock = name, clock
        return made

    @property
    def is_behind(self) -> bool:
        """Whether it may have forgotten orders that were sent: it is older than its last run."""
        return self.past is Past.BEHIND

    @property
    def journals(self) -> Mapping[Api, SqliteApiJournal]:
        """The journal of each API: a part of that of the file."""
        return self._journals

    async def prepare(self) -> None:
        """Lay out the outbox's tables where they are not there, or bring them up to date."""
        now = datetime.now().astimezone()
        await self._write(lambda connection: lay_out(connection, self.name, now))
        # Of those that were submitted before any run, too: a copy of the file may have been run elsewhere.
        inherited = int(await self._read(_one, "SELECT coalesce(max(position), 0) FROM outbox_submission"))
        apis: tuple[Api, ...] = ("wren", "cnaught")
        self._journals: Mapping[Api, SqliteApiJournal] = {
            api: SqliteApiJournal(self, self.name, api, inherited, self._clock) for api in apis
        }

    def on_submitted(self, tell: Callable[[], None]) -> None:
        """Call `tell` once a submission is on disk, also where its caller was cancelled meanwhile."""
        self._tell = tell

    async def submit(self, order: NewOrder, connection: object | None) -> Known:
        """Write an order down, unless its reference is known. On disk on return."""
        if connection is not None:
            raise InvalidConfiguration(
                "connection: an outbox in a file has its own transactions, because two files of SQLite are not written "
                "in one; for orders within your own transaction take Outbox('postgresql://…')"
            )
        values = (order.reference, order.digest, order.api, time_text(order.submitted), order.intent, order.key)

        def write(own: sqlite3.Connection) -> Known:
            is_new = own.execute(_SUBMIT, values).rowcount == 1
            digest, intent = own.execute(_KNOWN, (order.reference,)).fetchone()
            return Known(is_new=is_new, digest=digest, intent=intent)

        written = asyncio.ensure_future(self._write(write))
        written.add_done_callback(self._written)
        return await asyncio.shield(written)

    def _written(self, done: asyncio.Future[Known]) -> None:
        # Also where nobody waits for it any more: the order is there, and is to be placed.
        if self._tell is not None and not done.cancelled() and done.exception() is None:
            self._tell()

    async def nudge(self, references: Collection[str]) -> None:
        """There are no other processes."""

    async def begin_telling(self) -> bool:
        """There are no other processes."""
        return True

    async def end_telling(self) -> None:
        """There are no other processes."""

    # --- results ---

    async def find(self, reference: str) -> Submission | None:
        """What is known of a reference."""
        _, found = await self._submissions(f"{_SUBMISSION} WHERE reference = ?", (reference,))
        return found[0] if found else None

    async def finished(self, after: int, most: int) -> Sequence[Submission]:
        """Settled orders with a number above `after`, by number."""
        query = f"{_SUBMISSION} WHERE finished > ? AND finished IS NOT NULL ORDER BY finished LIMIT ?"
        return (await self._submissions(query, (after, most)))[1]

    async def open_orders(self, *states: State) -> AsyncIterator[Submission]:
        """Orders in these states that are not settled."""
        last = 0
        query = f"{_SUBMISSION} WHERE finished IS NULL AND position > ? ORDER BY position LIMIT ?"
        while True:
            rows, page = await self._submissions(query, (last, PAGE))
            if not rows:
                return
            last = rows[-1].position
            for submission in page:
                if submission.state in states:
                    yield submission

    async def _submissions(self, query: str, arguments: Sequence[Any]) -> tuple[Sequence[Stored], list[Submission]]:
        return await whole_submissions(partial(self._read, _stored, query, arguments), self._entries_at)

    async def _entries_at(self, api: Api, positions: Collection[int]) -> dict[int, Entry]:
        return await self._journals[api].entries_at(positions)

    # --- counting ---

    async def totals(self) -> Totals:
        """Sums over all orders, kept with every write."""
        return await self._read(records.read_totals, TOTALS)

    async def spent(self, now: datetime) -> Spent:
        """What is spent or reserved in the day and the month of `now`."""
        return await self._read(lambda connection, _, __: spent(connection, day_of(now)), "")

    async def finish(self, now: datetime) -> int:
        """Number settled orders, and count what they really cost; how many there were."""

        def write(connection: sqlite3.Connection) -> int:
            with savepoint(connection):
                settled = connection.execute(_SETTLED, (PAGE,)).fetchall()
                (last,) = connection.execute("SELECT coalesce(max(finished), 0) FROM outbox_submission").fetchone()
                for number, found in enumerate(settled, last + 1):
                    _number(connection, number, found, time_text(now))
                return len(settled)

        if not await self._read(_one, f"SELECT EXISTS ({_SETTLED})", (1,)):
            return 0
        return await self._write(write)

    async def prune(self, before: datetime, told: int | None) -> int:
        """Keep of some orders that were settled before a time only what they are known by; how many there were."""
        return await self._write(lambda connection: prune_some(connection, before, told))


def _number(connection: sqlite3.Connection, number: int, found: tuple[Any, ...], now: str) -> None:
    """Number a settled order, and count what it really cost in place of what was reserved for it."""
    position, day, planned, planned_grams, state, cents, grams = found
    connection.execute(
        "UPDATE outbox_submission SET finished = ?, settled = ? WHERE position = ?", (number, now, position)
    )
    is_placed = state == State.PLACED
    cost = (planned if cents is None else cents) if is_placed else 0
    bought = (planned_grams if grams is None else grams) if is_placed else 0
    if day is not None and (cost, bought) != (planned, planned_grams):
        connection.execute(COUNT, (day, cost - planned, bought - planned_grams))


def _stored(connection: sqlite3.Connection, query: str, arguments: Sequence[Any]) -> list[Stored]:
    return [Stored(*row) for row in connection.execute(query, arguments)]


def _one(connection: sqlite3.Connection, query: str, arguments: Sequence[Any]) -> Any:
    return connection.execute(query, arguments).fetchone()[0]
