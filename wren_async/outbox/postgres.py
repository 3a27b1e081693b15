"""An outbox in PostgreSQL: many processes submit, and any number of them place.

An order is one row. Whoever sends it, or looks for it, owns it, and holds a lease: nobody else changes it before that
lease is over. The state of an order, the money reserved for it and its owner change in one transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Self

import attrs

from wren_async.batch.intents import Api, restore
from wren_async.batch.journal.contract import Entry, JournalError, Past, Result, Row, State, Totals
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.states import answered_grams, check_result, check_time, refusal, unknown
from wren_async.outbox.caps import OutboxCaps, Room, Spent, day_of
from wren_async.outbox.postgres_tables import CHANNEL, PARTS
from wren_async.outbox.store import Known, NewOrder, Submission, Unplanned
from wren_async.outbox.submitting import submit_over
from wren_async.outbox.writing import GroupedWrites
from wren_async.postgres.database import Connection, Database
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.lease import LEASE, Runner, declare_dead
from wren_async.postgres.schema import check_server, prepare

_SCOPE: Final = "outbox"
_PAGE: Final = 500
_MOST_PAYLOAD: Final = 7000
"""Bytes of a notification; PostgreSQL takes 8,000."""
_CRASHED: Final = "the process that was sending it is gone"
_RESULT: Final = (
    "state, order_id, cents, kilograms, certificate, attempts, replayed, reconciled, reason, first_sent, last_sent"
)
_ENTRY: Final = f"position, intent, digest, reference, key, planned_cents, planned_grams, {_RESULT}"
_SUBMISSION: Final = f"reference, intent, submitted, finished, {_RESULT}"
_TIMELINE: Final = "timeline"
_RESERVE: Final = """
INSERT INTO wren_async.outbox_day (day, cents, grams) VALUES (%s, %s, %s)
ON CONFLICT (day) DO UPDATE SET cents = outbox_day.cents + excluded.cents, grams = outbox_day.grams + excluded.grams
"""
_SPENT: Final = """
SELECT coalesce(sum(cents) FILTER (WHERE day = %(day)s::date), 0),
    coalesce(sum(grams) FILTER (WHERE day = %(day)s::date), 0), coalesce(sum(cents), 0), coalesce(sum(grams), 0)
FROM wren_async.outbox_day WHERE date_trunc('month', day) = date_trunc('month', %(day)s::date)
"""
_TAKEABLE: Final = """
SELECT position, planned_cents, planned_grams, day FROM wren_async.outbox
WHERE finished IS NULL AND state = 'pending' AND planned_cents IS NOT NULL AND api = ANY(%(apis)s)
    AND (owner IS NULL OR owner = %(me)s) AND NOT position = ANY(%(but)s)
    AND (day IS NOT NULL OR (planned_cents <= coalesce(%(cents)s, planned_cents)
        AND planned_grams <= coalesce(%(grams)s, planned_grams)))
ORDER BY position LIMIT %(most)s FOR UPDATE SKIP LOCKED
"""
_RECORD: Final = """
UPDATE wren_async.outbox SET state = %(state)s, order_id = %(order_id)s, cents = %(cents)s, kilograms = %(kilograms)s,
    grams = %(grams)s, certificate = %(certificate)s, attempts = %(attempts)s, replayed = %(replayed)s,
    reconciled = %(reconciled)s, reason = %(reason)s,
    first_sent = coalesce(%(first_sent)s, CASE WHEN NOT %(forgets)s THEN first_sent END),
    last_sent = coalesce(%(last_sent)s, CASE WHEN NOT %(forgets)s THEN last_sent END),
    owner = CASE WHEN %(keeps)s THEN owner END
WHERE position = %(position)s
"""
_TAKE_OVER: Final = """
UPDATE wren_async.outbox o SET
    state = CASE WHEN o.state = 'sending' THEN 'undecided' ELSE o.state END,
    reason = CASE WHEN o.state = 'sending' THEN %(reason)s ELSE o.reason END,
    last_sent = CASE WHEN o.state = 'pending' THEN o.last_sent ELSE greatest(o.last_sent, r.lease_until) END,
    owner = NULL
