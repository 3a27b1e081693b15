"""A connection to PostgreSQL that is made anew when it breaks, and is used by one task at a time.

psycopg's own pool is not used: what a runner writes has to go through one connection, in order, and whoever writes has
to know whether an answer was lost.
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
from psycopg import AsyncConnection, errors

from wren_async.errors import JournalError
from wren_async.postgres.dsn import Dsn

T = TypeVar("T")
Connection: TypeAlias = AsyncConnection[tuple[Any, ...]]
Work: TypeAlias = Callable[[Connection], Awaitable[T]]
"""Statements of one transaction. It may be begun again from its beginning, so it must do nothing else."""

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
_LONGEST: Final = 60.0
"""Seconds that a transaction may take before its connection counts as lost."""
_LONGEST_WAIT: Final = 2.0
_CONFLICTS: Final = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
_REPEATS: Final = 8
_PREPARE_AFTER: Final = 3
"""How often a statement is carried out before its plan is kept."""


class DatabaseLost(JournalError):
    """The database cannot be reached, or does not answer. What was asked of it may have been done, or not."""


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
            except DatabaseLost:
                if time.monotonic() + wait > ends or self._closed:
                    raise
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
            async with asyncio.timeout(self._longest):
                connection = self._connection or await self._connect()
                async with connection.transaction():
                    return await work(connection)
        except TimeoutError:
            await self._drop()
            raise DatabaseLost(f"{self.dsn}: the database did not answer within {self._longest:g} s") from None
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if isinstance(error, _CONFLICTS):
                raise
            if isinstance(error, errors.DiskFull | errors.OutOfMemory | errors.TooManyConnections):
                logger.warning("%s: %s", self.dsn, self.dsn.scrub(_told(error)))
            await self._drop()
            raise DatabaseLost(f"{self.dsn}: {self.dsn.scrub(_told(error))}") from None
        except asyncio.CancelledError:
            # Where the cancellation met a statement, nobody knows in what state the connection is.
            await self._drop()
            raise

    async def _connect(self) -> Connection:
        self._check_open()
        given = {name: value for name, value in _CONNECTING.items() if f"{name}=" not in self.dsn.reveal()}
        connection: Connection = await AsyncConnection.connect(
            self.dsn.reveal(), autocommit=True, prepare_threshold=self._prepare_threshold, **given
        )
        try:
            await _set_up(connection)
            self._check_open()  # it may have been closed while the connection was made
        except BaseException:
            await connection.close()
            raise
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


async def _set_up(connection: Connection) -> None:
    """What every connection needs: commits that wait for the disk, and no transaction that is left open for long."""
    await connection.execute(
        "SELECT set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') "
        "THEN 'on' ELSE current_setting('synchronous_commit') END, false), "
        "set_config('idle_in_transaction_session_timeout', '30s', false), set_config('lock_timeout', '30s', false), "
        "set_config('timezone', 'UTC', false)"
    )


def waits(first: float = 0.05) -> Any:
    """Seconds to wait before each further try: short ones first, then longer."""
    wait = first
    while True:
        yield wait
        wait = min(_LONGEST_WAIT, wait * 2)


def _told(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
