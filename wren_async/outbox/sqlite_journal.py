"""The orders of one API in an outbox's file: as if the file's journal were theirs alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import attrs

from wren_async.batch.events import Ending
from wren_async.batch.intents import Api, api_of
from wren_async.batch.journal import records
from wren_async.batch.journal.contract import Entry, Past, Result, Row, State, Totals
from wren_async.batch.journal.database import PAGE, DatabaseJournal, Read, savepoint
from wren_async.batch.journal.group_commit import Kind, Write
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.outbox.caps import OutboxCaps, Room, Spent, day_of
from wren_async.outbox.store import Clock, NewOrder, Unplanned

T = TypeVar("T")

_OPEN: Final = "FROM outbox_submission CROSS JOIN standing USING (position) WHERE finished IS NULL AND api = ?"
_UNPLANNED: Final = """
SELECT position, reference, intent, digest, key, api, submitted FROM outbox_submission
WHERE intent IS NOT NULL AND api = ? AND position NOT IN (SELECT value FROM json_each(?)) ORDER BY position LIMIT ?
"""
TAKEABLE: Final = f"""
SELECT position, planned_cents, planned_grams, day {_OPEN} AND state = 'pending'
AND (day IS NOT NULL OR (planned_cents <= ? AND planned_grams <= ?))
AND position NOT IN (SELECT value FROM json_each(?)) ORDER BY position LIMIT ?
"""  # noqa: S608 - made of constants
_AMONG: Final = f"{records.SELECT}WHERE position IN (SELECT value FROM json_each(?))"  # noqa: S608 - as above
_IS_ANY: Final = f"SELECT EXISTS (SELECT * {_OPEN} AND state = 'pending')"
_IS_OPEN: Final = """
position IN (SELECT position FROM outbox_submission WHERE finished IS NULL AND api = ? AND position > ?)
"""
_DIGESTS: Final = """
SELECT position, digest FROM outbox_submission
WHERE intent IS NULL AND api = ? AND position >= ? ORDER BY position LIMIT ?
"""
_PRUNED_AMONG: Final = """
SELECT kept_order_id FROM outbox_submission
WHERE kept_state = 'placed' AND kept_order_id IN (SELECT value FROM json_each(?))
"""
_WAS_SENT: Final = """
SELECT EXISTS (SELECT * FROM outbox_submission LEFT JOIN standing USING (position)
WHERE api = ? AND (kept_state IS NOT NULL OR state <> 'pending'))
"""
_SPENT: Final = """
SELECT coalesce(sum(iif(day = :day, cents, 0)), 0), coalesce(sum(iif(day = :day, grams, 0)), 0),
    coalesce(sum(cents), 0), coalesce(sum(grams), 0)
