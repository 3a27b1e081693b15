"""A lock of the kernel on a file: held by one journal at a time, and free the moment its process is gone."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

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


class FileLock:
    """An exclusive lock, from its making until `close()`.

    The lock file stays: removing it would let two processes hold locks on two files of the same name.
    """

    def __init__(self, path: Path, purpose: str) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise JournalError(f"{purpose}: cannot make the lock file {path.name}: {error.strerror}") from error
        try:
            _try_lock(self._descriptor)
        except OSError as error:
            refusal = self._refusal(error, purpose)
            os.close(self._descriptor)
            raise refusal from error
        self._sign()

    def close(self) -> None:
        """Let go of the lock."""
        os.close(self._descriptor)

    def _sign(self) -> None:
        # The name of the holder only helps whoever is refused; a disk without room for it is no reason to fail.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, str(os.getpid()).encode())

    def _refusal(self, error: OSError, purpose: str) -> JournalError:
        if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return JournalError(f"{purpose}: this file system cannot lock files; keep the journal on a local disk")
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        holder = os.read(self._descriptor, 20).decode("ascii", "replace")
        if holder == str(os.getpid()):
            return JournalError(f"{purpose} is already open in this process; close it first")
        who = f"process {holder}" if holder.isdigit() else "another process"
        return JournalError(f"{purpose} is in use by {who}; wait until it has finished, or stop it")
