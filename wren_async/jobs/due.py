"""What has something to do, and how many jobs it is to get: read from the database, and decided by pure functions.

Nothing is kept of what was deferred before. So it makes no difference which process looks, or whether one that looked
got to the end of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from wren_async.batch.journal.contract import Result, State
from wren_async.batch.journal.postgres.opening import find_batch, open_batches, scope_of
from wren_async.batch.journal.postgres.tables import PARTS
from wren_async.outbox.postgres_tables import OUTBOX
from wren_async.outbox.schedule import next_look
from wren_async.postgres.database import Connection
from wren_async.postgres.schema import check, versions

# Who has not renewed for half a lease stands still, or is dead: that another comes beside it does no harm.
_RUNNERS: Final = """
SELECT count(*) FROM wren_async.runner
WHERE scope = %s AND ended IS NULL AND declared_dead IS NULL AND lease_until - lease * 0.5 > clock_timestamp()
"""
_LEFT: Final = """
SELECT coalesce(ended, declared_dead, lease_until) FROM wren_async.runner WHERE scope = %s ORDER BY id DESC LIMIT 1
"""
_DOUBTED: Final = "SELECT DISTINCT last_sent FROM wren_async.standing WHERE batch = %s AND state = 'undecided'"
_OUTBOXES: Final = """
SELECT name, api, CASE api WHEN 'wren' THEN wren ELSE cnaught END, 'batch ' || wren, 'batch ' || cnaught
FROM wren_async.outbox_name, unnest(ARRAY['wren', 'cnaught']) api ORDER BY wren, api
"""
_OPEN_ORDERS: Final = """
SELECT bool_or(s.state IS DISTINCT FROM 'undecided'),
    array_agg(DISTINCT s.last_sent) FILTER (WHERE s.state = 'undecided')
FROM wren_async.outbox o LEFT JOIN wren_async.standing s ON s.batch = %s AND s.position = o.position
WHERE o.outbox = %s AND o.api = %s AND o.finished IS NULL
"""
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
_ACTIVITY: Final = """
SELECT coalesce(max(o.position), 0), EXISTS (
    SELECT FROM wren_async.outbox o JOIN wren_async.outbox_name n ON n.name = o.outbox
    LEFT JOIN wren_async.standing s
        ON s.batch = CASE o.api WHEN 'wren' THEN n.wren ELSE n.cnaught END AND s.position = o.position
    WHERE o.finished IS NULL AND s.state IS DISTINCT FROM 'undecided')
FROM wren_async.outbox o
"""


@attrs.frozen(kw_only=True)
class Work:
    """A batch, or the orders of one API in an outbox, in which something is left to do."""

    runners: int
    """Workers that are at it."""
    is_free: bool
    """Whether there may be something that nobody does."""
    doubted: Sequence[datetime] = ()
    """When its orders in doubt were sent last."""
    left: datetime | None = None
    """When the worker that came last has left it: until then its orders in doubt were looked for."""


def jobs_wanted(work: Work, *, workers: int, settle_time: float, now: datetime) -> int:
    """How many jobs to add, so that so many workers are at it. Orders in doubt are looked for by one, at their time."""
    if work.is_free:
        return max(0, workers - work.runners)
    return int(not work.runners and _is_look_due(work, settle_time, now))


def _is_look_due(work: Work, settle_time: float, now: datetime) -> bool:
    for sent in work.doubted:
        at = next_look(Result(state=State.UNDECIDED, last_sent=sent), work.left, settle_time, now)
        if at is None or at <= now:
            return True
    return False


async def batches_with_work(connection: Connection) -> dict[str, Work]:
    """The batches that were started, and in which something is left to do, by their names.

    Raises `JournalError` where the tables are of another version.
    """
    found_parts = await versions(connection)
    if not any(part.name in found_parts for part in PARTS):
        return {}
    await check(connection, PARTS)
    found: dict[str, Work] = {}
    for batch in await open_batches(connection):
        number = await _value(connection, "SELECT number FROM wren_async.batch WHERE name = %s", batch.name)
        sent = await _values(connection, _DOUBTED, number) if batch.in_doubt and not batch.is_free else ()
        found[batch.name] = await _work(connection, number, is_free=batch.is_free, sent=sent)
    return found


async def check_batch(connection: Connection, name: str) -> None:
    """See that there is a batch of this name. Raises `JournalError`, which tells those that there are."""
    await check(connection, PARTS)
    await find_batch(connection, name, make=False)


async def outboxes_with_work(connection: Connection) -> list[Work]:
    """The outboxes of the database in which something is left to do. Raises `JournalError` as above."""
    if OUTBOX.name not in await versions(connection):
        return []
    await check(connection, (OUTBOX,))
    found: list[Work] = []
    for name, api, number, *scopes in await (await connection.execute(_OUTBOXES)).fetchall():
        row = await (await connection.execute(_OPEN_ORDERS, (number, name, api))).fetchone()
        if row is not None and row[0] is not None:
            work = await _work(connection, number, is_free=row[0], sent=row[1] or ())
            # A worker has journals for the APIs that it has tokens for: what it lacks no other job would have.
            found.append(attrs.evolve(work, runners=await _most_runners(connection, scopes)))
    return found


async def runners_at_outboxes(connection: Connection) -> int:
    """Workers that are placing the orders of each outbox, at least."""
    if OUTBOX.name not in await versions(connection):
        return 0
    rows = await (await connection.execute(_OUTBOXES)).fetchall()
    return min([await _most_runners(connection, scopes) for _, _, _, *scopes in rows], default=0)


async def outbox_activity(connection: Connection) -> tuple[int, bool]:
    """The last order that was submitted, and whether any is to be placed still; those in doubt wait for their time."""
    if OUTBOX.name not in await versions(connection):
        return 0, False
    row = await (await connection.execute(_ACTIVITY)).fetchone()
    assert row is not None  # noqa: S101 - an aggregate has a row
    return int(row[0]), bool(row[1])


async def _most_runners(connection: Connection, scopes: Sequence[str]) -> int:
    return max([int(await _value(connection, _RUNNERS, scope) or 0) for scope in scopes])


async def _work(connection: Connection, number: int, *, is_free: bool, sent: Sequence[str | None]) -> Work:
    return Work(
        runners=int(await _value(connection, _RUNNERS, scope_of(number)) or 0),
        is_free=is_free,
        doubted=[_LONG_AGO if each is None else datetime.fromisoformat(each) for each in sent],
        left=await _value(connection, _LEFT, scope_of(number)),
    )


async def _value(connection: Connection, query: str, value: object) -> Any:
    row = await (await connection.execute(query.encode(), (value,))).fetchone()
    return None if row is None else row[0]


async def _values(connection: Connection, query: str, value: object) -> list[Any]:
    return [row[0] for row in await (await connection.execute(query.encode(), (value,))).fetchall()]