FROM wren_async.runner r WHERE r.id = o.owner AND o.owner = ANY(%(dead)s) AND o.finished IS NULL
"""
_FINISH: Final = """
SELECT position, day, planned_cents, planned_grams, state, cents, grams FROM wren_async.outbox
WHERE finished IS NULL AND state IN ('placed', 'refused') ORDER BY position LIMIT %s FOR UPDATE SKIP LOCKED
"""
_COUNT: Final = """
INSERT INTO wren_async.outbox_total VALUES (%s, 1, %s, %s, %s, %s, %s, %s) ON CONFLICT (state) DO UPDATE SET
    orders = outbox_total.orders + 1,
    planned_cents = outbox_total.planned_cents + excluded.planned_cents,
    planned_grams = outbox_total.planned_grams + excluded.planned_grams,
    spent_cents = outbox_total.spent_cents + excluded.spent_cents,
    spent_grams = outbox_total.spent_grams + excluded.spent_grams,
    unknown_orders = outbox_total.unknown_orders + excluded.unknown_orders,
    unknown_cents = outbox_total.unknown_cents + excluded.unknown_cents
"""
_TOTALS: Final = """
SELECT state, count(*), sum(planned_cents), sum(planned_grams),
    sum(CASE WHEN state = 'placed' THEN coalesce(cents, 0) ELSE 0 END),
    sum(CASE WHEN state = 'placed' THEN coalesce(grams, planned_grams) ELSE 0 END),
    count(*) FILTER (WHERE state = 'placed' AND cents IS NULL),
    sum(CASE WHEN state = 'placed' AND cents IS NULL THEN planned_cents ELSE 0 END)
