"""The file that a batch was planned from, as its journal remembers it."""

from __future__ import annotations

import os
from pathlib import Path

from wren_async.batch.journal.contract import Journal
from wren_async.batch.journal.notes import Note


async def note_input(journal: Journal, path: str | os.PathLike[str]) -> None:
    """Note where the file is."""
    await journal.note(Note.INPUT, os.fspath(_resolved(path)))


async def noted_input(journal: Journal) -> Path | None:
    """Where the file was when the batch was planned; `None` where it was planned from no file."""
    noted = await journal.noted(Note.INPUT)
    return None if noted is None else Path(noted)


def _resolved(path: str | os.PathLike[str]) -> Path:
    return Path(path).resolve()
