"""A connection to PostgreSQL that is made anew when it breaks, and is used by one task at a time.

psycopg's own pool is not used: what a runner writes has to go through one connection, in order, and whoever writes has
to know whether an answer was lost.

No wait is without an end: a server, or a proxy on the way to it, may take what is sent and never answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar

import psycopg
from psycopg import AsyncConnection, errors, waiting
from psycopg.abc import PQGen

from wren_async.errors import JournalError
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.outage import Outage, remedy

T = TypeVar("T")

logger = logging.getLogger("wren_async.postgres")

_CONNECTING: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "wren-async",
}
"""So that a connection whose other end is gone without a word is noticed within half a minute."""
_TAKES_WRITES: Final = "read-write"
_LONGEST: Final = 60.0
"""Seconds that a transaction may take, or the connecting, before the connection counts as lost."""
_LONGEST_WAIT: Final = 2.0
_LOOK: Final = 0.1
"""Seconds after which psycopg looks for a signal of the system while it waits."""
_SETTINGS: Final = """
SELECT pg_is_in_recovery(), pg_backend_pid(),
    set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
        THEN 'on' ELSE current_setting('synchronous_commit') END, is_local),
    set_config('idle_in_transaction_session_timeout', '30s', is_local), set_config('lock_timeout', '30s', is_local),
    set_config('timezone', 'UTC', is_local)
FROM (SELECT pg_backend_pid() IS DISTINCT FROM %(session)s::int AS is_local) how
"""
"""What every transaction needs: a commit that waits for the disk, and nothing that is left open for long. For the whole
session where it is the given one, or else for this transaction."""
_LOST: Final = (psycopg.OperationalError, psycopg.InterfaceError, errors.ReadOnlySqlTransaction)
_CONFLICTS: Final = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_GRANT: Final = (
    "let the role use the schema wren_async, and read and write in its tables, with GRANT; what makes the tables, such "
    "as `wren-async database migrate`, takes a role that may create the schema"
)
_REPEATS: Final = 8
_PREPARE_AFTER: Final = 3
"""How often a statement is carried out before its plan is kept."""


class DatabaseLost(JournalError):
    """The database cannot be reached, or does not answer. What was asked of it may have been done, or not."""


class DatabaseRefused(DatabaseLost):
    """The database does not let this program in, and waiting is not likely to mend it: a wrong password, for one."""


class Connection(AsyncConnection[tuple[Any, ...]]):
    """A connection that is closed at once where a wait on it is cancelled.

    psycopg's own would ask the server to give the statement up, and wait for the answer, which may never come. A commit
    that waits for a synchronous standby must not be given up either: it would stand in this server alone.
    """

    is_pooled = False
    """Whether a pooler such as PgBouncer is between: each transaction may be carried out by another session then, so
    that settings and prepared statements of a session are not the own ones."""

    async def wait(self, gen: PQGen[T], interval: float = _LOOK, *more: Any, **options: Any) -> T:
        """Wait for the server's answer to what psycopg does."""
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, interval, *more, **options)
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise


Work: TypeAlias = Callable[[Connection], Awaitable[T]]
"""Statements of one transaction. It may be begun again from its beginning, so it must do nothing else."""