FROM wren_async.outbox WHERE finished IS NULL AND planned_cents IS NOT NULL GROUP BY state
UNION ALL SELECT * FROM wren_async.outbox_total
"""
_logger = logging.getLogger("wren_async.outbox")


class PostgresOutbox:
    """An outbox in a database that other processes use too."""

    is_shared: Final = True
    past: Final = Past.NEW
    batch_id: Final = _SCOPE

    def __init__(self, dsn: Dsn, lease: float) -> None:
        self._front = Database(dsn)
        """Submits, reads and counts: what needs no lease."""
        self._back = Database(dsn)
        """Only the runner's, whose writes go in order through one connection."""
        self._dsn = dsn
        self._lease = lease
        self._runner: Runner | None = None
        self._writes: GroupedWrites | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._apis: list[str] = ["wren", "cnaught"]

    @classmethod
    async def open(cls, address: str, *, lease: float = LEASE) -> Self:
        """Open the outbox of a database, and make its tables where they are not there. Raises `JournalError`."""
        made = cls(Dsn(address), lease)
        try:
            for warning in await made._front.read(check_server):
                _logger.warning("%s: %s", made._dsn, warning)
            await prepare(made._front, PARTS)
        except BaseException:
            await made.aclose()
            raise
        return made

    async def aclose(self) -> None:
        """Leave. What may still be on the wire keeps its lease, and is taken over once that is over."""
        await self._leave()
        await self._front.aclose()
        await self._back.aclose()

    # --- submitting and reading ---

    async def submit(self, order: NewOrder, connection: object | None) -> Known:
        """Write an order down, unless its reference is known: at once, or within the caller's transaction."""
        if connection is not None:
            return await submit_over(connection, order)
        known = await self._front.read(lambda own: _submit(own, order))
        await self.nudge()
        return known

    async def nudge(self, *references: str) -> None:
        """Give the other processes word: something was submitted, or these orders are settled."""
        for payload in _payloads(references):
            with contextlib.suppress(JournalError):
                await self._front.run(lambda own, payload=payload: _notify(own, payload))  # type: ignore[misc]

    async def find(self, reference: str) -> Submission | None:
        """What is known of a reference."""
        found = await self._submissions("WHERE reference = %s", (reference,))
        return found[0] if found else None

    async def finished(self, after: int, most: int) -> Sequence[Submission]:
        """Settled orders with a number above `after`, by number."""
        return await self._submissions("WHERE finished > %s ORDER BY finished LIMIT %s", (after, most))

    async def open_orders(self, *states: State) -> AsyncIterator[Submission]:
        """Orders in these states that are not settled."""
        for submission in await self._submissions(
            "WHERE finished IS NULL AND state = ANY(%s) ORDER BY position", ([*states],)
        ):
            yield submission

    async def waiting(self) -> int:
        """Pending orders with a price that nothing is reserved for yet."""
        query = (
            "SELECT count(*) FROM wren_async.outbox "
            "WHERE finished IS NULL AND state = 'pending' AND planned_cents IS NOT NULL AND day IS NULL"
        )
        return int((await self._rows(query))[0][0])

    async def spent(self, now: datetime) -> Spent:
        """What is spent or reserved in the day and the month of `now`."""
        return await self._front.read(lambda own: _spent(own, day_of(now)))

    async def unplanned(self, api: Api, most: int) -> Sequence[Unplanned]:
        """Orders of an API that have no price yet, the oldest first."""
        query = (
            "SELECT position, reference, intent, digest, key, api, submitted FROM wren_async.outbox "
            "WHERE planned_cents IS NULL AND api = %s ORDER BY position LIMIT %s"
        )
        names = [field.name for field in attrs.fields(NewOrder)]
        return [
            Unplanned(position=position, order=NewOrder(**dict(zip(names, values, strict=True))))
            for position, *values in await self._rows(query, (api, most))
        ]

    async def totals(self) -> Totals:
        """Sums over all orders that have a price."""
        counted = {state: [0] * 7 for state in State}
        for state, *sums in await self._rows(_TOTALS):
            counted[State(state)] = [have + int(more) for have, more in zip(counted[State(state)], sums, strict=True)]
        reserved = (counted[State.SENDING], counted[State.UNDECIDED])
        placed = counted[State.PLACED]
        return Totals(
            orders={state: counted[state][0] for state in State},
            spent_cents=placed[3],
            reserved_cents=sum(sums[1] for sums in reserved),
            planned_cents=sum(sums[1] for sums in counted.values()),
            spent_grams=placed[4],
            reserved_grams=sum(sums[2] for sums in reserved),
            planned_grams=sum(sums[2] for sums in counted.values()),
            pending_cents=counted[State.PENDING][1],
            pending_grams=counted[State.PENDING][2],
            unknown_orders=placed[5],
            unknown_cents=placed[6],
        )

    # --- planning and finishing: no lease is needed, because nothing is sent by it ---

    async def plan(self, rows: Sequence[Row], refused: Mapping[int, str], doubted: Mapping[int, Result]) -> None:
        """Note the prices of orders, and settle those that are refused with a reason. Another may have done it."""
        now = datetime.now(UTC)

        async def work(own: Connection) -> None:
            for row in sorted(rows, key=lambda row: row.position):
                priced = await own.execute(
                    "UPDATE wren_async.outbox SET planned_cents = %s, planned_grams = %s "
                    "WHERE position = %s AND planned_cents IS NULL",
                    (row.cents, row.grams, row.position),
                )
                result = doubted.get(row.position)
                if reason := refused.get(row.position):
                    result = Result(state=State.REFUSED, reason=reason)
                if priced.rowcount and result is not None:
                    await _mark(own, row.position, now, None)
                    await own.execute(_RECORD, _values(row.position, result, forgets=result.state is State.REFUSED))

        await self._front.run(work)
        if refused:
            await self.nudge(*[row.reference for row in rows if row.position in refused])

    async def finish(self) -> int:
        """Number settled orders, and count what they really cost; how many there were."""

        async def work(own: Connection) -> int:
            await own.execute("SELECT pg_advisory_xact_lock(hashtext('wren_async.outbox'))")
            rows = await (await own.execute(_FINISH, (_PAGE,))).fetchall()
            if not rows:
                return 0
            last = await (await own.execute("SELECT coalesce(max(finished), 0) FROM wren_async.outbox")).fetchone()
            assert last is not None  # noqa: S101 - an aggregate has a row
            for number, (position, day, planned, planned_grams, state, cents, grams) in enumerate(rows, last[0] + 1):
                is_placed = state == State.PLACED
                is_unknown = is_placed and cents is None
                cost = (planned if cents is None else cents) if is_placed else 0
                bought = (planned_grams if grams is None else grams) if is_placed else 0
                await own.execute(
                    "UPDATE wren_async.outbox SET finished = %s, owner = NULL WHERE position = %s", (number, position)
                )
                sums = (planned, planned_grams, 0 if is_unknown else cost, bought)
                await own.execute(_COUNT, (state, *sums, int(is_unknown), planned if is_unknown else 0))
                if day is not None and (cost, bought) != (planned, planned_grams):
                    await own.execute(_RESERVE, (day, cost - planned, bought - planned_grams))
            return len(rows)

        if not await self._rows(
            "SELECT 1 FROM wren_async.outbox WHERE finished IS NULL AND state IN ('placed', 'refused') LIMIT 1"
        ):
            return 0
        return await self._front.run(work)

    # --- placing, under a lease ---

    @property
    def lease(self) -> float:
        """Seconds for which this process may send after each renewal."""
        return self._lease

    def may_send(self, seconds: float) -> bool:
        """Whether bytes may be sent now whose answer is there, or given up, within so many seconds."""
        return self._runner is not None and self._runner.may_send(seconds)

    async def join(self) -> None:
        """Begin to place orders, as a new runner, and take over from those that are gone."""
        if self._runner is None or self._runner.lost is not None:
            await self._leave()
            runner = self._runner = await Runner.begin(self._back, _SCOPE, PARTS, lease=self._lease)
            self._writes = GroupedWrites(runner)
            self._keeping = asyncio.create_task(_keep(runner), name="lease of the outbox")
            await self._note_timeline()
        await self.take_over()

    async def take_over(self) -> None:
        """Put in doubt what runners that are dead were sending, and let go of what else was theirs."""

        async def write(own: Connection) -> int:
            if not (dead := await declare_dead(own, _SCOPE)):
                return 0
            return (await own.execute(_TAKE_OVER, {"dead": dead, "reason": _CRASHED})).rowcount

        await self._write(write)

    async def take(self, most: int, but: Collection[int], caps: OutboxCaps, now: datetime) -> Sequence[Entry]:
        """Reserve for pending orders under the caps, and give them out. `but` were given out before."""
        day, me = day_of(now), self._me

        async def write(own: Connection) -> list[int]:
            room = Room(cents=None, grams=None)
            if caps.any:
                # One at a time reserves, so that what two see as left is not spent twice.
                await own.execute("SELECT pg_advisory_xact_lock(hashtext('wren_async.outbox_day'))")
                room = caps.room(await _spent(own, day))
            wanted = {
                "me": me,
                "but": [*but],
                "cents": room.cents,
                "grams": room.grams,
                "most": most,
                "apis": self._apis,
            }
            taken, cents_more, grams_more = dict[int, bool](), 0, 0
            for position, cents, grams, reserved in await (await own.execute(_TAKEABLE, wanted)).fetchall():
                if reserved is not None:
                    taken[position] = False
                elif room.reserve(cents, grams):
                    taken[position] = True
                    cents_more, grams_more = cents_more + cents, grams_more + grams
            await own.execute(
                "UPDATE wren_async.outbox SET owner = %s, day = coalesce(day, %s) WHERE position = ANY(%s)",
                (me, day, [*taken]),
            )
            if cents_more or grams_more:
                await own.execute(_RESERVE, (day, cents_more, grams_more))
            return [*taken]

        query = (
            "SELECT 1 FROM wren_async.outbox WHERE finished IS NULL AND state = 'pending' "
            "AND planned_cents IS NOT NULL AND NOT position = ANY(%s) LIMIT 1"
        )
        if not await self._rows(query, ([*but],)):
            return ()
        positions = await self._write(write)
        return await self._entries("position = ANY(%s)", (positions,))

    async def mark_sending(self, positions: Iterable[int], at: datetime, *, reserve: bool = False) -> None:
        """Mark orders of this process as about to be sent. What they cost was reserved when they were taken."""
        check_time("at", at)
        me, wanted = self._me, [*positions]

        async def write(own: Connection) -> None:
            for position in wanted:
                await _mark(own, position, at, me)

        await self._write(write)

    async def record(self, position: int, result: Result) -> None:
        """Write down what came of an order that is this process's own. A settled order is never changed again."""
        check_result(result)
        me = self._me

        async def write(own: Connection) -> str:
            query = "SELECT state, owner, reference FROM wren_async.outbox WHERE position = %s FOR UPDATE"
            found = await (await own.execute(query, (position,))).fetchone()
            if found is None:
                raise unknown(position)
            was, owner, reference = State(found[0]), found[1], str(found[2])
            if because := refusal(position, was, result.state, is_proven=result.reconciled):
                raise because
            if owner != me:
                raise JournalError(f"order {position} is not this process's any more: another one has taken over")
            forgets = was in (State.SENDING, State.UNDECIDED) and result.state is State.PENDING
            keeps = was is State.SENDING and result.state is State.PENDING
            await own.execute(_RECORD, _values(position, result, forgets=forgets, keeps=keeps))
            return reference

        reference = await self._write(write)
        if result.state in (State.PLACED, State.REFUSED):
            await self.nudge(reference)

    async def settle_by_hand(self, position: int, result: Result) -> None:
        """Write down what a person found out about an undecided order that no process is looking for just now."""

        async def work(own: Connection) -> None:
            query = "SELECT state, owner FROM wren_async.outbox WHERE position = %s FOR UPDATE"
            found = await (await own.execute(query, (position,))).fetchone()
            if found is None or found[0] != State.UNDECIDED:
                raise JournalError(f"order {position} is not undecided any more")
            if found[1] is not None and found[1] != (self._runner.id if self._runner else None):
                raise JournalError(f"a worker is looking for order {position} just now; try again in a moment")
            await own.execute(_RECORD, _values(position, result, forgets=False))

        await self._front.run(work)

    async def entries(self, *states: State) -> AsyncIterator[Entry]:
        """Open orders in these states. Undecided ones are claimed: they are this process's own until it has recorded
        what it found. Those that are being sent are other processes' or in the hands of this one: none is given."""
        if {*states} == {State.SENDING}:
            return
        if {*states} == {State.UNDECIDED}:
            me = self._me

            async def write(own: Connection) -> list[int]:
                claimed = await own.execute(
                    "UPDATE wren_async.outbox SET owner = %s WHERE position IN (SELECT position FROM wren_async.outbox "
                    "WHERE finished IS NULL AND state = 'undecided' AND (owner IS NULL OR owner = %s) "
                    "FOR UPDATE SKIP LOCKED) RETURNING position",
                    (me, me),
                )
                return sorted(position for (position,) in await claimed.fetchall())

            for entry in await self._entries("position = ANY(%s)", (await self._write(write),)):
                yield entry
            return
        chosen = "finished IS NULL AND planned_cents IS NOT NULL AND state = ANY(%s)"
        for entry in await self._entries(chosen, ([*(states or State)],)):
            yield entry

    async def undecided(self) -> AsyncIterator[Entry]:
        """Undecided orders, as they stand. They stay whose they are."""
        for entry in await self._entries("finished IS NULL AND state = 'undecided'", ()):
            yield entry

    async def let_go(self) -> None:
        """Let go of undecided orders that were claimed and not found out."""
        me = self._me
        await self._write(
            lambda own: _rowcount(
                own,
                "UPDATE wren_async.outbox SET owner = NULL WHERE owner = %s AND finished IS NULL "
                "AND state = 'undecided'",
                (me,),
            )
        )

    # --- the rest of the journal ---

    async def add(self, rows: Sequence[Row]) -> None:
        """Orders come by `submit` alone."""
        raise JournalError("an outbox takes orders by submitting them")

    async def sealed(self) -> bool:
        """It has no end."""
        return False

    async def seal(self, source_digest: str) -> None:
        """It has no end."""
        raise JournalError("an outbox has no end")

    async def digests(self, first: int, count: int) -> Sequence[tuple[int, str]]:
        """Position and digest of up to `count` priced orders from position `first` on."""
        query = (
            "SELECT position, digest FROM wren_async.outbox WHERE position >= %s AND planned_cents IS NOT NULL "
            "ORDER BY position LIMIT %s"
        )
        return [(int(position), str(digest)) for position, digest in await self._rows(query, (first, max(count, 0)))]

    async def entry(self, position: int) -> Entry:
        """One order. Raises `JournalError` where there is none."""
        found = await self._entries("position = %s AND planned_cents IS NOT NULL", (position,))
        if not found:
            raise unknown(position)
        return found[0]

    async def placed_among(self, order_ids: Collection[str]) -> Collection[str]:
        """All of them: any charge may be that of an order which another process has on the wire."""
        return order_ids

    async def note(self, name: str, value: str) -> None:
        """Keep a fact under a name. A later fact replaces it."""
        if name == Note.RECONCILING:
            # Whose orders are looked for, and by whom, stands with the orders.
            return
        query = (
            "INSERT INTO wren_async.outbox_note VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        )
        await self._front.read(lambda own: _rowcount(own, query, (name, value)))

    async def noted(self, name: str) -> str | None:
        """The fact that was kept under a name, if any."""
        found = await self._rows("SELECT value FROM wren_async.outbox_note WHERE name = %s", (name,))
        return str(found[0][0]) if found else None

    # --- inside ---

    @property
    def _me(self) -> int:
        if self._runner is None:
            raise JournalError("this process places nothing: it holds no lease")
        return self._runner.id

    async def _write(self, write: Callable[[Connection], Any]) -> Any:
        if self._writes is None:
            raise JournalError("this process places nothing: it holds no lease")
        return await self._writes.write(write)

    async def _leave(self) -> None:
        runner, self._runner = self._runner, None
        writes, self._writes = self._writes, None
        keeping, self._keeping = self._keeping, None
        if writes is not None and runner is not None and runner.lost is None:
            await asyncio.wait_for(writes.finish(), self._lease)
        if keeping is not None:
            keeping.cancel()
            await asyncio.wait([keeping])
        if runner is None or runner.lost is not None:
            return
        with contextlib.suppress(JournalError):
            if await self._rows(
                "SELECT 1 FROM wren_async.outbox WHERE owner = %s AND state = 'sending' LIMIT 1", (runner.id,)
            ):
                # Something may be on the wire: it is taken over when the lease is over, and not before.
                return
            await self._front.run(
                lambda own: _rowcount(own, "UPDATE wren_async.outbox SET owner = NULL WHERE owner = %s", (runner.id,))
            )
            await runner.end()

    async def _note_timeline(self) -> None:
        """After a failover, or a restored backup, every order that is pending may have been placed."""
        now = str((await self._rows("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)"))[0][0])
        was = await self.noted(_TIMELINE)
        if was not in (None, now):
            await self.note(Note.DOUBT, "the database was replaced by a standby, or restored from a backup")
        await self.note(_TIMELINE, now)

    async def _rows(self, query: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        async def work(own: Connection) -> list[tuple[Any, ...]]:
            return await (await own.execute(query.encode(), arguments)).fetchall()

        return await self._front.read(work)

    async def _entries(self, chosen: str, arguments: Sequence[Any]) -> list[Entry]:
        query = f"SELECT {_ENTRY} FROM wren_async.outbox WHERE {chosen} ORDER BY position"  # noqa: S608 - constants
        return [_entry(row) for row in await self._rows(query, arguments)]

    async def _submissions(self, chosen: str, arguments: Sequence[Any]) -> list[Submission]:
        query = f"SELECT {_SUBMISSION} FROM wren_async.outbox {chosen}"  # noqa: S608 - constants
        return [_submission(row) for row in await self._rows(query, arguments)]


async def _submit(own: Connection, order: NewOrder) -> Known:
    return await submit_over(own, order)


async def _notify(own: Connection, payload: str) -> None:
    await own.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))


