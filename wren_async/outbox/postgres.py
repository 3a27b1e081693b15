"""An outbox in PostgreSQL: many processes submit, and any number of them place. A database holds any number of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, ClassVar, Final, Self, TypeVar

import psycopg

from wren_async.batch.intents import Api
from wren_async.batch.journal.contract import Entry, JournalError, State, Totals
from wren_async.batch.journal.postgres.groups import told
from wren_async.batch.journal.postgres.opening import find_batch
from wren_async.batch.journal.postgres.reading import PAGE
from wren_async.batch.journal.postgres.tables import PARTS
from wren_async.outbox.caps import Spent, day_of
from wren_async.outbox.postgres_journal import COUNT, ONE_AT_A_TIME, PostgresApiJournal, spent
from wren_async.outbox.postgres_pruning import prune_some
from wren_async.outbox.postgres_tables import CHANNEL, OUTBOX, journal_name
from wren_async.outbox.store import Clock, Known, NewOrder, Submission, together
from wren_async.outbox.submissions import COLUMNS, Stored, whole_submissions
from wren_async.outbox.submitting import submit_over
from wren_async.postgres.database import Connection, Database, Work
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.schema import Part, check_server, hold, prepare, versions, warn

T = TypeVar("T")

_APIS: Final[tuple[Api, ...]] = ("wren", "cnaught")
_LONGEST_PAYLOAD: Final = 1000
"""Characters of a reference that a notification names; there are none with so many."""
_JOINED: Final = """
FROM wren_async.outbox o JOIN wren_async.standing s
    ON s.batch = CASE o.api WHEN 'wren' THEN %(wren)s ELSE %(cnaught)s END AND s.position = o.position
WHERE o.outbox = %(outbox)s AND o.finished IS NULL
"""
_SETTLED: Final = f"""
SELECT o.position, o.day, s.planned_cents, s.planned_grams, s.state, s.cents, s.grams {_JOINED}
    AND s.state IN ('placed', 'refused') ORDER BY o.position LIMIT %(most)s
"""
_LAST: Final = "SELECT coalesce(max(finished), 0) FROM wren_async.outbox WHERE outbox = %(outbox)s"
_NUMBER: Final = """
UPDATE wren_async.outbox SET finished = given.number, settled = %(now)s
FROM unnest(%(positions)s::bigint[], %(numbers)s::bigint[]) AS given (position, number)
WHERE outbox.position = ANY(%(positions)s::bigint[]) AND outbox.position = given.position
"""
_SUBMISSION: Final = f"SELECT {COLUMNS} FROM wren_async.outbox WHERE outbox = %(outbox)s"  # noqa: S608 - constants
_REGISTER: Final = """
INSERT INTO wren_async.outbox_name (name, wren, cnaught) VALUES (%(outbox)s, %(wren)s, %(cnaught)s)
ON CONFLICT (name) DO NOTHING
"""
_NOTE: Final = """
INSERT INTO wren_async.outbox_note (outbox, name, value) VALUES (%(outbox)s, %(name)s, %(value)s)
ON CONFLICT (outbox, name) DO UPDATE SET value = excluded.value
"""

_TELLER: Final = "outbox teller"
"""Name of the note that says which runner hands settled orders to its callback."""
_BEGIN_TELLING: Final = f"""
{_NOTE} WHERE NOT EXISTS (
    SELECT FROM wren_async.runner
    WHERE id::text = outbox_note.value AND ended IS NULL AND declared_dead IS NULL)
