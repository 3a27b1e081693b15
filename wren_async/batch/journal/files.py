"""Opening the file of a journal: one holder, a whole file, and connections that lose nothing."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import attrs

from wren_async.batch.journal import schema
from wren_async.batch.journal.contract import JournalError
from wren_async.batch.journal.lock import FileLock

_LEAST_PAGE = 512
"""Bytes of the smallest page SQLite knows."""


@attrs.frozen
class OpenFile:
    """A journal's file, held."""

    batch_id: str
    is_new: bool
    """Whether it was made now."""
    writer: sqlite3.Connection | None
    """`None` where it is only read."""
    reader: sqlite3.Connection
    held: contextlib.ExitStack
    """Closes all of it, the lock last."""

    def close(self) -> None:
        """Let go of the file. Blocks."""
        self.held.close()


def open_file(path: Path) -> OpenFile:
    """Open the journal at a path, or make one. Blocks. Raises `JournalError`, which names the remedy."""
    if sqlite3.sqlite_version_info < (3, 37):
        raise JournalError(f"SQLite {sqlite3.sqlite_version} is too old for a journal: 3.37 or newer is needed")
    # Through links: one file has one lock, whatever name it is opened by.
    path = path.resolve()
    with contextlib.ExitStack() as held:
        held.callback(FileLock(path.with_name(f"{path.name}.lock"), str(path)).close)
        size = _make_private(path)
        try:
            writer = _connect(path, held)
            _check_functions(writer)
            is_new = schema.prepare(writer, size)
            reader = _connect(path, held)
            (batch_id,) = writer.execute("SELECT id FROM batch").fetchone()
        except sqlite3.OperationalError as error:
            raise JournalError(f"{path}: cannot be opened: {error}") from error
        except (sqlite3.Error, ValueError) as error:  # a message that quotes damaged text is itself no UTF-8
            raise JournalError(f"{path}: {schema.damaged(error)}") from error
        except JournalError as error:
            raise JournalError(f"{path}: {error}") from error
        return OpenFile(batch_id, is_new, writer, reader, held.pop_all())


def open_to_read(path: Path) -> OpenFile:
    """Open a journal as it stands now, for reading alone, also while a run holds it. Blocks. Raises `JournalError`."""
    path = path.resolve()
    with contextlib.ExitStack() as held:
        try:
            reader = sqlite3.connect(
                f"{path.as_uri()}?mode=ro", uri=True, timeout=30, isolation_level=None, check_same_thread=False
            )
            held.callback(reader.close)
            # One moment for all that is read: a run may go on writing.
            reader.execute("BEGIN")
            schema.check(reader)
            (batch_id,) = reader.execute("SELECT id FROM batch").fetchone()
        except sqlite3.OperationalError as error:
            raise JournalError(f"{path}: cannot be opened: {error}") from error
        except (sqlite3.Error, ValueError) as error:
            raise JournalError(f"{path}: {schema.damaged(error)}") from error
        except JournalError as error:
            raise JournalError(f"{path}: {error}") from error
        return OpenFile(batch_id, False, None, reader, held.pop_all())


def _check_functions(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("SELECT json_extract('[1]', '$[0]')")
    except sqlite3.OperationalError:
        raise JournalError("this SQLite was built without its JSON functions, which a journal needs") from None


def _make_private(path: Path) -> int | None:
    """Make sure that the file is there. Returns its bytes, or `None` while a log beside it tells more."""
    log = path.with_name(f"{path.name}-wal")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        size = os.fstat(descriptor).st_size
        os.close(descriptor)
    except OSError as error:
        raise JournalError(f"{path}: cannot be opened: {error.strerror}") from error
    if size == 0 and log.exists():
        # SQLite would delete the log, and with it all that is still known.
        raise JournalError(f"{path}: {schema.damaged('empty, with a write-ahead log beside it')}")
    if 0 < size < _LEAST_PAGE:
        # SQLite would take it for an empty database.
        raise JournalError(f"{path}: {schema.damaged('shorter than any database')}")
    return None if log.exists() else size


def _connect(path: Path, held: contextlib.ExitStack) -> sqlite3.Connection:
    # Each connection is used by one thread at a time, but made by another.
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    held.callback(connection.close)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS otherwise stops at the drive's cache
    return connection
