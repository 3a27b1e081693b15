"""Opening the file of a journal: only one process may hold it, and only a whole file with its log is believed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs

from wren_async.batch.journal import schema
from wren_async.batch.journal.contract import JournalError, Past
from wren_async.batch.journal.lock import FileLock, Seen

_LEAST_PAGE: Final = 512
"""Bytes of the smallest page SQLite knows."""
_APPLICATION_ID: Final = slice(68, 72)
"""Where an SQLite file has its application id."""


@attrs.define
class _Removal:
    """Removes the files of a journal, while its lock is held still."""

    path: Path
    is_wanted: bool = False

    def __call__(self) -> None:
        if self.is_wanted:
            for ending in ("-wal", "-shm", "", ".lock"):
                # An open file cannot be removed on every system; what stays is an empty journal.
                with contextlib.suppress(OSError):
                    self.path.with_name(f"{self.path.name}{ending}").unlink(missing_ok=True)


@attrs.frozen(kw_only=True)
class OpenFile:
    """A journal's file, held."""

    path: Path
    journal_id: str
    past: Past
    """What may have been sent from it before."""
    reader: sqlite3.Connection
    held: contextlib.ExitStack
    """Closes all of it, the lock last."""
    writer: sqlite3.Connection | None = None
    """`None` where it is only read."""
    lock: FileLock | None = None
    removal: _Removal | None = None
    """Where it was made now: what takes it away again."""

    def begin_run(self, connection: sqlite3.Connection) -> None:
        """Mark in the file and its lock that a run is on. Blocks."""
        assert self.lock is not None  # noqa: S101 - whoever has a connection that writes has the lock
        identity, seen = schema.Identity.of(connection), self.lock.seen
        runs = 1 + max(identity.runs, seen.runs if seen else 0)
        schema.begin_run(connection, runs)
        self.lock.remember(Seen(journal_id=identity.journal_id, batch_id=identity.batch_id, runs=runs))

    def take_away(self) -> None:
        """Leave nothing of a journal that was made now, once it is closed without a whole plan."""
        if self.removal is not None:
            self.removal.is_wanted = True

    def close(self, *, is_intact: bool = True) -> None:
        """Let go of the file. Blocks. A file that could not be written keeps the mark of its run."""
        if self.removal is not None and self.removal.is_wanted:
            self.removal.is_wanted = self.writer is not None and is_intact and not schema.is_sealed(self.writer)
        if self.writer is not None and is_intact:
            # Where the disk is full, or a report is reading, the mark stays, and so does the log.
            with contextlib.suppress(sqlite3.Error):
                schema.end_run(self.writer)
        self.held.close()


def open_file(path: Path) -> OpenFile:
    """Open the journal at a path, or make one. Blocks. Raises `JournalError`, which names the remedy."""
    if sqlite3.sqlite_version_info < (3, 37):
        raise JournalError(f"SQLite {sqlite3.sqlite_version} is too old for a journal: 3.37 or newer is needed")
    # Links are resolved, so that a file has one lock, whatever name it is opened by.
    path = path.resolve()
    with contextlib.ExitStack() as held:
        lock = FileLock(path.with_name(f"{path.name}.lock"), str(path))
        held.callback(lock.close)
        removal = _Removal(path)
        held.callback(removal)
        size, file = _make_private(path, lock.seen)
        _check_log(path)
        with _named(path, lock.seen):
            writer = _connect(path, held)
            _check_functions(writer)
            is_new = schema.prepare(writer, size, file)
            reader = _connect(path, held)
            identity = schema.Identity.of(writer)
        past = Past.NEW if is_new else _past(identity, file, lock.seen)
        _remember(lock, identity)
        return OpenFile(
            path=path,
            journal_id=identity.journal_id,
            past=past,
            writer=writer,
            reader=reader,
            lock=lock,
            removal=removal if is_new else None,
            held=held.pop_all(),
        )


def open_to_read(path: Path) -> OpenFile:
    """Open a journal as it stands now, for reading alone, also while a run holds it. Blocks. Raises `JournalError`."""
    path = path.resolve()
    with contextlib.ExitStack() as held:
        _check_log(path)
        with _named(path, None):
            reader = sqlite3.connect(
                f"{path.as_uri()}?mode=ro", uri=True, timeout=30, isolation_level=None, check_same_thread=False
            )
            held.callback(reader.close)
            # One transaction for all that is read, because a run may go on writing.
            reader.execute("BEGIN")
            schema.check(reader)
            identity = schema.Identity.of(reader)
        past = Past.RUN_BEFORE if identity.runs else Past.NEW
        return OpenFile(path=path, journal_id=identity.journal_id, past=past, reader=reader, held=held.pop_all())


