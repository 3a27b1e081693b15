"""A runner: a process that sends orders, and holds a lease in the database while it may.

Two processes must never send the same order, and a process that has lost its database may still have a request on the
wire, or be about to write one. So a runner sends only while its lease lasts, and nobody takes over what is its own
before the lease is over.

- The row's id is the fencing token: no id comes twice, as long as the database is the same. After a failover to a
  standby that lagged, an id may come again: so whatever a runner asks for names the timeline that it began on, too.
- Each transaction of a runner renews its lease, raises its sequence number, and is refused once another runner has
  declared it dead, or the tables were brought to another version.
- On the runner's side the lease counts from *before* the renewing statement was sent, by a clock of this machine that
  does not go back. In the database it counts from when the statement was carried out, which is later.
- `may_send` is asked directly before the bytes of a request go out: the lease must last until its answer is there or
  given up. So nothing of a runner is on its way to the server once its lease is over.
- Another runner takes over only when the lease is over by the database's clock, with a margin, and a whole lease after
  the database itself was started.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Final, Self, TypeAlias, TypeVar

import attrs

from wren_async.core.client import __version__
from wren_async.errors import JournalError
from wren_async.postgres.database import Connection, Database, DatabaseLost, waits
from wren_async.postgres.schema import Part, check

T = TypeVar("T")

LEASE: Final = 60.0
"""Seconds for which a runner may send after each renewal."""
_MARGIN: Final = 0.1
"""By how much of a lease a runner must be overdue before others take over: clocks do not run alike."""
_RENEWALS: Final = 6
"""How often a lease is renewed while it lasts, where nothing else is written."""

_BEGIN: Final = """
INSERT INTO wren_async.runner (name, scope, program, lease, lease_until) VALUES (%(name)s, %(scope)s, %(program)s,
    %(lease)s * interval '1 s', clock_timestamp() + %(lease)s * interval '1 s')
RETURNING id
"""
_RENEW: Final = """
UPDATE wren_async.runner SET sequence = %(next)s, answer = NULL, lease_until = clock_timestamp() + lease
WHERE id = %(id)s AND sequence = %(next)s - 1 AND ended IS NULL AND declared_dead IS NULL
    AND NOT EXISTS (
        SELECT FROM unnest(%(parts)s::text[], %(versions)s::int[]) needed (name, version)
        WHERE NOT EXISTS (
            SELECT FROM wren_async.part WHERE part.name = needed.name AND part.version = needed.version))
    AND left(pg_walfile_name(pg_current_wal_lsn()), 8) = %(timeline)s
"""
TIMELINE: Final = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)"
"""Which course of events the database is on: it is another one after a failover, or after a restored backup."""
_ANSWER: Final = "UPDATE wren_async.runner SET answer = %s::jsonb WHERE id = %s"
_LOOK: Final = """
SELECT sequence, answer, declared_dead IS NOT NULL, ended IS NOT NULL, left(pg_walfile_name(pg_current_wal_lsn()), 8)
FROM wren_async.runner WHERE id = %s FOR UPDATE
"""
_BURY: Final = """
UPDATE wren_async.runner SET declared_dead = clock_timestamp()
WHERE scope = %(scope)s AND ended IS NULL AND declared_dead IS NULL
    AND lease_until + lease * %(margin)s < clock_timestamp()
    AND pg_postmaster_start_time() + lease * (1 + %(margin)s) < clock_timestamp()
RETURNING id
"""
_END: Final = """
UPDATE wren_async.runner SET ended = clock_timestamp() WHERE id = %s AND declared_dead IS NULL AND ended IS NULL
    AND left(pg_walfile_name(pg_current_wal_lsn()), 8) = %s