"""
_END_TELLING: Final = (
    "DELETE FROM wren_async.outbox_note WHERE outbox = %(outbox)s AND name = %(name)s AND value = %(value)s"
)


class PostgresOutbox:
    """An outbox in a database that other processes use too."""

    _parts: ClassVar[tuple[Part, ...]] = (*PARTS, OUTBOX)
    """The tables that must stay of this program's version while it writes."""

    is_shared = True
    is_behind = False
    """The journal of each API finds it out when this process joins."""

    def __init__(self, reader: Database, name: str, *, lease: float, clock: Clock) -> None:
        self._reader = reader
        self._name = name
        self._lease = lease
        self._clock = clock
        self._journals: Mapping[Api, PostgresApiJournal] = {}
        self._teller: str | None = None
        """The id of the runner under which this process has told settled orders last."""

    @classmethod
    async def open(cls, dsn: Dsn, name: str, *, lease: float, clock: Clock) -> Self:
        """Open the outbox of a name. Raises `JournalError` where the database cannot be trusted."""
        reader = Database(dsn)
        try:
            for warning in await reader.run(check_server):
                warn(str(dsn), warning)
        except psycopg.Error as error:
            await reader.aclose()
            raise JournalError(f"{dsn}: {dsn.scrub(told(error))}") from None
        except BaseException:
            await reader.aclose()
            raise
        return cls(reader, name, lease=lease, clock=clock)

    @property
    def label(self) -> str:
        """The name of the outbox."""
        return f"outbox {self._name!r}"

    @property
    def journals(self) -> Mapping[Api, PostgresApiJournal]:
        """The journal of each API."""
        return self._journals

    async def prepare(self) -> None:
        """Make the tables where there are none, and the outbox. Raises `JournalError` for those of another version."""
        with _own_errors():
            await prepare(self._reader, PARTS)
            await prepare(self._reader, self._parts[len(PARTS) :])

        async def work(own: Connection) -> dict[Api, PostgresApiJournal]:
            return {api: await self._journal(own, api) for api in _APIS}

        self._journals = await self._carry_out(self._reader.read, work)
        await self._all(_REGISTER)

    async def _journal(self, own: Connection, api: Api) -> PostgresApiJournal:
        row = await find_batch(own, journal_name(self._name, api), make=True)
        writer = Database(self._reader.dsn, longest=max(1.0, self._lease / 3), prepares=True)
        return PostgresApiJournal(
            self._reader, writer, row, lease=self._lease, outbox=self._name, api=api, clock=self._clock
        )

    async def aclose(self) -> None:
        """Leave: at once where nothing of this process is on the wire. May be called again."""
        try:
            async with asyncio.TaskGroup() as group:
                for journal in self._journals.values():
                    group.create_task(journal.aclose())
        finally:
            await self._reader.aclose()

    # --- submitting ---

    def on_submitted(self, tell: Callable[[], None]) -> None:
        """Nobody need be told: what others submit has to be looked for anyway."""

    async def submit(self, order: NewOrder, connection: object | None) -> Known:
        """Write an order down, unless its reference is known: at once, or within the caller's transaction."""
        if connection is not None:
            return await submit_over(connection, order)
        # It may be repeated: where it was committed, and only the answer was lost, the reference is known.
        return await self._carry_out(self._reader.read, lambda own: submit_over(own, order))

    async def nudge(self, references: Collection[str]) -> None:
        """Give the other processes word: of these settled orders, or by an empty one of a submission."""
        payloads = [f"{self._name}:{each}" for each in references if len(each) <= _LONGEST_PAYLOAD]
        query = "SELECT pg_notify(%(channel)s, each) FROM unnest(%(payloads)s::text[]) each"
        await self._all(query, channel=CHANNEL, payloads=payloads)

    async def begin_telling(self) -> bool:
        """Begin to hand settled orders to a callback. The right to it goes with the lease."""
        ids = [journal.runner_id for journal in self._journals.values()]
        self._teller = next((str(each) for each in ids if each is not None), None)
        if self._teller is None:
            return False
        await self._all(_BEGIN_TELLING, name=_TELLER, value=self._teller)
        return await self.noted(_TELLER) == self._teller

    async def end_telling(self) -> None:
        """Let others hand settled orders to their callback."""
        with contextlib.suppress(JournalError):
            await self._all(_END_TELLING, name=_TELLER, value=self._teller)

    # --- results ---

    async def find(self, reference: str) -> Submission | None:
        """What is known of a reference."""
        _, found = await self._submissions("AND reference = %(reference)s", reference=reference)
        return found[0] if found else None

    async def finished(self, after: int, most: int) -> Sequence[Submission]:
        """Settled orders with a number above `after`, by number."""
        chosen = "AND finished > %(after)s ORDER BY finished LIMIT %(most)s"
        return (await self._submissions(chosen, after=after, most=most))[1]

    async def open_orders(self, *states: State) -> AsyncIterator[Submission]:
        """Orders in these states that are not settled."""
        last = 0
        chosen = f"AND finished IS NULL AND position > %(last)s ORDER BY position LIMIT {PAGE}"
        while True:
            rows, page = await self._submissions(chosen, last=last)
            if not rows:
                return
            last = rows[-1].position
            for submission in page:
                if submission.state in states:
                    yield submission

    async def _submissions(self, chosen: str, **values: Any) -> tuple[Sequence[Stored], list[Submission]]:
        async def rows() -> Sequence[Stored]:
            return [Stored(*row) for row in await self._all(f"{_SUBMISSION} {chosen}", **values)]

        return await whole_submissions(rows, self._entries_at)

    async def _entries_at(self, api: Api, positions: Collection[int]) -> Mapping[int, Entry]:
        return await self._journals[api].entries_at(positions)

    # --- counting ---

    async def totals(self) -> Totals:
        """Sums over all orders, those that were pruned included."""
        return together([await journal.totals() for journal in self._journals.values()])

    async def spent(self, now: datetime) -> Spent:
        """What is spent or reserved in the day and the month of `now`."""
        return await self._carry_out(self._reader.read, lambda own: spent(own, self._name, day_of(now)))

    async def finish(self, now: datetime) -> int:
        """Number settled orders, and count what they really cost; how many there were."""
        if not await self._all(_SETTLED, most=1):
            return 0
        return await self._carry_out(self._reader.run, partial(self._finish, now))

    async def _finish(self, now: datetime, own: Connection) -> int:
        await hold(own, self._parts)
        # One at a time, so that numbers are seen in their order.
        await own.execute(ONE_AT_A_TIME, {"what": "wren_async.outbox ", **self._known})
        settled = await (await own.execute(_SETTLED.encode(), {"most": PAGE, **self._known})).fetchall()
        found = await (await own.execute(_LAST, self._known)).fetchone()
        first = (found[0] if found else 0) + 1
        numbers = {
            "positions": [position for position, *_ in settled],
            "numbers": list(range(first, first + len(settled))),
            "now": now,
        }
        await own.execute(_NUMBER, numbers)
        for day, (cents, grams) in _differences(settled).items():
            await own.execute(COUNT, {**self._known, "day": day, "cents": cents, "grams": grams})
        return len(settled)

    async def prune(self, before: datetime, told: int | None) -> int:
        """Keep of some orders that were settled before a time only what they are known by; how many there were."""

        async def work(own: Connection) -> int:
            await hold(own, self._parts)
            return await prune_some(self._known, before, told, own)

        return await self._carry_out(self._reader.run, work)

    async def note(self, name: str, value: str) -> None:
        """Keep a fact of the whole outbox under a name. A later fact replaces it."""
        await self._all(_NOTE, name=name, value=value)

    async def noted(self, name: str) -> str | None:
        """The fact that was kept under a name, if any."""
        query = "SELECT value FROM wren_async.outbox_note WHERE outbox = %(outbox)s AND name = %(name)s"
        rows = await self._all(query, name=name)
        return rows[0][0] if rows else None

    # --- inside ---

    @property
    def _known(self) -> dict[str, Any]:
        known: dict[str, Any] = {api: journal.number for api, journal in self._journals.items()}
        return {**known, "outbox": self._name}

    async def _all(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        async def work(own: Connection) -> list[tuple[Any, ...]]:
            cursor = await own.execute(query.encode(), {**self._known, **values})
            return await cursor.fetchall() if cursor.description else []

        return await self._carry_out(self._reader.read, work)

    async def _carry_out(self, how: Callable[[Work[T]], Awaitable[T]], work: Work[T]) -> T:
        with _own_errors():
            return await how(work)


@contextlib.contextmanager
def _own_errors() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise JournalError(f"the database refuses this: {told(error)}") from None


async def outbox_names(connection: Connection) -> list[str]:
    """The outboxes of a database, the oldest first."""
    if OUTBOX.name not in await versions(connection):
        return []
    rows = await (await connection.execute("SELECT name FROM wren_async.outbox_name ORDER BY wren")).fetchall()
    return [str(name) for (name,) in rows]


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
