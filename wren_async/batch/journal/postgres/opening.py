"""Finding a batch in the database, and becoming one of its runners.

A database can be older than the orders that were sent from it: restored from a backup, copied, or replaced by a standby
that had not everything yet. So the first runner that comes after all others have left looks through the lists of the
accounts before anything is sent, as a journal in a file does; whoever comes meanwhile waits for it. That others are
there is believed of those alone that were heard of since the database was started: in an image of its disk those who
were at it then stand there as if they still were.

In a copy, such as a dump of production that was restored for tests, nothing goes on by itself: the workers of the other
database may be placing the very same orders. A person has to say that they are not.
"""

from __future__ import annotations

import difflib
import json
import uuid
from collections.abc import Collection, Sequence
from datetime import UTC
from typing import Any, Final

import attrs

from wren_async.batch.journal.contract import JournalError, Past, Totals
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.postgres.statements import FOLD_TALLY, TOTALS_BY_NAME
from wren_async.batch.journal.postgres.tables import PARTS
from wren_async.batch.journal.records import totals_of
from wren_async.postgres.database import Connection, Database, Work
from wren_async.postgres.identity import DATABASE, HERE, database_of
from wren_async.postgres.lease import Runner, declare_dead
from wren_async.postgres.schema import Part

_SHOWN: Final = 10
"""Batches that are named where one is not found."""
_SERVER: Final = f"SELECT {HERE}"
_MOVED: Final = (
    "the database is a copy of the one in which it was begun, or was moved, and the workers of the other one may be "
    "placing the same orders. In a copy, such as one for tests, leave it so, and give its workers no token of a live "
    "account."
)
_REMEDY: Final = (
    "Nothing is sent from here. If this is the database to go on with, see to it that no worker of the other one runs, "
    "and then say so: `wren-async batch resume NAME --alarm-is-explained`, or `await outbox.resume()` for an outbox"
)
KEEP_NOTE: Final = """
INSERT INTO wren_async.note (batch, name, value) VALUES (%(batch)s, %(name)s, %(value)s)
ON CONFLICT (batch, name) DO UPDATE SET value = excluded.value
"""
_LIVE: Final = """
SELECT id, name, lease_until - lease >= pg_postmaster_start_time() FROM wren_async.runner
WHERE scope = %(scope)s AND id <> %(me)s AND ended IS NULL AND declared_dead IS NULL ORDER BY id
"""
"""The other runners that nobody has declared dead, and whether they were heard of since the database was started."""
RUNNERS_THERE: Final = """
SELECT id, name, program, extract(epoch FROM lease_until - clock_timestamp()) FROM wren_async.runner
WHERE scope = %(scope)s AND ended IS NULL AND declared_dead IS NULL ORDER BY id
"""
"""The runners of a batch that are there."""
LOOKER: Final = """
(SELECT runner.name FROM wren_async.runner WHERE runner.id = batch.checker AND ended IS NULL
    AND declared_dead IS NULL AND lease_until + lease * 0.2 >= clock_timestamp())
"""
"""The runner that is looking into the past of a batch, if there is one: an expression of SQL."""


@attrs.frozen(kw_only=True)
class BatchRow:
    """A batch in the database."""

    number: int
    name: str
    batch_id: str
    runs: int
    is_new: bool = False
    """Whether it was made now."""

    @property
    def scope(self) -> str:
        """What its runners share."""
        return scope_of(self.number)


def scope_of(number: int) -> str:
    """What the runners of a batch share."""
    return f"batch {number}"


async def find_batch(connection: Connection, name: str, *, make: bool) -> BatchRow:
    """The batch of a name, made where there is none. Raises `JournalError` where there is none and none is made."""
    is_new = False
    if make:
        made = await connection.execute(
            # With the database it is planned in: a copy, or a standby that takes its place, may know of no run of it.
            f"INSERT INTO wren_async.batch (name, id, server) SELECT %s, %s, {HERE} "  # noqa: S608 - a constant
            "WHERE NOT EXISTS (SELECT FROM wren_async.batch WHERE name = %s) ON CONFLICT (name) DO NOTHING".encode(),
            (name, uuid.uuid4().hex, name),
        )
        is_new = made.rowcount == 1
    query = "SELECT number, name, id, runs FROM wren_async.batch WHERE name = %s"
    found = await (await connection.execute(query, (name,))).fetchone()
    if found is None:
        raise JournalError(_not_there(name, await batch_names(connection)))
    return BatchRow(number=found[0], name=found[1], batch_id=found[2], runs=found[3], is_new=is_new)


