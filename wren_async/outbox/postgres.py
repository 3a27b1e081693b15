"""An outbox in PostgreSQL: many processes submit, and any number of them place.

The orders stand in a journal like that of a batch, which many workers share, and which knows what a lease is. What is
here is what comes before: submissions, prices, and what is reserved for them.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import attrs

from wren_async.batch.events import Ending
from wren_async.batch.intents import Api, restore
from wren_async.batch.journal import records
from wren_async.batch.journal.contract import Entry, JournalError, Past, Result, Row, State
from wren_async.batch.journal.postgres import statements
from wren_async.batch.journal.postgres.reading import PAGE
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.journal.records import time_text
from wren_async.outbox.caps import OutboxCaps, Room, Spent, day_of
from wren_async.outbox.postgres_tables import CHANNEL, OUTBOX
from wren_async.outbox.store import Known, NewOrder, Submission, Unplanned
from wren_async.outbox.submitting import submit_over
from wren_async.postgres.database import Connection
from wren_async.postgres.schema import prepare

_LONGEST_PAYLOAD: Final = 1000
"""Characters of a reference that a notification names; there are none with so many."""
_NOBODY: Final = -1
"""Who marks an order that is settled without being sent: no runner has this id."""
_JOINED: Final = (
    "FROM wren_async.outbox o JOIN wren_async.standing s ON s.batch = %(batch)s AND s.position = o.position"
)
_SPENT: Final = """
SELECT coalesce(sum(cents) FILTER (WHERE day = %(day)s::date), 0)::bigint,
    coalesce(sum(grams) FILTER (WHERE day = %(day)s::date), 0)::bigint,
    coalesce(sum(cents), 0)::bigint, coalesce(sum(grams), 0)::bigint
FROM wren_async.outbox_day
WHERE day >= date_trunc('month', %(day)s::date) AND day < date_trunc('month', %(day)s::date) + interval '1 month'
"""
_COUNT: Final = """
INSERT INTO wren_async.outbox_day (day, cents, grams) VALUES (%(day)s, %(cents)s, %(grams)s)
ON CONFLICT (day) DO UPDATE SET cents = outbox_day.cents + excluded.cents, grams = outbox_day.grams + excluded.grams
"""
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext(%(what)s))"
_TAKEABLE: Final = f"""
SELECT o.position, s.planned_cents, s.planned_grams, o.day {_JOINED}
WHERE o.finished IS NULL AND s.state = 'pending' AND o.position <> ALL(%(but)s::bigint[])
    AND (o.owner IS NULL OR o.owner = %(owner)s OR NOT EXISTS (
        SELECT FROM wren_async.runner WHERE id = o.owner AND ended IS NULL AND declared_dead IS NULL))
    AND (o.day IS NOT NULL OR (s.planned_cents <= coalesce(%(cents)s, s.planned_cents)
        AND s.planned_grams <= coalesce(%(grams)s, s.planned_grams)))
ORDER BY o.position LIMIT %(most)s FOR UPDATE OF o SKIP LOCKED
"""  # noqa: S608 - made of constants
_IS_ANY: Final = f"""
SELECT 1 {_JOINED}
WHERE o.finished IS NULL AND s.state = 'pending' AND o.position <> ALL(%(but)s::bigint[]) LIMIT 1
"""
_WAITING: Final = f"""
SELECT count(*) {_JOINED} WHERE o.finished IS NULL AND s.state = 'pending' AND o.day IS NULL
"""
_TAKE: Final = """
UPDATE wren_async.outbox SET owner = %(owner)s, day = coalesce(day, %(day)s) WHERE position = ANY(%(taken)s::bigint[])
"""
_SETTLED: Final = f"""
SELECT o.position, o.day, s.planned_cents, s.planned_grams, s.state, s.cents, s.grams {_JOINED}
WHERE o.finished IS NULL AND s.state IN ('placed', 'refused') ORDER BY o.position LIMIT %(most)s
"""
_NUMBER: Final = """
UPDATE wren_async.outbox SET finished = given.number
FROM unnest(%(positions)s::bigint[], %(numbers)s::bigint[]) AS given (position, number)
WHERE outbox.position = ANY(%(positions)s::bigint[]) AND outbox.position = given.position
"""
_OPEN: Final = f"""
{statements.SELECT} AND position IN (
    SELECT position FROM wren_async.outbox WHERE finished IS NULL AND position > %(last)s)
