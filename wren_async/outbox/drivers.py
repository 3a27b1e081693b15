"""A function of the database, called within the caller's own transaction by whichever driver the caller uses."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from wren_async.errors import InvalidArgument, InvalidConfiguration

_MISSING: Final = frozenset({"3F000", "42P01", "42883"})
"""What PostgreSQL says where it knows no such schema, table or function."""
_DENIED: Final = "42501"
_UNNAMED: Final = "42704"
_IDLE: Final = 0


async def call_over(connection: Any, function: str, values: Mapping[str, str]) -> Sequence[Any]:
    """Call a function over an asynchronous connection, in its open transaction.

    Args:
        connection: Of psycopg, asyncpg or SQLAlchemy.
        function: `SELECT ... FROM` it, without its arguments.
        values: Its arguments, by name, in their order.

    Returns the one row. Raises `InvalidArgument` for a connection that would commit it by itself.
    """
    with _explained():
        if _is_of(connection, "asyncpg"):
            return await _over_asyncpg(connection, function, values)
        if not inspect.iscoroutinefunction(getattr(connection, "execute", None)):
            raise InvalidArgument(
                "connection",
                "takes an asynchronous connection of psycopg, asyncpg or SQLAlchemy; for a synchronous one take "
                "submit_within(connection, intent, reference=...)",
            )
        if _is_of(connection, "sqlalchemy"):
            # What keeps a session for each task gives that of this one.
            session = connection if hasattr(connection, "run_sync") else connection()
            found: Sequence[Any] = await session.run_sync(_by_sqlalchemy, function, values)
            return found
        return await _over_psycopg(connection, function, values)


def call_within(connection: Any, function: str, values: Mapping[str, str]) -> Sequence[Any]:
    """Call a function over a synchronous connection, in its open transaction, as `call_over` does."""
    if inspect.iscoroutinefunction(getattr(connection, "execute", None)):
        raise InvalidArgument(
            "connection",
            "is an asynchronous one, and takes `await outbox.submit(intent, reference=..., connection=connection)`",
        )
    # What SQLAlchemy's `raw_connection()` gives has the driver's own inside.
    connection = getattr(connection, "driver_connection", connection)
    with _explained():
        if _is_of(connection, "sqlalchemy") and callable(getattr(connection, "execute", None)):
            return _by_sqlalchemy(connection, function, values)
        if not callable(getattr(connection, "cursor", None)):
            raise InvalidArgument(
                "connection",
                "takes one connection with its open transaction, of psycopg, SQLAlchemy (`Session`, `Connection`) or "
                f"Django; not a {type(connection).__name__}",
            )
        if _commits_by_itself(connection):
            raise _no_transaction("`with connection.transaction()`, or Django's `with transaction.atomic()`")
        with _cursor(connection) as cursor:
            cursor.execute(f"{function}({_marks(values)})", [*values.values()])
            row = cursor.fetchone()
        return [*row.values()] if isinstance(row, Mapping) else row


async def _over_asyncpg(connection: Any, function: str, values: Mapping[str, str]) -> Sequence[Any]:
    if not hasattr(connection, "is_in_transaction"):
        raise InvalidArgument(
            "connection",
            "is a pool, of which it takes one connection: "
            "`async with pool.acquire() as connection, connection.transaction()`",
        )
    if not connection.is_in_transaction():
        raise _no_transaction("`async with connection.transaction()`")
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    row: Sequence[Any] = await connection.fetchrow(f"{function}({marks})", *values.values())
    return row


async def _over_psycopg(connection: Any, function: str, values: Mapping[str, str]) -> Sequence[Any]:
    if _commits_by_itself(connection):
        raise _no_transaction("`async with connection.transaction()`")
    async with _cursor(connection) as cursor:
        await cursor.execute(f"{function}({_marks(values)})", [*values.values()])
        row: Sequence[Any] = await cursor.fetchone()
    return row


def _by_sqlalchemy(connection: Any, function: str, values: Mapping[str, str]) -> Sequence[Any]:
    """Over a synchronous `Connection` or `Session`, which every asynchronous one has inside."""
    from sqlalchemy import text

    inner: Any = connection.connection() if callable(connection.connection) else connection
    if getattr(inner.connection.dbapi_connection, "autocommit", False):
        raise _no_transaction("an engine without AUTOCOMMIT, and `engine.begin()` or `session.begin()`")
    marks = ", ".join(f":{name}" for name in values)
    row: Sequence[Any] = connection.execute(text(f"{function}({marks})"), dict(values)).one()
    return row


def _cursor(connection: Any) -> Any:
    """A cursor whose rows are plain: the caller's own row factory may make anything of them."""
    if not _is_of(connection, "psycopg"):
        return connection.cursor()
    from psycopg.rows import tuple_row

    return connection.cursor(row_factory=tuple_row)


def _commits_by_itself(connection: Any) -> bool:
    """Whether a statement would be committed on its own, as far as the connection tells."""
    if callable(told := getattr(connection, "get_autocommit", None)):
        return bool(told())  # Django, which begins transactions by itself
    if not getattr(connection, "autocommit", False):
        return False
    return getattr(getattr(connection, "info", None), "transaction_status", _IDLE) == _IDLE


def _no_transaction(begin: str) -> InvalidArgument:
    return InvalidArgument("connection", f"is in no transaction, so that the order would stand alone: take {begin}")


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Say what is to be done where the database has no tables, or does not let this role write into them."""
    try:
        yield
    except Exception as error:
        state = _sqlstate(error)
        if state in _MISSING:
            raise InvalidConfiguration(
                "the database of this connection has no outbox: is it the one that Outbox(...) has? `wren-async "
                "database migrate` makes the tables, and so does an outbox when it is first opened"
            ) from error
        if state == _UNNAMED:
            raise InvalidConfiguration(
                "the database of this connection has no outbox of this name: Outbox(..., name=...) makes it when it is "
                "first opened"
            ) from error
        if state == _DENIED:
            raise InvalidConfiguration(
                "the role of this connection may not write into the outbox: it needs USAGE on the schema wren_async, "
                "and SELECT and INSERT on the tables in it"
            ) from error
        raise


def _sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's own code of an error, which drivers name differently, and SQLAlchemy and Django wrap."""
    for each in (error, getattr(error, "orig", None), error.__cause__):
        if found := getattr(each, "sqlstate", None) or getattr(each, "pgcode", None):
            return str(found)
    return None


def _marks(values: Mapping[str, str]) -> str:
    return ", ".join("%s" for _ in values)


def _is_of(connection: object, package: str) -> bool:
    # By what it calls itself: tools that measure put a proxy before it.
    return any(each.__module__.partition(".")[0] == package for each in connection.__class__.__mro__)
