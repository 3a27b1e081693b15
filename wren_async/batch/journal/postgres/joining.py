"""This process among those that place the orders of a batch: its lease, what it has claimed, and what it writes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Self, TypeVar

import psycopg

from wren_async.batch.journal.contract import Entry, JournalError, Past, Signal
from wren_async.batch.journal.postgres import statements
from wren_async.batch.journal.postgres.groups import Groups, Job, told
from wren_async.batch.journal.postgres.opening import BatchRow, Opening
from wren_async.batch.journal.postgres.reading import StoredBatch
from wren_async.batch.journal.postgres.tables import PARTS
from wren_async.batch.journal.records import time_text
from wren_async.batch.journal.states import check_time
from wren_async.postgres.database import Connection, Database, DatabaseLost, DatabaseRefused, Work
from wren_async.postgres.lease import LeaseLost, Runner, declare_dead
from wren_async.postgres.schema import Part

T = TypeVar("T")

logger = logging.getLogger("wren_async.batch")

_POLL: Final = 0.5
"""Seconds between two looks at what concerns every process, where nothing is written meanwhile."""
LEAVING: Final = 5.0
"""Seconds for which whoever leaves waits for the database. As after a crash, nothing is lost without it."""
_SOON: Final = 20
"""Tries to join before it is told that another one is waited for."""


class JoinedBatch(StoredBatch):
    """A batch whose orders this process may place, together with others, once it has joined them."""

    _parts: ClassVar[tuple[Part, ...]] = PARTS
    """The tables that must stay of this program's version while it writes."""

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

    @property
    def past(self) -> Past:
        """What may have been sent before this process joined, by nobody who is there now."""
        return self._past

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

    @property
    def runner_id(self) -> int | None:
        """The id under which this process places; `None` before it has joined, and once its lease is lost."""
        return None if self._runner is None or self._runner.lost is not None else self._runner.id

    def listen(self, receiver: Callable[[Signal], None]) -> None:
        """Tell `receiver` what concerns every process, from now on."""
        self._receiver = receiver

    async def join(self) -> None:
        """Become a runner of the batch, unless this process is one already.

        Where the last runner left a past that nobody has looked into, and another one is doing that, it waits. It may
        be cancelled meanwhile.
        """
        self._check_open()
        async with self._joining:
            if self._runner is not None:
                return
            opening = Opening(self._row.number, self._parts)
            try:
                runner = await opening.join(self._writer, self._lease) or await self._join_later(opening)
            except psycopg.Error as error:
                raise JournalError(f"the journal refuses this: {told(error)}") from None
            self._past = opening.past
            self._runner = runner
            self._groups = Groups(runner, self._row.number, lambda signal: self._receiver(signal))
            self._keeping = [asyncio.create_task(self._renew(runner)), asyncio.create_task(self._poll())]

    async def checked(self) -> None:
        """Say that whatever may have been sent before is found out, or in doubt: others may place orders, too."""
        if self._runner is not None:
            await self._submit(other=Opening(self._row.number).checked(self._runner.id))
            self._past = Past.RUN_BEFORE if self._past is not Past.KNOWN else self._past

    async def retire(self) -> None:
        """Leave, with nothing on the wire: others need not wait for this process. It joins anew before it sends."""
        for task in self._keeping:
            task.cancel()
        await self._leave()
        self._runner, self._groups, self._keeping = None, None, []

    def claimed(self) -> AsyncIterator[Entry]:
        """The pending orders that this process may place, by position, span after span. It has an `aclose`."""
        return Claims(self)

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

    # --- inside ---

    async def _join_later(self, opening: Opening) -> Runner:
        """Join once another one has looked into the past. It bears with a database that is away, as that one does."""
        for tries in itertools.count(1):
            await asyncio.sleep(_POLL)
            try:
                if (runner := await opening.join(self._writer, self._lease)) is not None:
                    return runner
            except DatabaseRefused:
                raise
            except DatabaseLost as error:
                self._writer.outage.goes_on(error)
            if tries == _SOON:
                logger.warning("batch %r: %s, and this process waits for that", self.name, opening.waits_for)
        raise AssertionError("count() does not end")

    async def _leave(self) -> None:
        if self._groups is None or self._runner is None:
            return
        try:
            async with asyncio.timeout(LEAVING):
                await self._groups.stop()
                if not self._groups.sending and self._runner.lost is None:
                    with contextlib.suppress(JournalError, psycopg.Error):
                        await self._runner.end()
        except TimeoutError:
            logger.warning(
                "%s is left without the database, which does not answer: what was on the wire last is in doubt, and is "
                "found out by whoever places its orders next",
                self.label,
            )
            await self._groups.break_off()

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
        self._check_open()
        if self._groups is None:
            await self.join()
        assert self._groups is not None  # noqa: S101 - whoever has joined has them
        await self._groups.submit(Job(asyncio.get_running_loop().create_future(), **job))

    async def _submit_statement(self, statement: str) -> None:
        async def work(connection: Connection) -> None:
            assert self._runner is not None  # noqa: S101 - whoever has joined has it
            await connection.execute(statement.encode(), {**self._batch, "owner": self._runner.id})

        await self._submit(other=work)

    async def _claim(self, held: Sequence[int]) -> tuple[list[tuple[int, int]], set[int]]:
        """Claim the next span, if there is one, and let go of those `held` ones that are done: which are told, too."""
        claimed: list[tuple[int, int]] = []
        done: set[int] = set()

        async def work(connection: Connection) -> None:
            assert self._runner is not None  # noqa: S101 - whoever has joined has it
            values = {**self._batch, "held": list(held), "owner": self._runner.id}
            rows = await _rows(connection, statements.RELEASE_DONE, values) if held else []
            done.clear()
            done.update(first for (first,) in rows)
            claimed[:] = await _rows(connection, statements.CLAIM, values)

        await self._submit(other=work)
        return claimed, done

    async def _left(self) -> list[tuple[int, int]]:
        """Spans that are claimed by this process, as where a claim was broken off before it was told of it."""
        owner = None if self._runner is None else self._runner.id
        return [(first, last) for first, last in await self._all(statements.CLAIMED, owner=owner)]

    async def _pending(self, span: tuple[int, int]) -> Sequence[Entry]:
        within = "AND position BETWEEN %(first)s AND %(last)s AND state = 'pending' ORDER BY position"
        return await self._entries(f"{statements.SELECT}{within}", first=span[0], last=span[1])

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


