"""The orders of one API of an outbox in PostgreSQL: a journal like that of a batch, which knows what a lease is.

What is here is what comes before it: prices, and what is reserved for the orders.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from wren_async.batch.events import Ending
from wren_async.batch.intents import Api
from wren_async.batch.journal import records
from wren_async.batch.journal.contract import Entry, JournalError, Past, Result, Row, State
from wren_async.batch.journal.notes import Note, read_note
from wren_async.batch.journal.postgres import statements
from wren_async.batch.journal.postgres.opening import BatchRow
from wren_async.batch.journal.postgres.reading import PAGE
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.journal.postgres.tables import PARTS
from wren_async.batch.journal.records import time_text
from wren_async.outbox.caps import OutboxCaps, Room, Spent, day_of
from wren_async.outbox.postgres_tables import OUTBOX
from wren_async.outbox.store import Clock, NewOrder, Unplanned
from wren_async.postgres.database import Connection, Database
from wren_async.postgres.lease import Runner

_REMEMBERED: Final = timedelta(days=3)
"""How long after a failover a submission is looked for in the lists: it may be one that the standby never heard of."""
_INHERITED: Final = "submitted before"
"""Name of the note that says up to which position orders may have been sent before any of the workers was there."""
_NOBODY: Final = -1
"""Who marks an order that is settled without being sent: no runner has this id."""
_JOINED: Final = """
FROM wren_async.outbox o JOIN wren_async.standing s ON s.batch = %(batch)s AND s.position = o.position
WHERE o.outbox = %(outbox)s AND o.api = %(api)s AND o.finished IS NULL AND s.state = 'pending'
    AND o.position <> ALL(%(but)s::bigint[])
"""
_TAKEABLE: Final = f"""
SELECT o.position, s.planned_cents, s.planned_grams, o.day {_JOINED}
    AND (o.owner IS NULL OR o.owner = %(owner)s OR NOT EXISTS (
        SELECT FROM wren_async.runner WHERE id = o.owner AND ended IS NULL AND declared_dead IS NULL))
    AND (o.day IS NOT NULL OR (s.planned_cents <= coalesce(%(cents)s, s.planned_cents)
        AND s.planned_grams <= coalesce(%(grams)s, s.planned_grams)))
ORDER BY o.position LIMIT %(most)s FOR UPDATE OF o SKIP LOCKED
"""  # noqa: S608 - made of constants
_IS_ANY: Final = f"SELECT 1 {_JOINED} LIMIT 1"
_TAKE: Final = """
UPDATE wren_async.outbox SET owner = %(owner)s, day = coalesce(day, %(day)s) WHERE position = ANY(%(taken)s::bigint[])
"""
_RESERVE: Final = """
WITH reserved AS (
    UPDATE wren_async.outbox o SET day = %(day)s FROM wren_async.standing s
    WHERE o.position = ANY(%(positions)s::bigint[]) AND o.day IS NULL
        AND s.batch = %(batch)s AND s.position = o.position
    RETURNING s.planned_cents, s.planned_grams)
SELECT coalesce(sum(planned_cents), 0)::bigint, coalesce(sum(planned_grams), 0)::bigint FROM reserved
"""
_SPENT: Final = """
SELECT coalesce(sum(cents) FILTER (WHERE day = %(day)s::date), 0)::bigint,
    coalesce(sum(grams) FILTER (WHERE day = %(day)s::date), 0)::bigint,
    coalesce(sum(cents), 0)::bigint, coalesce(sum(grams), 0)::bigint
FROM wren_async.outbox_day WHERE outbox = %(outbox)s
    AND day >= date_trunc('month', %(day)s::date) AND day < date_trunc('month', %(day)s::date) + interval '1 month'
"""
COUNT: Final = """
INSERT INTO wren_async.outbox_day (outbox, day, cents, grams) VALUES (%(outbox)s, %(day)s, %(cents)s, %(grams)s)
ON CONFLICT (outbox, day) DO UPDATE
SET cents = outbox_day.cents + excluded.cents, grams = outbox_day.grams + excluded.grams
"""
ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%(what)s || %(outbox)s, 0))"
_UNPLANNED: Final = """
SELECT position, outbox, reference, intent, digest, key, api, submitted FROM wren_async.outbox
WHERE outbox = %(outbox)s AND api = %(api)s AND intent IS NOT NULL AND position <> ALL(%(but)s::bigint[])
ORDER BY position LIMIT %(most)s
"""
_WAS_PRUNED: Final = """
SELECT 1 FROM wren_async.outbox WHERE outbox = %(outbox)s AND api = %(api)s AND kept_state IS NOT NULL LIMIT 1
"""
_PLANNED: Final = """
UPDATE wren_async.outbox SET intent = NULL, key = NULL WHERE position IN (
    SELECT position FROM wren_async.outbox WHERE position = ANY(%(wanted)s::bigint[]) AND intent IS NOT NULL
    ORDER BY position FOR UPDATE)
