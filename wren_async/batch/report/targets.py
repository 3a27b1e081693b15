"""Where a report may be written: never over a journal, what belongs to one, or the orders of a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from wren_async.batch.input.origin import journal_of
from wren_async.errors import InvalidArgument

_DATABASE: Final = b"SQLite format 3\0"
_BESIDE: Final = ("-wal", "-shm", "-journal", ".lock")


def check_target(target: Path, source: Path | None = None) -> None:
    """Refuse a path that holds something else than a report. Raises `InvalidArgument`. Blocks.

    By what the file holds, and not by its name: a journal has others through links, and where case does not matter.

    Args:
        target: Where the report is to be written.
        source: The file of orders that the batch was planned from, if that is known.
    """
    if _is_database(target):
        raise InvalidArgument("path", f"{target} is a journal, or another database; name another file for the report")
    for ending in _BESIDE:
        if target.name.lower().endswith(ending) and _is_database(target.with_name(target.name[: -len(ending)])):
            raise InvalidArgument("path", f"{target} belongs to the journal beside it; name another file")
    if _is_same(target, source) or journal_of(target).exists():
        raise InvalidArgument("path", f"{target} holds the orders of a batch; name another file for the report")


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_DATABASE)) == _DATABASE
    except OSError:
        return False


def _is_same(target: Path, source: Path | None) -> bool:
    try:
        return source is not None and target.samefile(source)
    except OSError:
        return False