async def _rowcount(own: Connection, query: str, arguments: Sequence[Any]) -> int:
    return (await own.execute(query.encode(), arguments)).rowcount


async def _mark(own: Connection, position: int, at: datetime, owner: int | None) -> None:
    marked = await own.execute(
        "UPDATE wren_async.outbox SET state = 'sending', replayed = false, reconciled = false, reason = NULL, "
        "first_sent = coalesce(first_sent, %(at)s), last_sent = %(at)s "
        "WHERE position = %(position)s AND state = 'pending' AND owner IS NOT DISTINCT FROM %(owner)s",
        {"at": at, "position": position, "owner": owner},
    )
    if not marked.rowcount:
        raise JournalError(f"order {position} is not pending, or not this process's any more: it may not be sent")


async def _spent(own: Connection, day: str) -> Spent:
    found = await (await own.execute(_SPENT, {"day": day})).fetchone()
    assert found is not None  # noqa: S101 - an aggregate has a row
    return Spent(
        cents_today=int(found[0]),
        grams_today=int(found[1]),
        cents_month=int(found[2]),
        grams_month=int(found[3]),
    )


async def _keep(runner: Runner) -> None:
    with contextlib.suppress(JournalError):
        await runner.keep()


def _values(position: int, result: Result, *, forgets: bool, keeps: bool = False) -> dict[str, Any]:
    texts = {name: _storable(getattr(result, name)) for name in ("order_id", "certificate", "reason")}
    return {
        **attrs.asdict(result),
        **texts,
        "state": result.state.value,
        "grams": answered_grams(result),
        "position": position,
        "forgets": forgets,
        "keeps": keeps,
    }