@contextlib.contextmanager
def _named(path: Path, seen: Seen | None) -> Iterator[None]:
    """Let errors name the file, and what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise JournalError(f"{path}: cannot be opened: {error}") from error
    except (sqlite3.Error, ValueError, TypeError) as error:  # a message that quotes damaged text is itself no UTF-8
        raise JournalError(f"{path}: {schema.damaged(error, seen.batch_id if seen else None)}") from error
    except JournalError as error:
        raise JournalError(f"{path}: {error}") from error


def _check_functions(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("SELECT json_extract('[1]', '$[0]')")
    except sqlite3.OperationalError:
        raise JournalError("this SQLite was built without its JSON functions, which a journal needs") from None


def _make_private(path: Path, seen: Seen | None) -> tuple[int | None, str]:
    """Make sure that the file is there. Returns its size (`None` while a log tells more) and its identity."""
    log = path.with_name(f"{path.name}-wal")
    if not path.exists() and seen is not None and seen.runs:
        raise JournalError(
            f"{path}: is gone, and {path.name}.lock beside it says that orders were sent from it: "
            f"{schema.way_out(seen.batch_id)}"
        )
    try:
        was_there = path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        status = os.fstat(descriptor)
        os.close(descriptor)
    except OSError as error:
        raise JournalError(f"{path}: cannot be opened: {error.strerror}") from error
    if status.st_nlink > 1:
        raise JournalError(
            f"{path}: the file has {status.st_nlink} names (hard links); under each it would have a log and a lock of "
            "its own, and its orders could be bought once for each name. Remove the other names"
        )
    if status.st_size == 0 and was_there and seen is not None:
        raise JournalError(f"{path}: {schema.damaged('it was emptied', seen.batch_id)}")
    if status.st_size == 0 and log.exists():
        # SQLite would delete the log, and with it all that is still known.
        raise JournalError(f"{path}: {schema.damaged('empty, with a write-ahead log beside it')}")
    if 0 < status.st_size < _LEAST_PAGE:
        # SQLite would take it for an empty database.
        raise JournalError(f"{path}: {schema.damaged('shorter than any database', seen.batch_id if seen else None)}")
    return None if log.exists() else status.st_size, str(status.st_ino)


def _check_log(path: Path) -> None:
    """Refuse a file whose run was broken off and whose log is not there: the file alone is older than its run."""
    # Looked for twice, because a run may begin or end in between. Its mark is in the file only while its log is there.
    if _has_log(path) or not _is_marked(path) or _has_log(path):
        return
    raise JournalError(
        f"{path}: its last run was broken off, and the log of that run, {path.name}-wal, is not beside it (a copy "
        f"needs both): bring it back. If it is gone: {schema.way_out(_batch_of(path))}"
    )


def _has_log(path: Path) -> bool:
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except OSError:
        return False


def _is_marked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return int.from_bytes(file.read(100)[_APPLICATION_ID], "big") == schema.RUN_ON
    except OSError:
        return False


def _batch_of(path: Path) -> str | None:
    """Which batch it is, read from the main file alone; `None` where that does not tell."""
    with contextlib.suppress(sqlite3.Error, ValueError, TypeError):
        connection = sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)
        with contextlib.closing(connection):
            return schema.Identity.of(connection).batch_id
    return None


def _past(identity: schema.Identity, file: str, seen: Seen | None) -> Past:
    if seen is not None and seen.journal_id == identity.journal_id and seen.runs > identity.runs:
        return Past.BEHIND
    return Past.RUN_BEFORE if identity.runs or identity.file != file else Past.NEW


def _remember(lock: FileLock, identity: schema.Identity) -> None:
    """Keep in the lock file what it saw; a journal that is behind stays so until its next run has begun."""
    runs, seen = identity.runs, lock.seen
    if seen is not None and seen.journal_id == identity.journal_id:
        runs = max(runs, seen.runs)
    lock.remember(Seen(journal_id=identity.journal_id, batch_id=identity.batch_id, runs=runs))


def _connect(path: Path, held: contextlib.ExitStack) -> sqlite3.Connection:
    # Each connection is used by one thread at a time, but made by another.
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    held.callback(connection.close)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS otherwise stops at the drive's cache
    return connection