async def remove_empty(connection: Connection, number: int) -> None:
    """Remove a batch without orders, unless somebody is at it, or was."""
    values = {"batch": number}
    query = "SELECT source_digest IS NULL AND runs = 0 FROM wren_async.batch WHERE number = %(batch)s FOR UPDATE"
    row = await (await connection.execute(query, values)).fetchone()
    # Asked only now: whoever was adding some is done, and whoever would begin waits.
    query = "SELECT EXISTS (SELECT FROM wren_async.intent WHERE batch = %(batch)s)"
    has_orders = await (await connection.execute(query, values)).fetchone()
    if row is not None and row[0] and has_orders is not None and not has_orders[0]:
        await connection.execute("DELETE FROM wren_async.note WHERE batch = %(batch)s", values)
        await connection.execute("DELETE FROM wren_async.batch WHERE number = %(batch)s", values)


def _not_there(name: str, names: Sequence[str]) -> str:
    if not names:
        return f"the database has no batch {name!r}, nor any other"
    near = difflib.get_close_matches(name, names, n=1)
    latest = ", ".join(repr(each) for each in [*reversed(names)][:_SHOWN])
    meant = f"did you mean {near[0]!r}? " if near else ""
    return f"the database has no batch {name!r}; {meant}the latest there are: {latest}"


@attrs.frozen
class OpenBatch:
    """A batch that was started, and in which something is left to be done."""

    name: str
    is_free: bool
    """Whether there may be something to do: orders that nobody has claimed, or that a worker left that is gone."""
    in_doubt: int
    """Orders that may have been placed, and are looked for."""
    looker: str | None = None
    """The worker that looks first at what the accounts show of it: all others wait for that."""


async def open_batches(connection: Connection) -> list[OpenBatch]:
    """The batches that workers go on with; the oldest first."""
    query = f"""
        SELECT name,
            EXISTS (SELECT FROM wren_async.span WHERE span.batch = batch.number AND NOT done AND owner IS NULL)
            OR EXISTS (SELECT FROM wren_async.runner WHERE scope = 'batch ' || batch.number AND NOT is_cleared
                AND (ended IS NOT NULL OR declared_dead IS NOT NULL OR lease_until + lease * 0.2 < clock_timestamp())),
            coalesce((SELECT sum(orders) FROM wren_async.tally
                WHERE tally.batch = batch.number AND state = 'undecided'), 0)::bigint,
            {LOOKER}
        FROM wren_async.batch WHERE source_digest IS NOT NULL AND is_started AND halted IS NULL AND EXISTS (
            SELECT FROM wren_async.tally WHERE tally.batch = batch.number
                AND state IN ('pending', 'sending', 'undecided') GROUP BY state HAVING sum(orders) > 0)
        ORDER BY number
    """  # noqa: S608 - made of a constant
    return [OpenBatch(*row) for row in await (await connection.execute(query.encode())).fetchall()]