"""
_FORGET: Final = """
DELETE FROM wren_async.runner WHERE id IN (
    SELECT id FROM wren_async.runner
    WHERE is_cleared AND coalesce(ended, declared_dead) < clock_timestamp() - interval '1 day'
    ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""
"""Of those that left nothing behind nobody asks any more. One that wakes after so long finds that it is not there: it
has lost its lease, and its id is no other's."""


class LeaseLost(JournalError):
    """This runner may not write any more: another one has taken over, or the tables are of another version."""


@attrs.frozen
class Moment:
    """A moment by two clocks of this machine. One counts a suspended machine's sleep where the system can tell it; the
    other is set right after a virtual machine was frozen."""

    steady: float
    wall: float

    @classmethod
    def now(cls) -> Self:
        """The present."""
        return cls(_steady(), time.time())

    def until(self, later: Moment) -> float:
        """Seconds from this moment to a later one, by whichever clock tells of more: a lease rather ends too soon."""
        return max(later.steady - self.steady, later.wall - self.wall)


def _steady() -> float:
    clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


Clock: TypeAlias = Callable[[], Moment]


class Runner:
    """A process that sends, as the others see it: a row with a lease."""

    def __init__(
        self,
        database: Database,
        runner_id: int,
        *,
        lease: float,
        begun: Moment,
        parts: dict[str, int],
        timeline: str,
        clock: Clock,
    ) -> None:
        self.id = runner_id
        """The fencing token."""
        self.lease = lease
        self._database = database
        self._parts = parts
        self._timeline = timeline
        self._clock = clock
        self._renewed = begun
        self._sequence = 0
        self._turn = asyncio.Lock()
        self._lost: str | None = None
        self._is_unsure = False
        """Whether a transaction was cancelled that may have been committed."""

    @classmethod
    async def begin(
        cls,
        database: Database,
        scope: str,
        parts: tuple[Part, ...],
        *,
        lease: float = LEASE,
        clock: Clock = Moment.now,
        along: Callable[[Connection, int], Awaitable[object]] | None = None,
    ) -> Self:
        """Enter the runners of a scope, such as those of one batch.

        Args:
            database: A connection that nothing else is written by.
            scope: What is shared: the runners of one scope take over from each other.
            parts: What must stay of this program's version.
            lease: Seconds for which it may send after each renewal.
            clock: The clocks of this machine, for tests.
            along: What is done in the same transaction, with the id of the runner.

        Raises `JournalError` where the tables are of another version than this program's.
        """
        begun = clock()

        async def work(connection: Connection) -> tuple[int, str]:
            values = {"name": _name(), "scope": scope, "program": __version__, "lease": lease}
            found = await (await connection.execute(_BEGIN, values)).fetchone()
            assert found is not None  # noqa: S101 - RETURNING of one row
            # Now that the row is there, nobody changes the tables until it is committed.
            await check(connection, parts)
            await connection.execute(_FORGET)
            if along is not None:
                await along(connection, found[0])
            timeline = await (await connection.execute(TIMELINE)).fetchone()
            assert timeline is not None  # noqa: S101 - a query without FROM has a row
            return int(found[0]), str(timeline[0])

        runner_id, timeline = await database.run(work)
        needed = {part.name: part.version for part in parts}
        return cls(database, runner_id, lease=lease, begun=begun, parts=needed, timeline=timeline, clock=clock)

    @property
    def lost(self) -> str | None:
        """Why it may not write any more, once that is known."""
        return self._lost

    def may_send(self, seconds: float = 0.0) -> bool:
        """Whether bytes may go out now whose answer is there, or given up, within so many seconds."""
        return self._lost is None and self._renewed.until(self._clock()) + max(0.0, seconds) <= self.lease

    async def transaction(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Carry out a transaction that renews the lease, exactly once, also where the connection breaks meanwhile.

        `work` returns what JSON can hold. It may be begun again from its beginning. Raises `LeaseLost`; while the
        database is away it waits, for as long as nobody has taken over.
        """
        async with self._turn:
            if self._is_unsure:
                self._sequence = await self._database.read(self._last)
                self._is_unsure = False
            number = self._sequence + 1
            is_repeat = False
            for wait in waits():
                if self._lost is not None:
                    raise LeaseLost(self._lost)
                began = self._clock()
                try:
                    answer, is_renewed = await self._once(number, work, is_repeat=is_repeat)
                except DatabaseLost as error:
                    self._database.outage.goes_on(error)
                    is_repeat = self._is_unsure = True
                    await asyncio.sleep(wait)
                    continue
                except asyncio.CancelledError:
                    self._is_unsure = True
                    raise
                self._sequence, self._is_unsure = number, False
                if is_renewed:
                    self._renewed = began
                return answer
        raise AssertionError("waits() does not end")

    async def keep(self) -> None:
        """Renew the lease again and again, until it is lost or this is cancelled."""
        while True:
            await asyncio.sleep(self.lease / _RENEWALS)
            if self._renewed.until(self._clock()) >= self.lease / _RENEWALS / 2:
                await self.transaction(_nothing)

    async def end(self) -> None:
        """Leave: nothing of it is on the wire any more. Others need not wait for the end of its lease."""
        self._lost = self._lost or "this runner has ended"
        await self._database.run(lambda connection: connection.execute(_END, (self.id, self._timeline)))

    async def _once(
        self, number: int, work: Callable[[Connection], Awaitable[T]], *, is_repeat: bool
    ) -> tuple[T, bool]:
        """The answer, and whether the lease was renewed by it now."""
        values = {
            "id": self.id,
            "next": number,
            "parts": [*self._parts],
            "versions": [*self._parts.values()],
            "timeline": self._timeline,
        }

        async def whole(connection: Connection) -> tuple[T, bool]:
            if is_repeat:
                # Waits for the end of the first try, where the database still works on that.
                found = await (await connection.execute(_LOOK, (self.id,))).fetchone()
                if found is not None and found[0] >= number and found[4] == self._timeline:
                    return found[1], False
            if (await connection.execute(_RENEW, values)).rowcount != 1:
                raise LeaseLost(self._lose(await self._reason(connection, number)))
            answer = await work(connection)
            if answer is not None:
                await connection.execute(_ANSWER, (json.dumps(answer), self.id))
            return answer, True

        return await self._database.run(whole)

    async def _last(self, connection: Connection) -> int:
        found = await (await connection.execute(_LOOK, (self.id,))).fetchone()
        return self._sequence if found is None else int(found[0])

    async def _reason(self, connection: Connection, number: int) -> str:
        if (timeline := await (await connection.execute(TIMELINE)).fetchone()) and timeline[0] != self._timeline:
            return (
                "the database was replaced by a standby or restored from a backup, and may have lost what was marked "
                "last: start the worker again, and every order that is not settled is looked for first"
            )
        found = await (await connection.execute(_LOOK, (self.id,))).fetchone()
        if found is None or found[0] < number - 1:
            return (
                f"the database has forgotten what runner {self.id} wrote last, as one does that was restored from a "
                "backup: start the worker again, and what is not settled is looked for first"
            )
        if found[2]:
            return (
                f"runner {self.id} did not renew its lease in time, and another one has taken over: what it has sent "
                "is looked for before anything of it is sent again"
            )
        if found[3]:
            return f"runner {self.id} has ended"
        if found[0] != number - 1:
            return f"runner {self.id} is used by two programs"
        return (
            "the tables of the database were brought to another version while this worker ran: start one of that "
            "version. What this one has sent is looked for by the others"
        )

    def _lose(self, why: str) -> str:
        self._lost = self._lost or why
        return self._lost


async def declare_dead(connection: Connection, scope: str) -> list[int]:
    """The runners of a scope that are dead by now: their leases are long over, and they can send nothing any more.

    Within a transaction, which then takes over what was theirs.
    """
    rows = await (await connection.execute(_BURY, {"scope": scope, "margin": _MARGIN})).fetchall()
    return [int(row[0]) for row in rows]


async def _nothing(_: Connection) -> None:
    """A transaction that only renews."""


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
