"""An outbox in a file: the submitted orders stand in the very file of the journal that they are placed from.

One process holds it. A submission is on disk, with the next group of writes, before its caller goes on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from wren_async.batch.events import Ending
from wren_async.batch.intents import Api, restore
from wren_async.batch.journal import records
from wren_async.batch.journal.contract import Entry, JournalError, Past, Result, Row, State
from wren_async.batch.journal.database import PAGE, savepoint
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.errors import InvalidConfiguration
from wren_async.outbox.caps import OutboxCaps, Room, Spent, day_of
from wren_async.outbox.store import Known, NewOrder, Submission, Unplanned

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS outbox_submission (
    position INTEGER PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    api TEXT NOT NULL,
    submitted TEXT NOT NULL,
    intent TEXT, -- in the journal, together with the key, once the order is there
    key TEXT,
    day TEXT, -- on which it was reserved for
    finished INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_unplanned ON outbox_submission (api, position) WHERE intent IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_open ON outbox_submission (position) WHERE finished IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS outbox_finished ON outbox_submission (finished) WHERE finished IS NOT NULL;
CREATE TABLE IF NOT EXISTS outbox_day (day TEXT PRIMARY KEY, cents INTEGER NOT NULL, grams INTEGER NOT NULL) STRICT;
"""
_OPEN: Final = "FROM outbox_submission CROSS JOIN standing USING (position) WHERE finished IS NULL"
_SUBMIT: Final = """
INSERT INTO outbox_submission (reference, digest, api, submitted, intent, key) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (reference) DO NOTHING
"""
_KNOWN: Final = """
SELECT digest, coalesce(outbox_submission.intent, orders.intent)
FROM outbox_submission LEFT JOIN orders USING (position, digest) WHERE outbox_submission.reference = ?
"""
_UNPLANNED: Final = """
SELECT position, reference, intent, digest, key, api, submitted FROM outbox_submission
WHERE intent IS NOT NULL AND api = ? ORDER BY position LIMIT ?
"""
_TAKEABLE: Final = f"""
SELECT position, planned_cents, planned_grams, day {_OPEN} AND state = 'pending'
AND (day IS NOT NULL OR (planned_cents <= ? AND planned_grams <= ?))
AND position NOT IN (SELECT value FROM json_each(?)) ORDER BY position LIMIT ?
"""  # noqa: S608 - made of constants
_SPENT: Final = """
SELECT coalesce(sum(iif(day = :day, cents, 0)), 0), coalesce(sum(iif(day = :day, grams, 0)), 0),
    coalesce(sum(cents), 0), coalesce(sum(grams), 0)
FROM outbox_day WHERE day >= substr(:day, 1, 7) AND day < substr(:day, 1, 7) || '-99'
"""
_COUNT: Final = """
INSERT INTO outbox_day (day, cents, grams) VALUES (?, ?, ?)
ON CONFLICT (day) DO UPDATE SET cents = cents + excluded.cents, grams = grams + excluded.grams
"""
_SETTLED: Final = f"""
SELECT position, day, planned_cents, planned_grams, state, cents, grams {_OPEN} AND state IN ('placed', 'refused')
ORDER BY position LIMIT ?
"""
_SUBMISSION: Final = "SELECT position, reference, intent, submitted, finished FROM outbox_submission"
_IS_OPEN: Final = "position IN (SELECT position FROM outbox_submission WHERE finished IS NULL AND position > ?)"
_AMONG: Final = f"{records.SELECT}WHERE position IN (SELECT value FROM json_each(?))"  # noqa: S608 - made of constants
_ANY: Final = 2**62


