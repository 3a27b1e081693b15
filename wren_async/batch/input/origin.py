"""The file that a batch was planned from, and the journal that is named after it."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

from wren_async.batch.journal.contract import Journal
from wren_async.batch.journal.notes import Note


async def note_input(journal: Journal, path: str | os.PathLike[str]) -> None:
    """Note where the file is, and what its bytes are, so that a person can tell later whether it is still the same."""
    digest = await asyncio.to_thread(_digest, Path(path))
    await journal.note(Note.INPUT, os.fspath(resolved(path)))
    await journal.note(Note.INPUT_DIGEST, digest)


async def noted_input(journal: Journal) -> Path | None:
    """Where the file was when the batch was planned; `None` where it was planned from no file."""
    noted = await journal.noted(Note.INPUT)
    return None if noted is None else Path(noted)


def resolved(path: str | os.PathLike[str]) -> Path:
    """Where a file really is: absolute, and without links. Two names of one file give the same."""
    return Path(path).resolve()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def journal_of(source: Path) -> Path:
    """The journal of a file of orders, where no other was named."""
    return source.with_name(f"{source.name}.journal")