def _storable(text: str | None) -> str | None:
    # A server's JSON can hold half a surrogate pair and NULs, which PostgreSQL cannot keep.
    return None if text is None else text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _entry(found: tuple[Any, ...]) -> Entry:
    position, intent, digest, reference, key, cents, grams, *result = found
    row = Row(
        position=int(position),
        intent=intent,
        digest=digest,
        reference=reference,
        key=key,
        cents=int(cents or 0),
        grams=int(grams or 0),
    )
    return Entry(row=row, result=_result(result))


def _submission(found: tuple[Any, ...]) -> Submission:
    reference, intent, submitted, number, *result = found
    return Submission(
        reference=reference,
        intent=restore(intent),
        submitted=submitted,
        result=_result(result),
        number=None if number is None else int(number),
    )


def _result(found: Sequence[Any]) -> Result:
    names = [name.strip() for name in _RESULT.split(",")]
    given = dict(zip(names, found, strict=True))
    kilograms = given.pop("kilograms")
    return Result(
        **{**given, "state": State(given["state"])}, kilograms=None if kilograms is None else Decimal(kilograms)
    )


def _payloads(references: Sequence[str]) -> list[str]:
    """Notifications that name these references, or an empty one where there are none."""
    if not references:
        return [""]
    told = [json.dumps([reference]) for reference in references]
    return [each for each in told if len(each.encode()) <= _MOST_PAYLOAD]
