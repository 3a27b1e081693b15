"""Files that are written whole or not at all, also by several writers at once."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_LONGEST_NAME: Final = 100
"""Characters of the target's name in that of the temporary file, which is longer and must not exceed any limit."""
_EXCLUSIVE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class Replacement:
    """New content for a path: a temporary file beside it, which `keep()` moves there. Without `keep()` it is deleted.

    A link is replaced itself, and not the file that it points to. Blocks. Raises `OSError`.
    """

    def __init__(self, path: Path, *, private: bool = False) -> None:
        """Begin a file.

        Args:
            path: What it will be called.
            private: Whether only its owner may read it.
        """
        if path.exists() and not path.is_file():
            raise FileExistsError(errno.EEXIST, "stands there and is no file", str(path))
        self._path = path
        # A name that nobody else uses: of two that write to one path at once, the later one wins, and neither fails.
        self._unfinished = path.with_name(f".{path.name[:_LONGEST_NAME]}.{secrets.token_hex(8)}.part")
        self._file = os.fdopen(os.open(self._unfinished, _EXCLUSIVE, 0o600 if private else 0o666), "wb")

    def write(self, content: bytes) -> None:
        """Add to it."""
        self._file.write(content)

    def keep(self) -> None:
        """Move it to its path, over what is there."""
        self._file.close()
        self._unfinished.replace(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        self._unfinished.unlink(missing_ok=True)


def replace(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file whole, or leave what is there. Blocks. Raises `OSError`."""
    with Replacement(path, private=private) as file:
        file.write(content)
        file.keep()