FROM outbox_day WHERE day >= substr(:day, 1, 7) AND day < substr(:day, 1, 7) || '-99'
"""
COUNT: Final = """
INSERT INTO outbox_day (day, cents, grams) VALUES (?, ?, ?)
ON CONFLICT (day) DO UPDATE SET cents = cents + excluded.cents, grams = grams + excluded.grams
"""
_UNCOUNTED: Final = """
SELECT position, planned_cents, planned_grams FROM outbox_submission JOIN standing USING (position)
WHERE day IS NULL AND position IN (SELECT value FROM json_each(?))
"""
_ANY: Final = 2**62


class SqliteApiJournal(DatabaseJournal):
    """The part of a file's journal that has the orders of one API, with doubts and halts of its own."""

    lapse: str | None = None

    def __init__(self, whole: SqliteJournal, outbox: str, api: Api, inherited: int, clock: Clock) -> None:
        super().__init__(whole.batch_id, whole.past)
        self._whole = whole
        """The file's own journal, of both APIs."""
        self._outbox = outbox
        self._api: Api = api
        self.inherited = inherited
        self._clock = clock

    @property
    def label(self) -> str:
        """The path of the file."""
        return self._whole.label

    @property
    def is_behind(self) -> bool:
        """Whether it may have forgotten orders that were sent: it is older than its last run."""
        return self.past is Past.BEHIND

    async def renew(self) -> None:
        """There is no lease that could be lost."""

    async def retire(self) -> None:
        """There is nobody who waits for it."""

    async def halt_of_all(self) -> tuple[Ending, str] | None:
        """There are no other processes."""
        return None

    async def lift_halt(self) -> None:
        """There are no other processes."""

    async def try_wallet_again(self) -> None:
        """There are no other processes."""

    async def give_back(self) -> None:
        """There is nobody who could take it."""

    async def settle_by_hand(self, position: int, result: Result) -> None:
        """Write down what a person found out about an undecided order."""
        await self.record(position, result)

    async def aclose(self) -> None:
        """The file is closed with its outbox."""

    # --- what is of this API alone ---

    async def note(self, name: str, value: str) -> None:
        """Keep a fact of the orders of this API. A later fact replaces it."""
        await self._whole.note(self._own(name), value)

    async def noted(self, name: str) -> str | None:
        """The fact that was kept under a name, if any."""
        return await self._whole.noted(self._own(name))

    def _own(self, name: str) -> str:
        return str(name) if name.startswith(self._api) else f"{self._api} {name}"

    async def entries(self, *states: State) -> AsyncIterator[Entry]:
        """All open orders of this API in these states, by position, a page in memory at a time.

        Of placed ones alone all that were not pruned: a new token proves itself by them.
        """
        if states == (State.PLACED,):
            async for entry in super().entries(State.PLACED):
                if api_of(entry.row.intent) == self._api:
                    yield entry
            return
        chosen = ", ".join("?" * len(states or State))
        query = f"{records.SELECT}WHERE {_IS_OPEN} AND state IN ({chosen}) ORDER BY position LIMIT ?"
        last = 0
        while page := await self._read(records.read_entries, query, (self._api, last, *(states or tuple(State)), PAGE)):
            for entry in page:
                yield entry
            last = page[-1].row.position

    async def digests(self, first: int, count: int) -> Sequence[tuple[int, str]]:
        """Position and digest of orders that have, or had, a price."""
        return await self._read(_all, _DIGESTS, (self._api, first, count))

    async def placed_among(self, order_ids: Collection[str]) -> Collection[str]:
        """Which of these ids are those of placed orders, those that were pruned included."""
        there = await super().placed_among(order_ids)
        pruned = await self._read(_all, _PRUNED_AMONG, (json.dumps(sorted(order_ids)),))
        return {*there, *(order_id for (order_id,) in pruned)}

    async def totals(self) -> Totals:
        """Sums over the orders of all APIs."""
        return await self._whole.totals()

    # --- from the submissions to the wire ---

    async def unplanned(self, most: int, but: Collection[int]) -> Sequence[Unplanned]:
        """Orders that have no price yet, the oldest first, but for those at some positions."""
        found = await self._read(_all, _UNPLANNED, (self._api, json.dumps(sorted(but)), most))
        return [_unplanned(self._outbox, each) for each in found]

    async def plan(self, rows: Sequence[Row], refused: Mapping[int, str], doubted: Mapping[int, Result]) -> None:
        """Take priced orders into the journal, all at once, and settle those that are refused with a reason."""
        if doubted or refused:
            self._begin_run()
        results = {position: Result(state=State.REFUSED, reason=reason) for position, reason in refused.items()}
        outcomes = [records.outcome(position, result) for position, result in {**results, **doubted}.items()]
        now, day = datetime.now(UTC), self._day

        def write(connection: sqlite3.Connection) -> None:
            with savepoint(connection):
                connection.executemany(records.ADD_ORDER, [records.order_values(row) for row in rows])
                connection.executemany(records.ADD_STANDING, [(row.position, row.cents, row.grams) for row in rows])
                connection.executemany(
                    "UPDATE outbox_submission SET intent = NULL, key = NULL WHERE position = ?",
                    [(row.position,) for row in rows],
                )
                _count_anyway(connection, [*doubted], day)
                marks = [records.mark(outcome.position, now) for outcome in outcomes]
                written = [*records.write_marks(connection, marks), *records.write_outcomes(connection, outcomes)]
                if errors := [error for error in written if error is not None]:
                    raise errors[0]

        await self._write(write)

    async def mark_sending(self, positions: Iterable[int], at: datetime, *, reserve: bool = False) -> None:
        """Mark orders as about to be sent. Those that may have been sent before count as spent from now on."""
        chosen, day = list(positions), self._day
        if chosen and not reserve:
            # First: a process that ends in between has counted too much rather than too little.
            await self._write(lambda connection: _count_anyway(connection, chosen, day))
        await super().mark_sending(chosen, at, reserve=reserve)

    @property
    def _day(self) -> str:
        return day_of(self._clock(self._api))

    async def waiting(self) -> int:
        """Pending orders with a price that nothing is reserved for yet."""
        query = f"SELECT count(*) {_OPEN} AND state = 'pending' AND day IS NULL"
        return int(await self._read(_one, query, (self._api,)))

    async def take(self, most: int, but: Collection[int], caps: OutboxCaps) -> Sequence[Entry]:
        """Reserve for pending orders under the caps, and give them out. `but` were given out before."""
        day, others = self._day, json.dumps(sorted(but))

        def write(connection: sqlite3.Connection) -> list[int]:
            with savepoint(connection):
                room = caps.room(spent(connection, day)) if caps.any else Room(cents=None, grams=None)
                limits = tuple(_ANY if each is None else each for each in (room.cents, room.grams))
                found = connection.execute(TAKEABLE, (self._api, *limits, others, most)).fetchall()
                return _reserve(connection, found, room, day)

        if not await self._read(_one, _IS_ANY, (self._api,)):
            return ()
        entries = await self.entries_at(await self._write(write))
        return [entry for _, entry in sorted(entries.items())]

    async def entries_at(self, positions: Collection[int]) -> dict[int, Entry]:
        """The entries at these positions."""
        if not positions:
            return {}
        entries = await self._read(records.read_entries, _AMONG, (json.dumps(sorted(positions)),))
        return {entry.row.position: entry for entry in entries}

    # --- over the file that all of them share ---

    async def _was_sent(self, api: str) -> bool:
        # Also those that are settled, or were pruned.
        return bool(await self._read(_one, _WAS_SENT, (api,)))

    def _begin_run(self) -> None:
        self._whole._begin_run()

    def _write(self, write: Write[T]) -> Awaitable[T]:
        return self._whole._write(write)

    def _write_row(self, kind: Kind, update: records.Update) -> Awaitable[None]:
        return self._whole._write_row(kind, update)

    async def _read(self, read: Read[T], query: str, arguments: Sequence[Any] = ()) -> T:
        return await self._whole._read(read, query, arguments)