RETURNING position
"""
_OPEN: Final = f"""
{statements.SELECT} AND position IN (
    SELECT position FROM wren_async.outbox
    WHERE outbox = %(outbox)s AND api = %(api)s AND finished IS NULL AND position > %(last)s)
AND state = ANY(%(states)s) ORDER BY position LIMIT {PAGE}
"""  # noqa: S608 - as above
_GIVE_BACK: Final = """
UPDATE wren_async.outbox SET owner = NULL
WHERE outbox = %(outbox)s AND api = %(api)s AND finished IS NULL AND owner = %(owner)s
"""
_TRY_WALLET_AGAIN: Final = """
UPDATE wren_async.batch SET halted = NULL, halted_because = '' WHERE number = %(batch)s AND halted = %(ending)s
"""
_PRUNED_AMONG: Final = """
SELECT kept_order_id FROM wren_async.outbox
WHERE outbox = %(outbox)s AND api = %(api)s AND kept_state = 'placed' AND kept_order_id = ANY(%(ids)s)
"""
_DIGESTS: Final = """
SELECT position, digest FROM wren_async.outbox
WHERE outbox = %(outbox)s AND api = %(api)s AND intent IS NULL AND position >= %(first)s
ORDER BY position LIMIT %(count)s
"""


class PostgresApiJournal(PostgresJournal):
    """The journal of one API of an outbox, which other processes use too."""

    _parts = (*PARTS, OUTBOX)
    inherited = 0
    """The last position that may have been submitted, and sent, before any of the workers was there."""

    is_behind = False
    """Whether it may have forgotten orders that were sent: the database was restored, or replaced by a standby."""

    def __init__(
        self,
        reader: Database,
        writer: Database,
        row: BatchRow,
        *,
        lease: float,
        outbox: str,
        api: Api,
        clock: Clock,
    ) -> None:
        super().__init__(reader, writer, row, lease=lease, read_only=False)
        self._outbox = outbox
        self._api: Api = api
        self._clock = clock
        self._found_by: dict[int, Runner | None] = {}
        """By which of its runners this process has found orders without a price."""
        self._lapsed: str | None = None
        """Why the last lease was lost, until there is another one."""

    @property
    def label(self) -> str:
        """The name of the outbox."""
        return f"outbox {self._outbox!r}"

    @property
    def number(self) -> int:
        """Its number among the batches of the database."""
        return self._row.number

    @property
    def _batch(self) -> dict[str, Any]:
        return {**super()._batch, "outbox": self._outbox, "api": self._api}

    async def join(self) -> None:
        """Become a runner, unless this process is one already."""
        if self._runner is not None:
            return
        await super().join()
        self._lapsed = None
        if self.past is not Past.KNOWN:
            # Those that come while this one looks into the past wait, and then look for these, too.
            query = "SELECT coalesce(max(position), 0) FROM wren_async.outbox WHERE outbox = %(outbox)s"
            await self.note(_INHERITED, str((await self._one(query))[0]))

    @property
    def lapse(self) -> str | None:
        """Why this process may send nothing for now though it has begun: its lease is lost, or over."""
        return super().lapse or self._lapsed

    async def halt_of_all(self) -> tuple[Ending, str] | None:
        """Why no process sends anything, if one of them, or a person, said so."""
        signal = await self.signal()
        return None if signal.ending is None else (Ending(signal.ending), signal.message)

    async def lift_halt(self) -> None:
        """Let all processes go on: a person said so."""
        await self.resume_all()

    async def try_wallet_again(self) -> None:
        """Let all processes go on, where nothing but an empty wallet has stopped them."""
        await self._execute(_TRY_WALLET_AGAIN, ending=str(Ending.PAYMENT_REQUIRED))

    async def renew(self) -> None:
        """Be a new runner next time, where the lease of this one was lost."""
        if self._runner is None or self._runner.lost is None:
            return
        self._lapsed = self._runner.lost
        await self.retire()

    async def settle_by_hand(self, position: int, result: Result) -> None:
        """Write down what a person found out about an undecided order."""
        await self._record_by_hand(position, result)

    # --- what is open, however many orders are settled ---

    async def entries(self, *states: State) -> AsyncIterator[Entry]:
        """All open orders in these states, by position.

        Of placed ones alone all that were not pruned: a new token proves itself by them.
        """
        if states == (State.PLACED,):
            async for entry in super().entries(State.PLACED):
                yield entry
            return
        last, chosen = 0, [str(state) for state in states or State]
        while page := await self._entries(_OPEN, last=last, states=chosen):
            for entry in page:
                yield entry
            last = page[-1].row.position

    async def digests(self, first: int, count: int) -> Sequence[tuple[int, str]]:
        """Position and digest of orders that have, or had, a price."""
        return [(each[0], each[1]) for each in await self._all(_DIGESTS, first=first, count=count)]

    async def entries_at(self, positions: Collection[int]) -> dict[int, Entry]:
        """The entries at these positions."""
        query = f"{statements.SELECT}AND position = ANY(%(positions)s) ORDER BY position"
        return {entry.row.position: entry for entry in await self._entries(query, positions=list(positions))}

    async def placed_among(self, order_ids: Collection[str]) -> Collection[str]:
        """Which of these ids are those of placed orders, those that were pruned included."""
        if not order_ids:
            return ()
        there = await super().placed_among(order_ids)
        return {*there, *(each for (each,) in await self._all(_PRUNED_AMONG, ids=list(order_ids)))}

    # --- from the submissions to the wire ---

    async def unplanned(self, most: int, but: Collection[int]) -> Sequence[Unplanned]:
        """Orders that have no price yet, the oldest first, but for those at some positions."""
        runner = self._runner
        names = [field.name for field in attrs.fields(NewOrder)]
        found = await self._all(_UNPLANNED, most=most, but=list(but))
        if found:
            self.inherited = int(await self.noted(_INHERITED) or 0)
            replaced = await self.noted(Note.REPLACED)
            self.is_behind = replaced is not None and read_note(self, Note.REPLACED, replaced, _is_recent)
        self._found_by = {position: runner for position, *_ in found}
        return [
            Unplanned(position=position, order=NewOrder(**dict(zip(names, values, strict=True))))
            for position, *values in found
        ]

    async def plan(self, rows: Sequence[Row], refused: Mapping[int, str], doubted: Mapping[int, Result]) -> None:
        """Take priced orders into the journal, and settle those that are refused. Another process may have done it.

        Raises `JournalError` where this process has left since it found them, or has begun anew: the database may be
        another one, with other orders, and what it has forgotten has to be looked for.
        """
        by_position = {row.position: row for row in rows}
        found_by = [self._found_by.pop(position, None) for position in by_position]
        results = {position: Result(state=State.REFUSED, reason=reason) for position, reason in refused.items()}
        results.update(doubted)
        is_same = True

        async def work(own: Connection) -> None:
            nonlocal is_same
            is_same = all(runner is self._runner for runner in found_by)
            if not is_same:
                return
            taken = await (await own.execute(_PLANNED, {"wanted": list(by_position)})).fetchall()
            chosen = [by_position[position] for (position,) in sorted(taken)]
            await self._add(own, chosen)
            unsent = {row.position: results[row.position] for row in chosen if row.position in results}
            await self._settle_unsent(own, unsent)
            await self._count(own, doubted)

        if self._runner is None:
            raise JournalError("this process has left meanwhile: what was submitted is priced again once it is back")
        # By its runner: that of another database, or of another version of the tables, is refused.
        await self._submit(other=work)
        if not is_same:
            raise JournalError("this process has begun anew meanwhile: what was submitted is priced again")

    async def _was_sent(self, connection: Connection, api: str) -> bool:
        # Also those that were pruned.
        found = await (await connection.execute(_WAS_PRUNED, self._batch)).fetchone()
        return found is not None or await super()._was_sent(connection, api)

    async def _add(self, own: Connection, rows: Sequence[Row]) -> None:
        fixed = statements.arrays(statements.FIXED, [records.order_values(row) for row in rows])
        await own.execute(statements.ADD_INTENTS.encode(), {**fixed, **self._batch})
        standing = {
            "positions": [row.position for row in rows],
            "cents": [row.cents for row in rows],
            "grams": [row.grams for row in rows],
        }
        await own.execute(statements.ADD_STANDING, {**standing, **self._batch})

    async def _settle_unsent(self, own: Connection, results: Mapping[int, Result]) -> None:
        if not results:
            return
        moments = [time_text(datetime.now(UTC))] * len(results)
        marks = {"positions": list(results), "moments": moments, "owner": _NOBODY, **self._batch}
        await own.execute(statements.MARK, marks)
        given = [(position, *records.result_values(result)) for position, result in results.items()]
        values = statements.arrays(statements.RECORDED, given)
        await own.execute(statements.RECORD.encode(), {**values, **self._batch, "owner": _NOBODY})

    async def mark_sending(self, positions: Iterable[int], at: datetime, *, reserve: bool = False) -> None:
        """Mark orders as about to be sent. Those that may have been sent before count as spent from now on."""
        chosen = list(positions)
        if chosen and not reserve:
            # First: a process that ends in between has counted too much rather than too little.
            await self._submit(other=lambda own: self._count(own, chosen))
        await super().mark_sending(chosen, at, reserve=reserve)

    async def _count(self, own: Connection, positions: Collection[int]) -> None:
        """Count what these orders cost today, unless it was reserved before. Nobody asks whether there is room."""
        if not positions:
            return
        values = {**self._batch, "day": self._day, "positions": list(positions)}
        found = await (await own.execute(_RESERVE, values)).fetchone()
        if found is not None and any(found):
            await own.execute(COUNT, {**values, "cents": found[0], "grams": found[1]})

    @property
    def _day(self) -> str:
        return day_of(self._clock(self._api))

    async def waiting(self) -> int:
        """Pending orders with a price that nothing is reserved for yet."""
        return int((await self._one(f"SELECT count(*) {_JOINED} AND o.day IS NULL", but=[]))[0])

    async def give_back(self) -> None:
        """Leave what was given out, and is pending still, to other processes. What is reserved for it stays so."""
        if self._runner is not None and self._runner.lost is None:
            await self._submit_statement(_GIVE_BACK)

    async def take(self, most: int, but: Collection[int], caps: OutboxCaps) -> Sequence[Entry]:
        """Reserve for pending orders under the caps, and give them out. `but` were given out before."""
        day, taken = self._day, list[int]()

        async def work(own: Connection) -> None:
            taken.clear()
            room = Room(cents=None, grams=None)
            if caps.any:
                # One at a time reserves, so that what two see as left is not spent twice.
                await own.execute(ONE_AT_A_TIME, {"what": "wren_async.outbox_day ", **self._batch})
                room = caps.room(await spent(own, self._outbox, day))
            taken.extend(await self._reserve(own, room, day, most, but))

        if not await self._all(_IS_ANY, but=list(but)):
            return ()
        await self._submit(other=work)
        return list((await self.entries_at(taken)).values())

    async def _reserve(self, own: Connection, room: Room, day: str, most: int, but: Collection[int]) -> list[int]:
        """Reserve for those orders that fit, on this day; their positions."""
        assert self._runner is not None  # noqa: S101 - whoever has joined has it
        mine = {**self._batch, "owner": self._runner.id, "day": day}
        wanted = {**mine, "but": list(but), "most": most, **attrs.asdict(room)}
        taken, cents_more, grams_more = list[int](), 0, 0
        for position, cents, grams, reserved in await (await own.execute(_TAKEABLE.encode(), wanted)).fetchall():
            if reserved is None and not room.reserve(cents, grams):
                continue
            taken.append(position)
            if reserved is None:
                cents_more, grams_more = cents_more + cents, grams_more + grams
        if taken:
            await own.execute(_TAKE, {**mine, "taken": taken})
        if cents_more or grams_more:
            await own.execute(COUNT, {**mine, "cents": cents_more, "grams": grams_more})
        return taken


async def spent(own: Connection, outbox: str, day: str) -> Spent:
    """What is spent or reserved on a day and in its month."""
    found = await (await own.execute(_SPENT, {"outbox": outbox, "day": day})).fetchone()
    assert found is not None  # noqa: S101 - an aggregate has a row
    return Spent(cents_today=found[0], grams_today=found[1], cents_month=found[2], grams_month=found[3])


def _is_recent(replaced: str) -> bool:
    return datetime.now(UTC) - datetime.fromisoformat(replaced) < _REMEMBERED
