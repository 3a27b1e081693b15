"""The journal of a batch in PostgreSQL: any number of processes share it, and each order belongs to one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

import psycopg

from wren_async.batch.intents import ORDER_TYPES
from wren_async.batch.journal import records
from wren_async.batch.journal.contract import Bounds, JournalError, Replacement, Result, Row, State
from wren_async.batch.journal.postgres import statements
from wren_async.batch.journal.postgres.groups import why_not
from wren_async.batch.journal.postgres.joining import JoinedBatch
from wren_async.batch.journal.postgres.opening import KEEP_NOTE, find_batch, others_there, remove_empty
from wren_async.batch.journal.postgres.reading import NOTED
from wren_async.batch.journal.postgres.tables import PARTS, SPAN
from wren_async.batch.journal.records import time_text
from wren_async.batch.journal.states import check_result, check_time
from wren_async.postgres.database import Connection, Database, refused
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.lease import LEASE
from wren_async.postgres.schema import check, check_server, prepare, warn

T = TypeVar("T")


class PostgresJournal(JoinedBatch):
    """A journal that many processes share. Opened with the same address and name, it is the same batch.

    Its first use that places orders makes this process a *runner* of the batch: it then holds a lease, claims the
    orders that it places, and lets others take over what it leaves behind. Belongs to the event loop that opened it.
    """

    @classmethod
    async def open(
        cls, address: str | Dsn, batch: str, *, make: bool = True, read_only: bool = False, lease: float = LEASE
    ) -> Self:
        """Open the journal of a batch, or make one.

        Args:
            address: Where the database is, such as `postgresql://app@db.example/orders`. Its tables are made where
                there are none.
            batch: The name of the batch in the database.
            make: Make the batch where there is none of this name.
            read_only: Open it to be read alone: it is not made then, and nothing of it can be changed.
            lease: Seconds for which a process that places may go on without the database. As long, and a little more,
                its orders wait when it dies. An attempt may take half of it.

        Raises `JournalError` where there is none, or its tables are of another version, or the database cannot be
        trusted.
        """
        dsn = address if isinstance(address, Dsn) else Dsn(address)
        reader, writer = Database(dsn), Database(dsn, longest=max(1.0, lease / 3), prepares=True)
        try:
            for warning in await reader.run(check_server):
                warn(str(dsn), warning)
            if make and not read_only:
                await prepare(reader, PARTS)
            else:
                await reader.run(lambda connection: check(connection, PARTS))
            row = await reader.read(lambda connection: find_batch(connection, batch, make=make and not read_only))
        except psycopg.Error as error:
            await reader.aclose()
            raise refused(dsn, error) from None
        except BaseException:
            await reader.aclose()
            raise
        return cls(reader, writer, row, lease=lease, read_only=read_only)

    async def aclose(self) -> None:
        """Write what is waiting, and leave: at once where nothing of this process is on the wire. May be called again.

        Where something may be, others wait for the end of its lease before they look for it.
        """
        was_closed, self._closed = self._closed, True
        try:
            for task in self._keeping:
                task.cancel()
            if self._keeping:
                await asyncio.wait(self._keeping)
            if not was_closed:
                await self._leave()
        finally:
            # Also where the waiting for the last writes is cancelled: they are then as if the process had died.
            await self._writer.aclose()
            await self._reader.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    # --- the plan ---

    async def add(self, rows: Sequence[Row]) -> None:
        """Take in orders as pending, all of them or none. Positions must be new."""
        values = statements.arrays(statements.FIXED, [records.order_values(row) for row in rows])
        standing = {
            "positions": [row.position for row in rows],
            "cents": [row.cents for row in rows],
            "grams": [row.grams for row in rows],
        }

        async def work(connection: Connection) -> None:
            try:
                await connection.execute(statements.ADD_INTENTS.encode(), {**values, **self._batch})
            except psycopg.errors.UniqueViolation:
                raise JournalError(
                    f"{self.label}: its orders are there already, so another process is planning it now: nothing was "
                    "sent; give the same command again once that has finished"
                ) from None
            await connection.execute(statements.ADD_STANDING, {**standing, **self._batch})

        if rows:
            await self._write(work)
        self._check_open()

    async def seal(self, source_digest: str) -> None:
        """Note that all rows were taken in. Sealing again takes the same digest; another is a `JournalError`."""

        async def work(connection: Connection) -> None:
            query = "SELECT source_digest FROM wren_async.batch WHERE number = %(batch)s FOR UPDATE"
            found = await (await connection.execute(query, self._batch)).fetchone()
            if found is not None and found[0] not in (None, source_digest):
                raise JournalError("the batch was sealed with another input; give the file it was made from")
            if found is not None and found[0] is None:
                seal = "UPDATE wren_async.batch SET source_digest = %(digest)s WHERE number = %(batch)s"
                await connection.execute(seal, {**self._batch, "digest": source_digest})
                await connection.execute(statements.ADD_SPANS, {**self._batch, "size": SPAN})

        await self._write(work)

    async def take_away(self) -> None:
        """Leave no batch of this name, because the input that it was made for is refused.

        One that was there before stays, and so does one that has orders by then, or that somebody is at.
        """
        if self._row.is_new:
            await self._write(lambda connection: remove_empty(connection, self._row.number))

    # --- orders ---

    async def mark_sending(self, positions: Iterable[int], at: datetime, *, reserve: bool = False) -> None:
        """Mark orders as about to be sent, all of them or none. Only pending ones may be.

        With `reserve`, what they cost is reserved under the caps of the batch: `CapReached` where there is no room.
        """
        check_time("at", at)
        chosen = list(positions)
        self._check_open()
        if chosen:
            await self._submit(moment=time_text(at), positions=chosen, reserves=reserve)

    async def record(self, position: int, result: Result) -> None:
        """Write down what came of an order. A settled order (placed, refused) is never changed again.

        A process that places settles what it has sent itself, and no other. An answer that comes after others have
        taken over is kept apart, and settles nothing.
        """
        check_result(result)
        self._check_open()
        if self._runner is None:
            async with self._joining:
                # What was asked for while this process becomes a runner is written then, and this comes after it.
                pass
        if self._runner is None:
            await self._record_by_hand(position, result)
            return
        try:
            await self._submit(positions=[position], result=result)
        except JournalError:
            await self._keep_stray(position, result)
            raise

    # --- facts of the batch ---

    async def note(self, name: str, value: str) -> None:
        """Keep a fact of the batch under a name. A later fact replaces it."""
        await self.amend(name, lambda _: value)

    async def amend(self, name: str, change: Callable[[str | None], str]) -> None:
        """Change the fact under a name by a function of what it was. Nobody else changes it meanwhile."""

        async def work(connection: Connection) -> None:
            # The row of the batch may be held for long; a lock for the name lets two changes follow each other.
            await connection.execute(
                "SELECT pg_advisory_xact_lock(%(batch)s, hashtext(%(name)s))", {**self._batch, "name": str(name)}
            )
            found = await (await connection.execute(NOTED, {**self._batch, "name": str(name)})).fetchone()
            value = change(None if found is None else json.loads(found[0]))
            await connection.execute(KEEP_NOTE, {**self._batch, "name": str(name), "value": json.dumps(value)})

        if self._runner is None:
            await self._write(work)
        else:
            await self._submit(other=work)

    async def replace(self, name: str, was: str | None, becomes: str, *, api: str, is_same: bool) -> Replacement:
        """Change the note of where the orders of an API go, unless some were sent there, or others are at it.

        Whoever joins waits for the end of that, and finds the new note then.
        """
        me = -1 if self._runner is None else self._runner.id

        async def work(connection: Connection) -> Replacement:
            others = await others_there(connection, self._row.number, me)
            found = await (await connection.execute(NOTED, {**self._batch, "name": str(name)})).fetchone()
            if (None if found is None else json.loads(found[0])) != was:
                return Replacement.OUTDATED
            if not (was is None or is_same):
                if await self._was_sent(connection, api):
                    return Replacement.SENT
                if others:
                    return Replacement.OTHERS_ARE_THERE
            await connection.execute(KEEP_NOTE, {**self._batch, "name": str(name), "value": json.dumps(becomes)})
            return Replacement.MADE

        return await self._write(work)

    async def _was_sent(self, connection: Connection, api: str) -> bool:
        """Whether an order of an API may be in any account."""
        kinds = [kind for kind, order_type in ORDER_TYPES.items() if order_type.api == api]
        found = await (
            await connection.execute(statements.WAS_SENT.encode(), {**self._batch, "kinds": kinds})
        ).fetchone()
        return found is not None and bool(found[0])

    # --- with other processes ---

    async def set_bounds(self, bounds: Bounds) -> None:
        """Keep these caps for all processes, from their next order on. One that stopped at its old cap goes on."""
        values = {"cents": bounds.cents, "grams": bounds.grams, "failures": bounds.failures}
        await self._execute(statements.SET_BOUNDS, **values)

    # --- from outside: without placing anything ---

    async def stop_all(self, message: str) -> None:
        """Let every worker send nothing more. What is on the wire is finished."""
        await self._execute(statements.HALT, ending="asked", message=message)

    async def resume_all(self) -> None:
        """Let the workers begin, or go on: after a pause, a halt, or too many failures, of which none counts any more.

        Before, workers leave a batch alone: that it was planned does not say that it may be bought.
        """
        await self._execute(
            "UPDATE wren_async.batch SET halted = NULL, halted_because = '', paused_until = NULL, failures = 0, "
            "is_started = true WHERE number = %(batch)s"
        )

    # --- inside ---

    async def _record_by_hand(self, position: int, result: Result) -> None:
        """Settle an order from outside of any run: only one that nobody is sending."""

        async def work(connection: Connection) -> None:
            values = statements.arrays(statements.RECORDED, [(position, *records.result_values(result))])
            cursor = await connection.execute(statements.RECORD.encode(), {**values, **self._batch, "owner": -1})
            if await cursor.fetchall():
                if result.state is State.PENDING:
                    await connection.execute(statements.REOPEN, {**self._batch, "position": position})
                return
            where = await connection.execute(statements.WHERE_THEY_STAND, {**self._batch, "positions": [position]})
            found = await where.fetchone()
            stands = None if found is None else (State(found[1]), found[2])
            raise JournalError(why_not(position, stands, result.state, None, is_proven=result.reconciled))

        await self._write(work)

    async def _keep_stray(self, position: int, result: Result) -> None:
        """Keep an answer apart that settles nothing: others have taken over, or a person has settled the order."""
        if self._runner is None or (self._runner.lost is None and result.state is not State.PLACED):
            return
        values = {
            "position": position,
            "owner": self._runner.id,
            "state": str(result.state),
            "order_id": result.order_id,
            "cents": result.cents,
            "reason": records.storable(result.reason),
        }
        with contextlib.suppress(JournalError):
            await self._execute(statements.STRAY, **values)