class SqliteOutbox(SqliteJournal):
    """An outbox in a file. Writes are carried out whether or not the asking task still waits."""

    is_shared = False
    lapse: str | None = None
    inherited = 0
    """The last position that may have been submitted, and sent, before this process was there."""

    @property
    def is_behind(self) -> bool:
        """Whether it may have forgotten orders that were sent: it is older than its last run."""
        return self.past is Past.BEHIND

    async def renew(self) -> None:
        """There is no lease that could be lost."""

    async def nudge(self, references: Collection[str]) -> None:
        """There are no other processes."""

    async def begin_telling(self) -> bool:
        """There are no other processes."""
        return True

    async def end_telling(self) -> None:
        """There are no other processes."""

    async def halt_of_all(self) -> tuple[Ending, str] | None:
        """There are no other processes."""
        return None

    async def lift_halt(self) -> None:
        """There are no other processes."""

    async def settle_by_hand(self, position: int, result: Result) -> None:
        """Write down what a person found out about an undecided order."""
        await self.record(position, result)

    async def prepare(self) -> None:
        """Lay out the outbox's tables where they are not there."""

        def write(connection: sqlite3.Connection) -> None:
            if _exists(connection):
                return
            if connection.execute("SELECT EXISTS (SELECT * FROM orders)").fetchone() == (1,):
                raise JournalError("is the journal of a batch, and an outbox takes a file of its own")
            with savepoint(connection):
                for statement in filter(None, map(str.strip, _TABLES.split(";"))):
                    connection.execute(statement)

        await self._write(write)
        query = "SELECT coalesce(max(position), 0) FROM outbox_submission"
        self.inherited = int(await self._read(_one, query))

    async def submit(self, order: NewOrder, connection: object | None) -> Known:
        """Write an order down, unless its reference is known. On disk on return."""
        if connection is not None:
            raise InvalidConfiguration(
                "connection: an outbox in a file has its own transactions, because two files of SQLite are not written "
                "in one; for orders within your own transaction take Outbox('postgresql://…')"
            )
        values = (order.reference, order.digest, order.api, _text(order.submitted), order.intent, order.key)

        def write(connection: sqlite3.Connection) -> Known:
            is_new = connection.execute(_SUBMIT, values).rowcount == 1
            digest, intent = connection.execute(_KNOWN, (order.reference,)).fetchone()
            return Known(is_new=is_new, digest=digest, intent=intent)

        return await self._write(write)

    async def find(self, reference: str) -> Submission | None:
        """What is known of a reference."""
        found = await self._submissions(f"{_SUBMISSION} WHERE reference = ?", (reference,))
        return found[0] if found else None

    async def unplanned(self, api: Api, most: int) -> Sequence[Unplanned]:
        """Orders of an API that have no price yet, the oldest first."""
        return await self._read(_read_unplanned, _UNPLANNED, (api, most))

    async def plan(self, rows: Sequence[Row], refused: Mapping[int, str], doubted: Mapping[int, Result]) -> None:
        """Take priced orders into the journal, all at once, and settle those that are refused with a reason."""
        if doubted or refused:
            self._begin_run()
        orders = [records.order_values(row) for row in rows]
        standing = [(row.position, row.cents, row.grams) for row in rows]
        planned = [(row.position,) for row in rows]
        now = datetime.now(UTC)
        results = {position: Result(state=State.REFUSED, reason=reason) for position, reason in refused.items()}
        outcomes = [records.outcome(position, result) for position, result in {**results, **doubted}.items()]

        def write(connection: sqlite3.Connection) -> None:
            with savepoint(connection):
                connection.executemany(records.ADD_ORDER, orders)
                connection.executemany(records.ADD_STANDING, standing)
                connection.executemany(
                    "UPDATE outbox_submission SET intent = NULL, key = NULL WHERE position = ?", planned
                )
                marks = [records.mark(outcome.position, now) for outcome in outcomes]
                written = [*records.write_marks(connection, marks), *records.write_outcomes(connection, outcomes)]
                for error in written:
                    if error is not None:
                        raise error

        await self._write(write)

    async def take(self, most: int, but: Collection[int], caps: OutboxCaps, now: datetime) -> Sequence[Entry]:
        """Reserve for pending orders under the caps, and give them out. `but` were given out before."""
        day, others = day_of(now), json.dumps(sorted(but))

        def write(connection: sqlite3.Connection) -> list[int]:
            with savepoint(connection):
                room = caps.room(_spent(connection, day)) if caps.any else Room(cents=None, grams=None)
                limits = tuple(_ANY if each is None else each for each in (room.cents, room.grams))
                taken, cents_more, grams_more = [], 0, 0
                for position, cents, grams, reserved in connection.execute(
                    _TAKEABLE, (*limits, others, most)
                ).fetchall():
                    if reserved is None and not room.reserve(cents, grams):
                        continue
                    taken.append(position)
                    if reserved is None:
                        connection.execute("UPDATE outbox_submission SET day = ? WHERE position = ?", (day, position))
                        cents_more, grams_more = cents_more + cents, grams_more + grams
                if cents_more or grams_more:
                    connection.execute(_COUNT, (day, cents_more, grams_more))
                return taken

        if not await self._read(_one, f"SELECT EXISTS (SELECT * {_OPEN} AND state = 'pending')"):
            return ()
        entries = await self._entries_at(await self._write(write))
        return [entry for _, entry in sorted(entries.items())]

    async def waiting(self) -> int:
        """Pending orders with a price that nothing is reserved for yet."""
        query = f"SELECT count(*) {_OPEN} AND state = 'pending' AND day IS NULL"
        return int(await self._read(_one, query))

    async def spent(self, now: datetime) -> Spent:
        """What is spent or reserved in the day and the month of `now`."""
        return await self._read(lambda connection, _, __: _spent(connection, day_of(now)), "")

    async def finish(self) -> int:
        """Number settled orders, and count what they really cost; how many there were."""

        def write(connection: sqlite3.Connection) -> int:
            with savepoint(connection):
                settled = connection.execute(_SETTLED, (PAGE,)).fetchall()
                (last,) = connection.execute("SELECT coalesce(max(finished), 0) FROM outbox_submission").fetchone()
                for number, (position, day, planned, planned_grams, state, cents, grams) in enumerate(
                    settled, last + 1
                ):
                    connection.execute(
                        "UPDATE outbox_submission SET finished = ? WHERE position = ?", (number, position)
                    )
                    is_placed = state == State.PLACED
                    cost = (planned if cents is None else cents) if is_placed else 0
                    bought = (planned_grams if grams is None else grams) if is_placed else 0
                    if day is not None and (cost, bought) != (planned, planned_grams):
                        connection.execute(_COUNT, (day, cost - planned, bought - planned_grams))
                return len(settled)

        if not await self._read(_one, f"SELECT EXISTS ({_SETTLED})", (1,)):
            return 0
        return await self._write(write)

    async def finished(self, after: int, most: int) -> Sequence[Submission]:
        """Settled orders with a number above `after`, by number."""
        query = f"{_SUBMISSION} WHERE finished > ? AND finished IS NOT NULL ORDER BY finished LIMIT ?"
        return await self._submissions(query, (after, most))

    async def open_orders(self, *states: State) -> AsyncIterator[Submission]:
        """Orders in these states that are not settled."""
        last = 0
        query = f"{_SUBMISSION} WHERE finished IS NULL AND position > ? ORDER BY position LIMIT ?"
        while page := await self._read(_all, query, (last, PAGE)):
            last = page[-1][0]
            for submission in await self._with_results(page):
                if submission.state in states:
                    yield submission

    async def entries(self, *states: State) -> AsyncIterator[Entry]:
        """All orders in these states, by position. Those that are open are found among however many settled ones."""
        if not states or {State.PLACED, State.REFUSED} & {*states}:
            async for entry in super().entries(*states):
                yield entry
            return
        chosen = ", ".join("?" * len(states))
        query = f"{records.SELECT}WHERE {_IS_OPEN} AND state IN ({chosen}) ORDER BY position LIMIT ?"
        last = 0
        while page := await self._read(records.read_entries, query, (last, *states, PAGE)):
            for entry in page:
                yield entry
            last = page[-1].row.position

    # --- inside ---

    async def _submissions(self, query: str, arguments: Sequence[Any]) -> list[Submission]:
        return await self._with_results(await self._read(_all, query, arguments))

    async def _with_results(self, found: Sequence[tuple[Any, ...]]) -> list[Submission]:
        entries = await self._entries_at([position for position, _, intent, *_ in found if intent is None])
        return [_submission(each, entries) for each in found]

    async def _entries_at(self, positions: Collection[int]) -> dict[int, Entry]:
        if not positions:
            return {}
        entries = await self._read(records.read_entries, _AMONG, (json.dumps(sorted(positions)),))
        return {entry.row.position: entry for entry in entries}


