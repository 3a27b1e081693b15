"""A lock of the kernel on a file: held by one journal at a time, and free the moment its process is gone."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path
from typing import Final

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


_SIGNED: Final = b"lock of a wren-async journal"
"""Begins a lock file of ours. Other programs have lock files too, such as `poetry.lock`, and theirs have content."""
_READ: Final = len(_SIGNED) + 40
_NOT_THROUGH_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class FileLock:
    """An exclusive lock, from its making until `close()`.

    The lock file stays: removing it would let two processes hold locks on two files of the same name.
    """

    def __init__(self, path: Path, purpose: str) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NOT_THROUGH_LINKS, 0o600)
        except OSError as error:
            why = "it is a link" if path.is_symlink() else error.strerror
            raise JournalError(f"{purpose}: cannot make the lock file {path.name}: {why}") from error
        try:
            self._check_ours(path, purpose)
            _try_lock(self._descriptor)
        except OSError as error:
            refusal = self._refusal(error, purpose)
            os.close(self._descriptor)
            raise refusal from error
        except JournalError:
            os.close(self._descriptor)
            raise
        self._sign()

    def close(self) -> None:
        """Let go of the lock."""
        os.close(self._descriptor)

    def _check_ours(self, path: Path, purpose: str) -> None:
        found = os.fstat(self._descriptor)
        # An empty one is ours, left by a process that ended before it could sign, or has nothing to lose.
        if not stat.S_ISREG(found.st_mode) or (found.st_size and not self._content().startswith(_SIGNED)):
            raise JournalError(
                f"{purpose}: {path.name} is there, and no lock of a journal; give the journal another name"
            )

    def _content(self) -> bytes:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        return os.read(self._descriptor, _READ)

    def _sign(self) -> None:
        # The name of the holder only helps whoever is refused; a disk without room for it is no reason to fail.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, _SIGNED + b", held by process %d\n" % os.getpid())

    def _refusal(self, error: OSError, purpose: str) -> JournalError:
        if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return JournalError(f"{purpose}: this file system cannot lock files; keep the journal on a local disk")
        holder = self._content().decode("ascii", "replace").rpartition(" ")[2].strip()
        if holder == str(os.getpid()):
            return JournalError(f"{purpose} is already open in this process; close it first")
        who = f"process {holder}" if holder.isdigit() else "another process"
        return JournalError(f"{purpose} is in use by {who}; wait until it has finished, or stop it")
