"""A lock of the kernel on a file: one journal at a time holds it, and it is free the moment the process is gone.

The lock file stays, and remembers the batch of the journal beside it and how many runs were begun. A journal that was
emptied, removed, or replaced by an older copy is noticed by that.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path
from typing import Final

import attrs

from wren_async.batch.journal.contract import JournalError

if sys.platform == "win32":
    import msvcrt

    # Past all content: other processes may still read who holds the lock.
    _LOCKED_BYTE = 1 << 30

    def _try_lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        # Not `lockf`: its locks belong to the process, so a second open within it would be let through.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_SIGNATURE: Final = "wren-async journal"
_MOST_BYTES: Final = 1000
_NOT_THROUGH_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@attrs.frozen(kw_only=True)
class Seen:
    """What a lock file remembers of the journal beside it."""

    journal_id: str
    """Random id of that journal."""
    batch_id: str
    """Id with which the references of its orders begin: that of the batch it continues, or its own."""
    runs: int
    """Runs that it had begun."""


class FileLock:
    """An exclusive lock, from its making until `close()`.

    The lock file stays, unless its journal is removed: whoever holds a lock sees to it that it is on the file of that
    name, and not on one that was removed meanwhile.
    """

    def __init__(self, path: Path, purpose: str) -> None:
        self._seen: Seen | None = None
        self._open(path, purpose)
        while not self._is_at(path):
            # Whoever held it until now has removed it, with a journal that it had made for nothing.
            os.close(self._descriptor)
            self._open(path, purpose)

    def _open(self, path: Path, purpose: str) -> None:
        try:
            # Never through a link: it could lead to a file that is not ours to write.
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NOT_THROUGH_LINKS, 0o600)
        except OSError as error:
            why = "it is a link" if path.is_symlink() else error.strerror
            raise JournalError(f"{purpose}: cannot make the lock file {path.name}: {why}") from error
        try:
            self._acquire(path, purpose)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _is_at(self, path: Path) -> bool:
        """Whether the file that is locked is the one at this path, which others would lock."""
        try:
            there, ours = path.stat(follow_symlinks=False), os.fstat(self._descriptor)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    @property
    def seen(self) -> Seen | None:
        """What it remembers; `None` where no journal was made yet."""
        return self._seen

    def remember(self, seen: Seen) -> None:
        """Remember this of the journal."""
        self._seen = seen
        # It only helps to notice later that something is wrong; a full disk is no reason to fail.
        with contextlib.suppress(OSError):
            self._write(f"{seen.journal_id}\n{seen.batch_id}\n{seen.runs}\n")
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Let go of the lock."""
        os.close(self._descriptor)

    def _acquire(self, path: Path, purpose: str) -> None:
        # An empty file is ours, left by a process that ended before it could sign it, or has nothing to lose.
        is_ours = stat.S_ISREG(os.fstat(self._descriptor).st_mode) and self._lines()[:1] in ([], [_SIGNATURE])
        if not is_ours:
            raise JournalError(
                f"{purpose}: {path.name} beside it is the file of another program, and a journal needs that name for "
                "its lock; give the journal another name"
            )
        try:
            _try_lock(self._descriptor)
        except OSError as error:
            raise self._refusal(error, purpose) from error
        lines = self._lines()
        self._seen = _seen(lines[2:5])
        if self._seen is not None:
            self.remember(self._seen)
            return
        with contextlib.suppress(OSError):
            self._write("")

    def _write(self, more: str) -> None:
        # Cut off only afterwards: a process that is killed in between must not leave an empty file.
        text = f"{_SIGNATURE}\n{os.getpid()}\n{more}".encode()
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, text)
        os.ftruncate(self._descriptor, len(text))

    def _lines(self) -> list[str]:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return os.read(self._descriptor, _MOST_BYTES).decode("utf-8", "replace").splitlines()

    def _refusal(self, error: OSError, purpose: str) -> JournalError:
        if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return JournalError(f"{purpose}: this file system cannot lock files; keep the journal on a local disk")
        holder = next(iter(self._lines()[1:2]), "")
        if holder == str(os.getpid()):
            return JournalError(f"{purpose} is already open in this process; close it first")
        who = f"process {holder}" if holder.isdigit() else "another process"
        return JournalError(f"{purpose} is in use by {who}; wait until it has finished, or stop it")


def _seen(lines: list[str]) -> Seen | None:
    if len(lines) < 3 or not lines[2].isdigit():
        return None
    return Seen(journal_id=lines[0], batch_id=lines[1], runs=int(lines[2]))