AND state = ANY(%(states)s) ORDER BY position LIMIT {PAGE}
"""  # noqa: S608 - as above
_SUBMISSION: Final = "SELECT position, reference, intent, submitted, finished FROM wren_async.outbox"


class PostgresOutbox(PostgresJournal):
    """An outbox in a database that other processes use too."""

    is_shared = True
    inherited = 0
    """The last position that may have been submitted before this process was there."""

    is_behind = False
    """Whether it may have forgotten orders that were sent: the database was restored, or replaced by a standby."""

    async def prepare(self) -> None:
        """Make the outbox's tables where there are none. Raises `JournalError` where they are of another version."""
        await prepare(self._reader, (OUTBOX,))
        (last,) = await self._one("SELECT coalesce(max(position), 0) FROM wren_async.outbox")
        self.inherited = int(last)

    async def join(self) -> None:
        """Become a runner, unless this process is one already."""
        await super().join()
        if self.past is Past.KNOWN:
            self.inherited = 0
        self.is_behind |= self.past is Past.BEHIND

    async def begin_telling(self) -> bool:
        """Begin to hand settled orders to a callback. The right to it goes with the connection."""
        return bool((await self._one("SELECT pg_try_advisory_lock(hashtext('wren_async.outbox told'))"))[0])

    async def end_telling(self) -> None:
        """Let others hand settled orders to their callback."""
        with contextlib.suppress(JournalError):
            await self._one("SELECT pg_advisory_unlock(hashtext('wren_async.outbox told'))")

    async def halt_of_all(self) -> tuple[Ending, str] | None:
        """Why no process sends anything, if one of them, or a person, said so."""
        signal = await self.signal()
        return None if signal.ending is None else (Ending(signal.ending), signal.message)

    async def lift_halt(self) -> None:
        """Let all processes go on."""
        await self.resume_all()

    async def renew(self) -> None:
        """Be a new runner next time, where the lease of this one was lost."""
        if self._runner is None or self._runner.lost is None:
            return
        for task in self._keeping:
            task.cancel()
        if self._groups is not None:
            await self._groups.stop()
        self._runner, self._groups, self._keeping = None, None, []

    # --- submitting ---

    async def submit(self, order: NewOrder, connection: object | None) -> Known:
        """Write an order down, unless its reference is known: at once, or within the caller's transaction."""
        if connection is not None:
            return await submit_over(connection, order)

        async def work(own: Connection) -> Known:
            return await submit_over(own, order)

        # It may be repeated: where it was committed, and only the answer was lost, the reference is known.
        return await self._carry_out(self._reader.read, work)

    async def nudge(self, references: Collection[str]) -> None:
        """Give the other processes word: of these settled orders, or by an empty one of a submission."""
        told = [each for each in references if len(each) <= _LONGEST_PAYLOAD]
        query = "SELECT pg_notify(%(channel)s, each) FROM unnest(%(told)s::text[]) each"
        await self._all(query, channel=CHANNEL, told=told)

    async def unplanned(self, api: Api, most: int) -> Sequence[Unplanned]:
        """Orders of an API that have no price yet, the oldest first."""
        names = [field.name for field in attrs.fields(NewOrder)]
        query = (
            "SELECT position, reference, intent, digest, key, api, submitted FROM wren_async.outbox "
            "WHERE intent IS NOT NULL AND api = %(api)s ORDER BY position LIMIT %(most)s"
        )
        return [
            Unplanned(position=position, order=NewOrder(**dict(zip(names, values, strict=True))))
            for position, *values in await self._all(query, api=api, most=most)
        ]

    async def plan(self, rows: Sequence[Row], refused: Mapping[int, str], doubted: Mapping[int, Result]) -> None:
        """Take priced orders into the journal, and settle those that are refused. Another process may have done it."""
        by_position = {row.position: row for row in rows}
        results = {position: Result(state=State.REFUSED, reason=reason) for position, reason in refused.items()}
        results.update(doubted)
        now = time_text(datetime.now(UTC))

        async def work(own: Connection) -> None:
            query = (
                "UPDATE wren_async.outbox SET intent = NULL, key = NULL WHERE position IN (SELECT position "
                "FROM wren_async.outbox WHERE position = ANY(%(wanted)s::bigint[]) AND intent IS NOT NULL "
                "ORDER BY position FOR UPDATE) RETURNING position"
            )
            taken = await (await own.execute(query, {"wanted": list(by_position)})).fetchall()
            chosen = [by_position[position] for (position,) in sorted(taken)]
            fixed = statements.arrays(statements.FIXED, [records.order_values(row) for row in chosen])
            await own.execute(statements.ADD_INTENTS.encode(), {**fixed, **self._batch})
            standing = {
                "positions": [row.position for row in chosen],
                "cents": [row.cents for row in chosen],
                "grams": [row.grams for row in chosen],
            }
            await own.execute(statements.ADD_STANDING, {**standing, **self._batch})
            settled = [row.position for row in chosen if row.position in results]
            if settled:
                marks = {"positions": settled, "moments": [now] * len(settled), "owner": _NOBODY, **self._batch}
                await own.execute(statements.MARK, marks)
                given = [(position, *records.result_values(results[position])) for position in settled]
                values = statements.arrays(statements.RECORDED, given)
                await own.execute(statements.RECORD.encode(), {**values, **self._batch, "owner": _NOBODY})

        await self._write(work)

    # --- placing ---

    async def take(self, most: int, but: Collection[int], caps: OutboxCaps, now: datetime) -> Sequence[Entry]:
        """Reserve for pending orders under the caps, and give them out. `but` were given out before."""
        day, taken = day_of(now), list[int]()

        async def work(own: Connection) -> None:
            assert self._runner is not None  # noqa: S101 - whoever has joined has it
            taken.clear()
            room = Room(cents=None, grams=None)
            if caps.any:
                # One at a time reserves, so that what two see as left is not spent twice.
                await own.execute(_ONE_AT_A_TIME, {"what": "wren_async.outbox_day"})
                room = caps.room(await _spent(own, day))
            wanted = {"owner": self._runner.id, "but": list(but), "most": most, **attrs.asdict(room), **self._batch}
            cents_more, grams_more = 0, 0
            for position, cents, grams, reserved in await (await own.execute(_TAKEABLE.encode(), wanted)).fetchall():
                if reserved is None and not room.reserve(cents, grams):
                    continue
                taken.append(position)
                if reserved is None:
                    cents_more, grams_more = cents_more + cents, grams_more + grams
            if taken:
                await own.execute(_TAKE, {"owner": self._runner.id, "day": day, "taken": taken})
            if cents_more or grams_more:
                await own.execute(_COUNT, {"day": day, "cents": cents_more, "grams": grams_more})

        if not await self._all(_IS_ANY, but=list(but)):
            return ()
        await self._submit(other=work)
        return await self._entries(f"{statements.SELECT}AND position = ANY(%(taken)s) ORDER BY position", taken=taken)

    async def entries(self, *states: State) -> AsyncIterator[Entry]:
        """All orders in these states, by position. Those that are open are found among however many settled ones."""
        if not states or {State.PLACED, State.REFUSED} & {*states}:
            async for entry in super().entries(*states):
                yield entry
            return
        last = 0
        while page := await self._entries(_OPEN, last=last, states=[str(state) for state in states]):
            for entry in page:
                yield entry
            last = page[-1].row.position

    async def settle_by_hand(self, position: int, result: Result) -> None:
        """Write down what a person found out about an undecided order."""
        await self._record_by_hand(position, result)

    # --- afterwards ---

    async def waiting(self) -> int:
        """Pending orders with a price that nothing is reserved for yet."""
        return int((await self._one(_WAITING))[0])

    async def spent(self, now: datetime) -> Spent:
        """What is spent or reserved in the day and the month of `now`."""
        return await self._carry_out(self._reader.read, lambda own: _spent(own, day_of(now)))

    async def finish(self) -> int:
        """Number settled orders, and count what they really cost; how many there were."""

        async def work(own: Connection) -> int:
            # One at a time, so that numbers are seen in their order.
            await own.execute(_ONE_AT_A_TIME, {"what": "wren_async.outbox"})
            settled = await (await own.execute(_SETTLED.encode(), {"most": PAGE, **self._batch})).fetchall()
            found = await (await own.execute("SELECT coalesce(max(finished), 0) FROM wren_async.outbox")).fetchone()
            last = found[0] if found else 0
            numbers = {
                "positions": [position for position, *_ in settled],
                "numbers": list(range(last + 1, last + 1 + len(settled))),
            }
            await own.execute(_NUMBER, numbers)
            for day, (cents, grams) in _differences(settled).items():
                await own.execute(_COUNT, {"day": day, "cents": cents, "grams": grams})
            return len(settled)

        if not await self._all(_SETTLED, most=1):
            return 0
        return await self._write(work)

    async def find(self, reference: str) -> Submission | None:
        """What is known of a reference."""
        found = await self._submissions("WHERE reference = %(reference)s", reference=reference)
        return found[0] if found else None

    async def finished(self, after: int, most: int) -> Sequence[Submission]:
        """Settled orders with a number above `after`, by number."""
        chosen = "WHERE finished > %(after)s ORDER BY finished LIMIT %(most)s"
        return await self._submissions(chosen, after=after, most=most)

    async def open_orders(self, *states: State) -> AsyncIterator[Submission]:
        """Orders in these states that are not settled."""
        last = 0
        chosen = f"WHERE finished IS NULL AND position > %(last)s ORDER BY position LIMIT {PAGE}"
        while page := await self._all(f"{_SUBMISSION} {chosen}", last=last):
            last = page[-1][0]
            for submission in await self._with_results(page):
                if submission.state in states:
                    yield submission

    async def _submissions(self, chosen: str, **values: Any) -> list[Submission]:
        return await self._with_results(await self._all(f"{_SUBMISSION} {chosen}", **values))

    async def _with_results(self, found: Sequence[tuple[Any, ...]]) -> list[Submission]:
        planned = [position for position, _, intent, *_ in found if intent is None]
        query = f"{statements.SELECT}AND position = ANY(%(planned)s)"
        entries = await self._entries(query, planned=planned) if planned else []
        by_position = {entry.row.position: entry for entry in entries}
        return [_submission(each, by_position.get(each[0])) for each in found]