class Claims:
    """What a process may place, span after span, in spans that it holds until this is closed.

    Those that are done are let go of on the way, so that few are held at a time. The others are held though they were
    gone through: an order may come back unsent. After the last one it may be asked again, for what has become free.
    """

    def __init__(self, journal: JoinedBatch) -> None:
        self._journal = journal
        self._entries: deque[Entry] = deque()
        self._held: list[int] = []
        self._looks_back = True
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry:
        while not self._entries:
            if self._closed or not await self._claim():
                raise StopAsyncIteration
        return self._entries.popleft()

    async def aclose(self) -> None:
        """Let go of all that is held. May be called again. Who is cancelled does not wait for a database long."""
        self._closed = True
        self._entries.clear()
        held, self._held = self._held, []
        task = asyncio.current_task()
        is_leaving = task is not None and task.cancelling() > 0
        with contextlib.suppress(JournalError, TimeoutError):
            async with asyncio.timeout(LEAVING if is_leaving else None):
                await self._journal._release(held)

    async def _claim(self) -> bool:
        await self._journal.join()
        spans: list[tuple[int, int]] = []
        if self._looks_back:
            self._looks_back, spans = False, await self._journal._left()
        if not spans:
            spans, done = await self._journal._claim(self._held)
            self._held = [first for first in self._held if first not in done]
        for span in spans:
            self._held.append(span[0])
            self._entries.extend(await self._journal._pending(span))
        return bool(spans)


async def _rows(connection: Connection, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query.encode(), values)).fetchall()
