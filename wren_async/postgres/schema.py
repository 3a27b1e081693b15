"""The tables of the tool in a database, under the schema `wren_async`: made, brought up to date, and checked.

Each part of the tool has its own tables and its own version. A process refuses a database of another version than its
own: an older one names the command that brings it up to date, a newer one asks for a newer program.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from typing import Final

import attrs

from wren_async.errors import JournalError
from wren_async.postgres.database import Connection, Database

_ASYNCHRONOUS: Final = (
    "the database has an asynchronous standby: a failover may lose the last marks, and every order that is not settled "
    "is then looked for in the lists before it is sent. Set synchronous_standby_names, and nothing is lost"
)
_POOLED: Final = (
    "a pooler, such as PgBouncer, is between: statements are not prepared, and what other processes do is seen by "
    "looking twice a second. A direct connection is better: a worker has three at most"
)
_LOCK: Final = 0x5752454E
"""The advisory lock under which the tables are made."""


logger = logging.getLogger("wren_async.postgres")


@attrs.frozen
class Part:
    """A part of the tool with tables of its own."""

    name: str
    steps: Sequence[str] = attrs.field(repr=False)
    """What brings its tables from each version to the next, in SQL. The first makes them."""

    @property
    def version(self) -> int:
        """The version that this program reads and writes."""
        return len(self.steps)


RUNNERS: Final = Part(
    "runners",
    (
        """
CREATE TABLE wren_async.runner (
    -- No id comes twice: it is the fencing token.
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    scope text NOT NULL,
    program text NOT NULL,
    began timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease interval NOT NULL,
    lease_until timestamptz NOT NULL,
    sequence bigint NOT NULL DEFAULT 0,
    -- What the last transaction answered, for a runner that lost the answer.
    answer jsonb,
    ended timestamptz,
    declared_dead timestamptz,
    -- Whether what it left behind, once it had ended or was dead, was taken over.
    is_cleared boolean NOT NULL DEFAULT false
) WITH (fillfactor = 30);
CREATE INDEX runner_of_scope ON wren_async.runner (scope) WHERE ended IS NULL AND declared_dead IS NULL;
""",
    ),
)
"""The runners of all parts."""


async def migrate(database: Database, parts: Sequence[Part]) -> None:
    """Make the tables of some parts, or bring them up to date. Raises `JournalError` for newer ones.

    It waits until no transaction of a runner is under way. Runners of the older version then stop by themselves: each
    of their transactions looks at the version.
    """

    async def work(connection: Connection) -> None:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        await connection.execute("CREATE SCHEMA IF NOT EXISTS wren_async")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS wren_async.part (name text PRIMARY KEY, version int NOT NULL)"
        )
        found = await versions(connection)
        if found.get(RUNNERS.name):
            await connection.execute("LOCK TABLE wren_async.runner IN EXCLUSIVE MODE")
        for part in parts:
            has = found.get(part.name, 0)
            if has > part.version:
                raise JournalError(_newer(part, has))
            for step in part.steps[has:]:
                await connection.execute(step.encode())
            await connection.execute(
                "INSERT INTO wren_async.part (name, version) VALUES (%s, %s) "
                "ON CONFLICT (name) DO UPDATE SET version = excluded.version",
                (part.name, part.version),
            )

    await database.run(work)


async def prepare(database: Database, parts: Sequence[Part]) -> None:
    """Make the tables where none of these parts are there yet; else see that they are of this program's version.

    Raises `JournalError`, which names the remedy.
    """
    found = await database.read(versions)
    if not any(part.name in found for part in parts if part is not RUNNERS):
        await migrate(database, parts)
    else:
        await database.read(lambda connection: check(connection, parts))


async def check(connection: Connection, parts: Sequence[Part]) -> None:
    """See that the tables are of this program's version. Raises `JournalError`, which names the remedy."""
    found = await versions(connection)
    if not found:
        raise JournalError(_no_tables(connection.info.dbname))
    for part in parts:
        has = found.get(part.name, 0)
        if has > part.version:
            raise JournalError(_newer(part, has))
        if has < part.version:
            told = f"version {has} of its {part.name}" if has else f"no {part.name}"
            raise JournalError(
                f"the database has {told}, and this program needs version {part.version}: stop the workers, let "
                "`wren-async database migrate` bring it up to date, and start workers of this version"
            )


async def hold(connection: Connection, parts: Sequence[Part]) -> None:
    """See that the tables are of this program's version, and stay so until the end of the transaction.

    For what is written by no runner. Raises `JournalError`.
    """
    await connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (_LOCK,))
    await check(connection, parts)


async def versions(connection: Connection) -> dict[str, int]:
    """The parts whose tables are there, and their versions."""
    found = await (await connection.execute("SELECT to_regclass('wren_async.part')")).fetchone()
    if found is None or found[0] is None:
        return {}
    rows = await (await connection.execute("SELECT name, version FROM wren_async.part")).fetchall()
    return {str(name): int(version) for name, version in rows}


async def check_server(connection: Connection) -> list[str]:
    """Refuse a server that cannot keep what it says it kept. Raises `JournalError`; returns what to warn of."""
    query = (
        "SELECT current_setting('fsync'), current_setting('server_version_num')::int, "
        "current_setting('synchronous_standby_names'), (SELECT count(*) FROM pg_stat_replication)"
    )
    found = await (await connection.execute(query)).fetchone()
    assert found is not None  # noqa: S101 - a query without FROM has a row
    fsync, version, synchronous, standbys = found
    if fsync != "on":
        raise JournalError(
            "the database runs with fsync = off: after a crash it would have forgotten orders that were sent, and they "
            "would be bought again. Turn fsync on"
        )
    if version < 130000:
        raise JournalError(f"PostgreSQL {version // 10000} is too old: 13 or newer is needed")
    asynchronous = [_ASYNCHRONOUS] if standbys and not synchronous else []
    return asynchronous + ([_POOLED] if connection.is_pooled else [])


@functools.lru_cache(maxsize=256)
def warn(where: str, warning: str) -> None:
    """Log what a server was found to be, once in a process."""
    logger.warning("%s: %s", where, warning)


def _no_tables(name: str) -> str:
    return (
        f"the database {name!r} has no tables of wren-async: is it the right one? They are made by planning a batch in "
        "it, by opening an outbox, and by `wren-async database migrate`"
    )


def _newer(part: Part, has: int) -> str:
    return (
        f"the database has version {has} of its {part.name}, made by a newer wren-async; this one knows up to "
        f"{part.version}: upgrade wren-async here"
    )