def _differences(settled: Sequence[tuple[Any, ...]]) -> dict[date, tuple[int, int]]:
    """What settled orders really cost more, or less, than was reserved for them, in cents and grams by the day."""
    found: dict[date, tuple[int, int]] = {}
    for _, day, planned, planned_grams, state, cents, grams in settled:
        is_placed = state == State.PLACED
        cost = (planned if cents is None else cents) if is_placed else 0
        bought = (planned_grams if grams is None else grams) if is_placed else 0
        if day is not None and (cost, bought) != (planned, planned_grams):
            had = found.get(day, (0, 0))
            found[day] = had[0] + cost - planned, had[1] + bought - planned_grams
    return found


def _submission(found: tuple[Any, ...], entry: Entry | None) -> Submission:
    _, reference, intent, submitted, number = found
    if entry is None and intent is None:
        raise JournalError(f"the journal has no order of {reference!r}, though the outbox says so")
    result = entry.result if entry else Result(state=State.PENDING)
    if result.state is State.REFUSED and not result.attempts:
        # It was refused before it was sent, and was only marked to keep to the steps that an order may make.
        result = attrs.evolve(result, first_sent=None, last_sent=None)
    return Submission(
        reference=reference,
        intent=restore(entry.row.intent if entry else intent),
        submitted=submitted.astimezone(UTC),
        result=result,
        number=number,
    )


async def _spent(own: Connection, day: str) -> Spent:
    found = await (await own.execute(_SPENT, {"day": day})).fetchone()
    assert found is not None  # noqa: S101 - an aggregate has a row
    return Spent(cents_today=found[0], grams_today=found[1], cents_month=found[2], grams_month=found[3])