class Database:
    """One connection to a database, by which one transaction at a time is carried out."""

    def __init__(self, dsn: Dsn, *, longest: float = _LONGEST, prepares: bool = False) -> None:
        """Make it; it connects when it is first used.

        Args:
            dsn: Where the database is.
            longest: Seconds that a transaction may take.
            prepares: Let the database keep the plans of statements that are carried out often. A pooler between has to
                be able to bear that.
        """
        self.dsn = dsn
        self._prepare_threshold = _PREPARE_AFTER if prepares else None
        self._longest = longest
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._closed = False
        self.outage = Outage(str(dsn))
        """Tells the log that the database is away, if whoever tries again says so, and that it is there again."""

    async def run(self, work: Work[T]) -> T:
        """Carry out a transaction. Raises `DatabaseLost` where its answer was lost: it may have been committed.

        A transaction that another one got in the way of is begun again. Errors of its statements are psycopg's own.
        """
        async with self._turn:
            for repeat in range(_REPEATS):
                try:
                    return await self._once(work)
                except _CONFLICTS:
                    if repeat == _REPEATS - 1:
                        raise
                    await asyncio.sleep(0.01 * 2**repeat)
        raise AssertionError("the last repeat raises or returns")

    async def read(self, work: Work[T], *, patience: float = 30.0) -> T:
        """Carry out a transaction that may be repeated, and repeat it while the database is away, so many seconds."""
        ends = time.monotonic() + patience
        for wait in waits():
            try:
                return await self.run(work)
            except DatabaseLost as error:
                if time.monotonic() + wait > ends or self._closed or isinstance(error, DatabaseRefused):
                    raise
                self.outage.goes_on(error)
                await asyncio.sleep(wait)
        raise AssertionError("waits() does not end")

    async def aclose(self) -> None:
        """Close the connection. May be called again."""
        self._closed = True
        await self._drop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _once(self, work: Work[T]) -> T:
        try:
            connection = self._connection or await self._connect()
            async with asyncio.timeout(self._longest), connection.transaction():
                if connection.is_pooled:
                    await connection.execute(_SETTINGS, {"session": None})
                answer = await work(connection)
        except TimeoutError:
            await self._drop()
            raise DatabaseLost(f"{self.dsn}: the database did not answer within {self._longest:g} s") from None
        except errors.InsufficientPrivilege as error:
            raise refused(self.dsn, error) from None
        except psycopg.Error as error:
            if isinstance(error, _CONFLICTS) or not (isinstance(error, _LOST) or self._is_broken):
                raise
            await self._drop()
            raise DatabaseLost(f"{self.dsn}: {self.dsn.scrub(_told(error))}") from None
        except asyncio.CancelledError:
            # Where the cancellation met a statement, nobody knows in what state the connection is.
            await self._drop()
            raise
        self.outage.ends()
        return answer

    @property
    def _is_broken(self) -> bool:
        return self._connection is None or self._connection.closed

    async def _connect(self) -> Connection:
        self._check_open()
        try:
            async with asyncio.timeout(_LONGEST):
                connection = await connect(self.dsn)
        except TimeoutError:
            raise DatabaseLost(f"{self.dsn}: no connection was made within {_LONGEST:g} s") from None
        try:
            self._check_open()  # it may have been closed while the connection was made
        except BaseException:
            await connection.close()
            raise
        connection.prepare_threshold = None if connection.is_pooled else self._prepare_threshold
        self._connection = connection
        return connection

    def _check_open(self) -> None:
        if self._closed:
            raise JournalError("the connection to the database is closed")

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close()


async def connect(dsn: Dsn, **options: Any) -> Connection:
    """A connection to the server that takes writes. Raises `DatabaseLost`, and `DatabaseRefused` with a remedy."""
    given = {**_CONNECTING, **({"target_session_attrs": _TAKES_WRITES} if len(dsn.hosts) > 1 else {}), **options}
    # What stands in the address is not replaced.
    chosen = {name: value for name, value in given.items() if name not in dsn.parts}
    try:
        connection = await Connection.connect(dsn.reveal(), autocommit=True, prepare_threshold=None, **chosen)
    except psycopg.Error as error:
        raise _unreached(dsn, _told(error), str(error)) from None
    try:
        await _set_up(connection, dsn)
    except BaseException:
        await connection.close()
        raise
    return connection


def _unreached(dsn: Dsn, told: str, lines: str) -> DatabaseLost:
    if (mend := remedy(lines)) is None:
        return DatabaseLost(f"{dsn}: {dsn.scrub(told)}")
    return DatabaseRefused(f"{dsn}: {dsn.scrub(told)}: {mend}")


async def _set_up(connection: Connection, dsn: Dsn) -> None:
    """Find out what answers. By a pooler, settings of the session would become those of other programs."""
    session = connection.pgconn.backend_pid
    found = await (await connection.execute(_SETTINGS, {"session": session})).fetchone()
    assert found is not None  # noqa: S101 - a query without FROM has a row
    # A pooler tells a number of its own.
    connection.is_pooled = found[1] != session
    if found[0]:
        raise DatabaseLost(
            f"{dsn}: the database is a standby, which takes no writes: give the address of the primary, or of all "
            "servers, host1,host2, and the one that takes writes is found"
        )


async def when_there(attempt: Callable[[], Awaitable[T]], dsn: Dsn, stopping: asyncio.Event) -> T | None:
    """Try again and again while the database is away; `None` once it is to stop.

    Raises `JournalError` where waiting would not help: a wrong password, or rights that are missing.
    """
    outage = Outage(str(dsn))
    for wait in waits():
        try:
            answer = await attempt()
        except DatabaseRefused:
            raise
        except DatabaseLost as error:
            outage.goes_on(error)
        except psycopg.Error as error:
            raise refused(dsn, error) from None
        else:
            outage.ends()
            return answer
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await stopping.wait()
                return None
    raise AssertionError("waits() does not end")


def refused(dsn: Dsn, error: psycopg.Error) -> JournalError:
    """What a database that is there answered to a statement, with a remedy where there is one."""
    mend = f": {_GRANT}" if isinstance(error, errors.InsufficientPrivilege) else ""
    return JournalError(f"{dsn}: {dsn.scrub(_told(error))}{mend}")


def waits(first: float = 0.05) -> Any:
    """Seconds to wait before each further try: short ones first, then longer."""
    wait = first
    while True:
        yield wait
        wait = min(_LONGEST_WAIT, wait * 2)


def _told(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
