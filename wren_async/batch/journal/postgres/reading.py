"""What the database has of a batch, for whoever looks at it: its orders, its sums, and who is at it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import Any, Final, TypeVar

import psycopg

from wren_async.batch.journal import records
from wren_async.batch.journal.contract import Bounds, Entry, JournalError, Signal, State, Totals
from wren_async.batch.journal.postgres import statements
from wren_async.batch.journal.postgres.groups import told
from wren_async.batch.journal.postgres.opening import LOOKER, RUNNERS_THERE, BatchRow
from wren_async.batch.journal.states import unknown
from wren_async.postgres.database import Connection, Database, DatabaseLost, Work

T = TypeVar("T")

PAGE: Final = 500
"""Orders that are read, and held in memory, at a time."""
NOTED: Final = "SELECT value FROM wren_async.note WHERE batch = %(batch)s AND name = %(name)s"


class StoredBatch:
    """A batch as the database has it. Reading needs no lease, and disturbs nobody."""

    def __init__(self, reader: Database, row: BatchRow) -> None:
        self._reader = reader
        self._row = row
        self._closed = False

    @property
    def label(self) -> str:
        """The name of the batch."""
        return f"batch {self._row.name!r}"

    @property
    def batch_id(self) -> str:
        """Random id of the batch."""
        return self._row.batch_id

    @property
    def name(self) -> str:
        """The name of the batch in the database."""
        return self._row.name

    async def sealed(self) -> bool:
        """Whether all rows of the input were taken in."""
        query = "SELECT source_digest IS NOT NULL FROM wren_async.batch WHERE number = %(batch)s"
        return bool((await self._one(query))[0])

    async def digests(self, first: int, count: int) -> Sequence[tuple[int, str]]:
        """Position and digest of up to `count` rows from position `first` on."""
        query = (
            "SELECT position, digest FROM wren_async.intent WHERE batch = %(batch)s AND position >= %(first)s "
            "ORDER BY position LIMIT %(count)s"
        )
        rows = await self._all(query, first=first, count=max(count, 0))
        return [(position, digest) for position, digest in rows]

    async def entries(self, *states: State) -> AsyncIterator[Entry]:
        """All orders in these states (all states if none is named), by position, a page in memory at a time.

        Each order is as it was when its page was read; it may have moved on since.
        """
        chosen = "AND state = ANY(%(states)s) " if states else ""
        query = f"{statements.SELECT}AND position > %(last)s {chosen}ORDER BY position LIMIT {PAGE}"
        last = 0
        while page := await self._entries(query, last=last, states=[str(state) for state in states]):
            for entry in page:
                yield entry
            last = page[-1].row.position

    async def entry(self, position: int) -> Entry:
        """One order. Raises `JournalError` where there is none."""
        found = await self._entries(f"{statements.SELECT}AND position = %(position)s", position=position)
        if not found:
            raise unknown(position)
        return found[0]

    async def placed_among(self, order_ids: Collection[str]) -> Collection[str]:
        """Which of these ids are those of placed orders. One walk through the batch, however many they are."""
        query = (
            "SELECT order_id FROM wren_async.standing WHERE batch = %(batch)s AND state = 'placed' "
            "AND order_id = ANY(%(ids)s)"
        )
        return {order_id for (order_id,) in await self._all(query, ids=list(order_ids))} if order_ids else ()

    async def pending_among(self, positions: Collection[int]) -> Collection[int]:
        """Which of these positions are those of pending orders."""
        query = (
            "SELECT position FROM wren_async.standing WHERE batch = %(batch)s AND state = 'pending' "
            "AND position = ANY(%(positions)s::bigint[])"
        )
        return {position for (position,) in await self._all(query, positions=list(positions))}

    async def totals(self) -> Totals:
        """Sums over the batch, kept with every write."""
        return records.totals_of(await self._all(statements.TOTALS))

    async def noted(self, name: str) -> str | None:
        """The fact that was kept under a name, if any."""
        rows = await self._all(NOTED, name=str(name))
        # As JSON, because PostgreSQL keeps no text with a NUL in it.
        return json.loads(rows[0][0]) if rows else None

    async def bounds(self) -> Bounds | None:
        """The caps that hold for all processes."""
        query = (
            "SELECT cap_cents, cap_grams, cap_failures FROM wren_async.batch WHERE number = %(batch)s AND keeps_caps"
        )
        rows = await self._all(query)
        return Bounds(cents=rows[0][0], grams=rows[0][1], failures=rows[0][2]) if rows else Bounds()

    async def is_outbox(self) -> bool:
        """Whether it is the journal of an outbox: it has no end, and its orders are placed all the same."""
        query = (
            "SELECT source_digest IS NULL AND (runs > 0 OR starts_with(name, 'outbox ')) FROM wren_async.batch "
            "WHERE number = %(batch)s"
        )
        return bool((await self._one(query))[0])

    async def started(self) -> bool:
        """Whether somebody let the workers begin."""
        return bool((await self._one("SELECT is_started FROM wren_async.batch WHERE number = %(batch)s"))[0])

    async def signal(self) -> Signal:
        """What concerns every worker now."""
        pause, ending, message, *_ = await self._one(statements.SIGNAL)
        return Signal(pause=max(0.0, pause), ending=ending, message=message)

    async def workers(self) -> Sequence[tuple[int, str, str, float]]:
        """The workers that are there: id, machine and process, version, and seconds until their lease ends."""
        return [
            (each[0], each[1], each[2], float(each[3]))
            for each in await self._all(RUNNERS_THERE, scope=self._row.scope)
        ]

    async def looker(self) -> str | None:
        """The worker that looks first at what the accounts show of it, while all others wait for that."""
        query = f"SELECT {LOOKER} FROM wren_async.batch WHERE number = %(batch)s"  # noqa: S608 - made of a constant
        looker: str | None = (await self._one(query))[0]
        return looker

    async def late_answers(self) -> int:
        """Answers that came after others had taken over, or a person had settled the order. They settled nothing."""
        query = "SELECT count(*) FROM wren_async.stray_answer WHERE batch = %(batch)s"
        return int((await self._one(query))[0])

    @property
    def _batch(self) -> dict[str, Any]:
        return {"batch": self._row.number}

    def _check_open(self) -> None:
        if self._closed:
            raise JournalError("the journal is closed")

    async def _entries(self, query: str, **values: Any) -> list[Entry]:
        return [records.entry_of(found) for found in await self._all(query, **values)]

    async def _one(self, query: str, **values: Any) -> tuple[Any, ...]:
        rows = await self._all(query, **values)
        if not rows:
            raise JournalError("the batch is gone from the database")
        return rows[0]

    async def _all(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        async def work(connection: Connection) -> list[tuple[Any, ...]]:
            return await (await connection.execute(query.encode(), {**self._batch, **values})).fetchall()

        return await self._carry_out(self._reader.read, work)

    async def _carry_out(self, how: Callable[[Work[T]], Awaitable[T]], work: Work[T]) -> T:
        self._check_open()
        try:
            return await how(work)
        except (JournalError, DatabaseLost):
            raise
        except psycopg.Error as error:
            raise JournalError(f"the journal refuses this: {told(error)}") from None
