"""Where an outbox is kept: in a file, or in a database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from wren_async.batch.journal.contract import JournalError
from wren_async.errors import InvalidConfiguration
from wren_async.outbox.sqlite import SqliteOutbox
from wren_async.outbox.store import Clock
from wren_async.postgres.address import is_address

if TYPE_CHECKING:
    from wren_async.outbox.postgres import PostgresOutbox
    from wren_async.postgres.dsn import Dsn

_BEHIND = (
    "is older than its last run, as after restoring a backup: orders that it has forgotten may have been placed. Go on "
    "with Outbox(..., look_first=True), which looks for each order before it is sent"
)


def database(where: str | os.PathLike[str] | Dsn) -> Dsn | None:
    """The address of a database, where it is one. Raises `InvalidConfiguration` where the extra is not installed."""
    if isinstance(where, str | os.PathLike) and not is_address(where):
        return None
    try:
        from wren_async.postgres.dsn import Dsn
    except ImportError:
        raise InvalidConfiguration("an outbox in PostgreSQL needs: pip install 'wren-async[postgres]'") from None
    return where if isinstance(where, Dsn) else Dsn(os.fspath(where))


async def open_store(
    where: str | os.PathLike[str] | Dsn, name: str, *, lease: float, look_first: bool, clock: Clock
) -> SqliteOutbox | PostgresOutbox:
    """Open the store of an outbox, or make it. Raises `JournalError` for one that cannot be trusted as it stands."""
    store = await _open(where, name, lease, clock)
    try:
        await store.prepare()
        if store.is_behind and not look_first:
            raise JournalError(_BEHIND)
    except JournalError as error:
        await store.aclose()
        raise (error if store.is_shared else JournalError(f"{where}: {error}")) from None
    except BaseException:
        await store.aclose()
        raise
    return store


async def _open(
    where: str | os.PathLike[str] | Dsn, name: str, lease: float, clock: Clock
) -> SqliteOutbox | PostgresOutbox:
    if (dsn := database(where)) is None:
        return await SqliteOutbox.open_as(str(where), name, clock)
    from wren_async.outbox.postgres import PostgresOutbox

    return await PostgresOutbox.open(dsn, name, lease=lease, clock=clock)
