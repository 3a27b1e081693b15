"""The journal of a batch in PostgreSQL: any number of processes share it, and each order belongs to one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import psycopg

from wren_async.batch.journal import records
from wren_async.batch.journal.contract import Bounds, Entry, JournalError, Past, Result, Row, Signal, State
from wren_async.batch.journal.postgres import statements
from wren_async.batch.journal.postgres.groups import Groups, Job, told, why_not
from wren_async.batch.journal.postgres.opening import BatchRow, Opening, find_batch
from wren_async.batch.journal.postgres.reading import NOTED, StoredBatch
from wren_async.batch.journal.postgres.tables import PARTS, SPAN
from wren_async.batch.journal.records import time_text
from wren_async.batch.journal.states import check_result, check_time
from wren_async.postgres.database import Connection, Database, Work
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.lease import LEASE, LeaseLost, Runner, declare_dead
from wren_async.postgres.schema import check, check_server, prepare

T = TypeVar("T")

_POLL: Final = 0.5
"""Seconds between two looks at what concerns every process, where nothing is written meanwhile."""

logger = logging.getLogger("wren_async.postgres")


class PostgresJournal(StoredBatch):
    """A journal that many processes share. Opened with the same address and name, it is the same batch.

    Its first use that places orders makes this process a *runner* of the batch: it then holds a lease, claims the
    orders that it places, and lets others take over what it leaves behind. Belongs to the event loop that opened it.
    """

    def __init__(self, reader: Database, writer: Database, row: BatchRow, *, lease: float, read_only: bool) -> None:
        super().__init__(reader, row)
        self._writer = writer
        self._lease = lease
        self._read_only = read_only
        self._past = Past.RUN_BEFORE if row.runs else Past.NEW
        self._runner: Runner | None = None
        self._groups: Groups | None = None
        self._joining = asyncio.Lock()
        self._keeping: list[asyncio.Task[None]] = []
        self._receiver: Callable[[Signal], None] = lambda _: None

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
        reader, writer = Database(dsn), Database(dsn, longest=max(1.0, lease), prepares=True)
        try:
            for warning in await reader.run(check_server):
                logger.warning("%s: %s", dsn, warning)
            if make and not read_only:
                await prepare(reader, PARTS)
            else:
                await reader.run(lambda connection: check(connection, PARTS))
            row = await reader.read(lambda connection: find_batch(connection, batch, make=make and not read_only))
        except psycopg.Error as error:
            await reader.aclose()
            raise JournalError(f"{dsn}: {dsn.scrub(told(error))}") from None
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

    @property
    def label(self) -> str:
        """The name of the batch."""
        return f"batch {self._row.name!r}"

    @property
    def past(self) -> Past:
        """What may have been sent before this process joined, by nobody who is there now."""
        return self._past

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
            await connection.execute(statements.ADD_INTENTS.encode(), {**values, **self._batch})
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
            await connection.execute(_NOTE, {**self._batch, "name": str(name), "value": json.dumps(value)})

        if self._runner is None:
            await self._write(work)
        else:
            await self._submit(other=work)

    # --- with other processes ---

    @property
    def lease(self) -> float:
        """Seconds for which this process may send after each renewal."""
        return self._lease

    def may_send(self, seconds: float) -> bool:
        """Whether bytes may be sent now whose answer is there, or given up, within so many seconds."""
        return self._runner is not None and self._runner.may_send(seconds)

    @property
    def lapse(self) -> str | None:
        """Why this process may send nothing for now though it has begun: its lease is lost, or over."""
        if self._runner is None or self._closed:
            return None
        if self._runner.lost is None and not self._runner.may_send():
            return f"the lease is over: the database has taken no renewal of it for {self._lease:g} s"
        return self._runner.lost

    def listen(self, receiver: Callable[[Signal], None]) -> None:
        """Tell `receiver` what concerns every process, from now on."""
        self._receiver = receiver

    async def set_bounds(self, bounds: Bounds) -> None:
        """Keep these caps for all processes, from their next order on."""
        query = (
            "UPDATE wren_async.batch SET keeps_caps = true, cap_cents = %(cents)s, cap_grams = %(grams)s, "
            "cap_failures = %(failures)s WHERE number = %(batch)s"
        )
        values = {"cents": bounds.cents, "grams": bounds.grams, "failures": bounds.failures}
        await self._execute(query, **values)

    async def join(self) -> None:
        """Become a runner of the batch, unless this process is one already.

        Where the last runner left a past that nobody has looked into, and another one is doing that, it waits.
        """
        self._check_open()
        async with self._joining:
            if self._runner is not None:
                return
            opening = Opening(self._row.number)
            while (runner := await opening.join(self._writer, self._lease)) is None:  # noqa: ASYNC110 - it is elsewhere
                await asyncio.sleep(_POLL)
            self._past = opening.past
            self._runner = runner
            self._groups = Groups(runner, self._row.number, lambda signal: self._receiver(signal))
            self._keeping = [asyncio.create_task(self._renew(runner)), asyncio.create_task(self._poll())]

    async def checked(self) -> None:
        """Say that whatever may have been sent before is found out, or in doubt: others may place orders, too."""
        if self._runner is not None:
            await self._submit(other=Opening(self._row.number).checked(self._runner.id))
            self._past = Past.RUN_BEFORE if self._past is not Past.KNOWN else self._past

    async def claimed(self) -> AsyncIterator[Entry]:
        """The pending orders that this process may place, by position, span after span."""
        await self.join()
        had: list[int] = []
        try:
            while (span := await self._claim(had)) is not None:
                had.append(span[0])
                query = (
                    f"{statements.SELECT}AND position BETWEEN %(first)s AND %(last)s AND state = 'pending' "
                    "ORDER BY position"
                )
                for entry in await self._entries(query, first=span[0], last=span[1]):
                    yield entry
        finally:
            with contextlib.suppress(JournalError):
                await self._release(had)

    async def doubt(self, at: datetime) -> None:
        """Put in doubt what a runner that is no more was sending, and free what it had claimed.

        It has sent nothing after `at`: its lease was over before.
        """
        check_time("at", at)

        async def work(connection: Connection) -> None:
            scope = self._row.scope
            await declare_dead(connection, scope)
            rows = await (await connection.execute(statements.LEFT_BEHIND, {"scope": scope})).fetchall()
            values = {**self._batch, "dead": [row[0] for row in rows], "at": time_text(at)}
            if rows:
                await connection.execute(statements.DOUBT.encode(), values)
                await connection.execute(statements.FREE_SPANS, values)
                await connection.execute(statements.CLEARED, values)

        await self.join()
        await self._submit(other=work)

    async def begin_reconciling(self) -> bool:
        """Begin to look for the orders in doubt, as the only one. False where another runner is at it."""
        await self.join()
        query = """
            UPDATE wren_async.batch SET reconciler = %(owner)s WHERE number = %(batch)s AND (
                reconciler IS NULL OR reconciler = %(owner)s OR NOT EXISTS (
                    SELECT FROM wren_async.runner WHERE id = reconciler AND ended IS NULL AND declared_dead IS NULL))
        """
        await self._submit_statement(query)
        (reconciler,) = await self._one("SELECT reconciler FROM wren_async.batch WHERE number = %(batch)s")
        return self._runner is not None and reconciler == self._runner.id

    async def end_reconciling(self) -> None:
        """Let others look for orders in doubt."""
        query = "UPDATE wren_async.batch SET reconciler = NULL WHERE number = %(batch)s AND reconciler = %(owner)s"
        await self._submit_statement(query)

    def pause(self, seconds: float) -> None:
        """Let every process send nothing for so long. It is written with whatever is written next."""
        self._tell_all(statements.PAUSE, seconds=seconds)

    def halt(self, ending: str, message: str) -> None:
        """Let every process send nothing more, until somebody lets the batch go on."""
        self._tell_all(statements.HALT, ending=str(ending), message=message)

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

    async def _leave(self) -> None:
        if self._groups is None or self._runner is None:
            return
        await self._groups.stop()
        if not self._groups.sending and self._runner.lost is None:
            with contextlib.suppress(JournalError, psycopg.Error):
                await self._runner.end()

    async def _renew(self, runner: Runner) -> None:
        # A lease that was lost is told by the next write; there is nothing more to renew.
        with contextlib.suppress(LeaseLost):
            await runner.keep()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(min(_POLL, self._lease / 4))
            with contextlib.suppress(JournalError):
                signal = await self.signal()
                if signal.pause or signal.ending:
                    self._receiver(signal)

    def _tell_all(self, statement: str, **values: Any) -> None:
        if self._groups is None or self._closed:
            return

        async def work(connection: Connection) -> None:
            await connection.execute(statement.encode(), {**self._batch, **values})

        # Where it fails, so does the next write, and tells.
        self._groups.submit(Job(asyncio.get_running_loop().create_future(), other=work))

    async def _submit(self, **job: Any) -> None:
        if self._read_only:
            raise JournalError("the journal was opened for reading alone")
        await self.join()
        assert self._groups is not None  # noqa: S101 - whoever has joined has them
        await asyncio.shield(self._groups.submit(Job(asyncio.get_running_loop().create_future(), **job)))

    async def _submit_statement(self, statement: str) -> None:
        async def work(connection: Connection) -> None:
            assert self._runner is not None  # noqa: S101 - whoever has joined has it
            await connection.execute(statement.encode(), {**self._batch, "owner": self._runner.id})

        await self._submit(other=work)

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

    async def _claim(self, had: Sequence[int]) -> tuple[int, int] | None:
        claimed: list[tuple[int, int]] = []

        async def work(connection: Connection) -> None:
            assert self._runner is not None  # noqa: S101 - whoever has joined has it
            claimed.clear()
            # A claim whose answer was lost is found again.
            values = {**self._batch, "had": list(had), "owner": self._runner.id}
            held = "SELECT first, last FROM wren_async.span WHERE batch = %(batch)s AND owner = %(owner)s"
            rows = [row for row in await (await connection.execute(held, values)).fetchall() if row[0] not in had]
            rows = rows or await (await connection.execute(statements.CLAIM, values)).fetchall()
            claimed.extend((row[0], row[1]) for row in rows[:1])

        await self._submit(other=work)
        return claimed[0] if claimed else None

    async def _release(self, firsts: Sequence[int]) -> None:
        if not firsts or self._closed:
            return

        async def work(connection: Connection) -> None:
            assert self._runner is not None  # noqa: S101 - whoever has joined has it
            await connection.execute(
                statements.RELEASE, {**self._batch, "owner": self._runner.id, "firsts": list(firsts)}
            )

        await self._submit(other=work)

    async def _execute(self, query: str, **values: Any) -> None:
        async def work(connection: Connection) -> None:
            await connection.execute(query.encode(), {**self._batch, **values})

        await self._write(work)

    async def _write(self, work: Work[T]) -> T:
        if self._read_only:
            raise JournalError("the journal was opened for reading alone")
        return await self._carry_out(self._reader.run, work)


_NOTE: Final = """
INSERT INTO wren_async.note (batch, name, value) VALUES (%(batch)s, %(name)s, %(value)s)
ON CONFLICT (batch, name) DO UPDATE SET value = excluded.value
"""