async def totals_by_name(connection: Connection, names: Collection[str]) -> dict[str, Totals]:
    """How far these batches are."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name, *sums in await (await connection.execute(TOTALS_BY_NAME, {"names": list(names)})).fetchall():
        found.setdefault(name, []).append(tuple(sums))
    return {name: totals_of(sums) for name, sums in found.items()}


async def batch_names(connection: Connection) -> list[str]:
    """All batches of the database, the oldest first, and the journals of its outboxes."""
    query = "SELECT name FROM wren_async.batch ORDER BY number"
    return [row[0] for row in await (await connection.execute(query)).fetchall()]


async def names_among(connection: Connection, names: Collection[str]) -> list[str]:
    """Which of these names are those of batches."""
    query = "SELECT name FROM wren_async.batch WHERE name = ANY(%s) ORDER BY number"
    return [row[0] for row in await (await connection.execute(query, (list(names),))).fetchall()]


async def names_by_note(connection: Connection, note: str, value: str) -> list[str]:
    """The batches that have this very note."""
    query = (
        "SELECT batch.name FROM wren_async.batch JOIN wren_async.note ON note.batch = batch.number "
        "WHERE note.name = %s AND note.value = %s ORDER BY number"
    )
    return [row[0] for row in await (await connection.execute(query, (str(note), json.dumps(value)))).fetchall()]


async def name_by_id(connection: Connection, batch_id: str) -> str | None:
    """The batch of an id, if the database has it."""
    query = "SELECT name FROM wren_async.batch WHERE id = %s"
    found = await (await connection.execute(query, (batch_id,))).fetchone()
    return None if found is None else str(found[0])


async def others_there(connection: Connection, number: int, me: int) -> bool:
    """Whether others than this runner are at a batch. Nobody joins before the end of the transaction."""
    await connection.execute("SELECT FROM wren_async.batch WHERE number = %s FOR NO KEY UPDATE", (number,))
    await declare_dead(connection, scope_of(number))
    values = {"scope": scope_of(number), "me": me}
    return await (await connection.execute(_LIVE, values)).fetchone() is not None


async def _now(connection: Connection) -> str:
    found = await (await connection.execute("SELECT clock_timestamp()")).fetchone()
    assert found is not None  # noqa: S101 - a query without FROM has a row
    return json.dumps(found[0].astimezone(UTC).isoformat())


class _NotYetError(Exception):
    """Another runner is looking into the past of the batch, or may come back that knows it."""


class _AnotherDatabaseError(Exception):
    """The batch was begun in another database."""


class Opening:
    """Becoming a runner of a batch."""

    def __init__(self, number: int, parts: tuple[Part, ...] = PARTS) -> None:
        self._number = number
        self._parts = parts
        self.past = Past.NEW
        """What may have been sent before, by nobody who is there now."""
        self.waits_for = ""
        """What has to be waited for, where it could not join."""

    async def join(self, database: Database, lease: float) -> Runner | None:
        """Become a runner; `None` where another one knows the past, or is looking into it, and is to be waited for.

        Raises `JournalError` in a copy of the database, which is an alarm until a person has explained it.
        """
        try:
            return await Runner.begin(database, scope_of(self._number), self._parts, lease=lease, along=self._enter)
        except _NotYetError as error:
            self.waits_for = str(error)
            return None
        except _AnotherDatabaseError:
            await database.run(self._raise_alarm)
            raise JournalError(f"{_MOVED} {_REMEDY}") from None

    async def _raise_alarm(self, connection: Connection) -> None:
        """Let nobody go on before a person has explained it. Then it is this database in which the batch is.

        It may be as far behind as one in which a standby took over, so the timeline is noted as unknown.
        """
        values = {"batch": self._number, "name": str(Note.ALARM), "value": json.dumps(_MOVED)}
        await connection.execute(KEEP_NOTE, values)
        await connection.execute(
            f"UPDATE wren_async.batch SET server = {DATABASE} || '/' WHERE number = %(batch)s",  # noqa: S608 - a constant
            values,
        )

    async def _enter(self, connection: Connection, me: int) -> None:
        values = {"batch": self._number, "scope": scope_of(self._number), "me": me}
        query = (
            "SELECT runs, server, is_checked, checker FROM wren_async.batch WHERE number = %(batch)s FOR NO KEY UPDATE"
        )
        found = await (await connection.execute(query, values)).fetchone()
        server = await (await connection.execute(_SERVER)).fetchone()
        if found is None or server is None:
            raise JournalError("the batch is gone from the database")
        await declare_dead(connection, scope_of(self._number))
        await connection.execute(FOLD_TALLY, values)
        live = await (await connection.execute(_LIVE, values)).fetchall()
        runs, known_server, is_checked, checker = found
        if known_server is not None and database_of(known_server) != database_of(server[0]):
            raise _AnotherDatabaseError
        is_elsewhere = known_server is not None and known_server != server[0]
        if looker := next((name for runner, name, _ in live if runner == checker), None):
            raise _NotYetError(f"worker {looker} looks first at what the accounts show of it")
        is_known = bool(live) and is_checked and not is_elsewhere
        if is_known and not any(was_heard for *_, was_heard in live):
            # They tell within seconds, or are declared dead: then the database may be older than what they have sent.
            raise _NotYetError(
                f"worker {live[0][1]} was at it before the database was started, and has not been heard of since"
            )
        before = Past.BEHIND if is_elsewhere else Past.RUN_BEFORE if runs else Past.NEW
        self.past = Past.KNOWN if is_known else before
        update = (
            "UPDATE wren_async.batch SET runs = runs + 1, is_checked = %(known)s, "
            "checker = CASE WHEN %(known)s THEN NULL ELSE %(me)s END, server = coalesce(server, %(server)s) "
            "WHERE number = %(batch)s"
        )
        await connection.execute(update, {**values, "known": is_known, "server": server[0]})
        if is_elsewhere:
            # For those who come later, to whom this runner will have found out all that was sent.
            await connection.execute(KEEP_NOTE, {**values, "name": Note.REPLACED, "value": await _now(connection)})

    def checked(self, me: int) -> Work[None]:
        """What says that the past was looked into by this runner."""

        async def work(connection: Connection) -> None:
            server = await (await connection.execute(_SERVER)).fetchone()
            update = (
                "UPDATE wren_async.batch SET is_checked = true, checker = NULL, server = %(server)s "
                "WHERE number = %(batch)s AND checker = %(me)s"
            )
            values = {"batch": self._number, "me": me, "server": None if server is None else server[0]}
            await connection.execute(update, values)

        return work