def _submission(found: tuple[Any, ...], entries: Mapping[int, Entry]) -> Submission:
    position, reference, intent, submitted, number = found
    entry = entries.get(position)
    result = entry.result if entry else Result(state=State.PENDING)
    if result.state is State.REFUSED and not result.attempts:
        # It was refused before it was sent, and was only marked to keep to the steps that an order may make.
        result = attrs.evolve(result, first_sent=None, last_sent=None)
    return Submission(
        reference=reference,
        intent=restore(entry.row.intent if entry else intent),
        submitted=datetime.fromisoformat(submitted),
        result=result,
        number=number,
    )


def _read_unplanned(connection: sqlite3.Connection, query: str, arguments: Sequence[Any]) -> list[Unplanned]:
    columns = [field.name for field in attrs.fields(NewOrder)]
    found = []
    for position, *values in connection.execute(query, arguments):
        given = dict(zip(columns, values, strict=True))
        given["submitted"] = datetime.fromisoformat(given["submitted"])
        found.append(Unplanned(position=position, order=NewOrder(**given)))
    return found


def _spent(connection: sqlite3.Connection, day: str) -> Spent:
    cents_today, grams_today, cents_month, grams_month = connection.execute(_SPENT, {"day": day}).fetchone()
    return Spent(cents_today=cents_today, grams_today=grams_today, cents_month=cents_month, grams_month=grams_month)


def _exists(connection: sqlite3.Connection) -> bool:
    query = "SELECT EXISTS (SELECT * FROM sqlite_schema WHERE name = 'outbox_submission')"
    return bool(connection.execute(query).fetchone()[0])


def _one(connection: sqlite3.Connection, query: str, arguments: Sequence[Any]) -> Any:
    return connection.execute(query, arguments).fetchone()[0]


def _all(connection: sqlite3.Connection, query: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(query, arguments).fetchall()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