def spent(connection: sqlite3.Connection, day: str) -> Spent:
    """What is spent or reserved on a day and in its month."""
    cents_today, grams_today, cents_month, grams_month = connection.execute(_SPENT, {"day": day}).fetchone()
    return Spent(cents_today=cents_today, grams_today=grams_today, cents_month=cents_month, grams_month=grams_month)


def _count_anyway(connection: sqlite3.Connection, positions: Collection[int], day: str) -> None:
    """Count what these orders cost, unless it was reserved before. Nobody asks whether there is room."""
    found = connection.execute(_UNCOUNTED, (json.dumps(sorted(positions)),)).fetchall()
    _reserve(connection, [(*each, None) for each in found], Room(cents=None, grams=None), day)


def _reserve(connection: sqlite3.Connection, found: Sequence[tuple[Any, ...]], room: Room, day: str) -> list[int]:
    """Reserve for those orders that fit, on this day; their positions."""
    taken, cents_more, grams_more = [], 0, 0
    for position, cents, grams, reserved in found:
        if reserved is None and not room.reserve(cents, grams):
            continue
        taken.append(position)
        if reserved is None:
            connection.execute("UPDATE outbox_submission SET day = ? WHERE position = ?", (day, position))
            cents_more, grams_more = cents_more + cents, grams_more + grams
    if cents_more or grams_more:
        connection.execute(COUNT, (day, cents_more, grams_more))
    return taken


def _unplanned(outbox: str, found: tuple[Any, ...]) -> Unplanned:
    position, *values = found
    names = [field.name for field in attrs.fields(NewOrder) if field.name != "outbox"]
    given = dict(zip(names, values, strict=True))
    given["submitted"] = datetime.fromisoformat(given["submitted"])
    return Unplanned(position=position, order=NewOrder(outbox=outbox, **given))


def _one(connection: sqlite3.Connection, query: str, arguments: Sequence[Any]) -> Any:
    return connection.execute(query, arguments).fetchone()[0]


def _all(connection: sqlite3.Connection, query: str, arguments: Sequence[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(query, arguments).fetchall()
