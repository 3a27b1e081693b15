"""The batches of a file and of its earlier changes, where they are in a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs

from wren_async.batch.input.origin import resolved
from wren_async.batch.journal.contract import Journal
from wren_async.batch.journal.notes import Note
from wren_async.batch.journal.postgres.opening import names_among, names_by_note
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.errors import InvalidArgument
from wren_async.postgres.database import Database
from wren_async.postgres.dsn import Dsn


@attrs.frozen
class JournalsInDatabase:
    """Batches of a database, found by where their files were when they were planned."""

    _dsn: Dsn
    name: str
    """The name of the batch of the file itself."""

    @asynccontextmanager
    async def main(self) -> AsyncIterator[Journal]:
        """The batch of the file."""
        async with await PostgresJournal.open(self._dsn, self.name, make=False) as journal:
            yield journal

    @asynccontextmanager
    async def earlier(self, name: str) -> AsyncIterator[Journal]:
        """Another one."""
        async with await PostgresJournal.open(self._dsn, name, read_only=True) as journal:
            yield journal

    def same(self, name: str) -> str:
        """Names are names."""
        return name

    async def planned_from(self, target: Path) -> Sequence[str]:
        """The batches that were planned from this very file."""
        async with Database(self._dsn) as database:
            return await database.read(lambda connection: names_by_note(connection, Note.INPUT, str(resolved(target))))

    def without(self, target: Path) -> str:
        """What to say where there is none."""
        return f"no batch of the database was planned from {target}"

    def covers(self, source: Path, target: Path) -> bool:
        """Whether the files have one name: a person has said that it is this one, planned on another machine maybe."""
        return source.name == target.name

    async def check_free(self, target: Path) -> None:
        """No batch may have been planned from it, or have the name that its batch would get."""
        taken = await self.planned_from(target)
        async with Database(self._dsn) as database:
            taken = taken or await database.read(lambda connection: names_among(connection, [target.stem]))
        if taken:
            raise InvalidArgument("target", f"{target}: the database has a batch {taken[0]!r} already; name a new file")

    def noted_as(self, target: Path) -> str:
        """Where it is on this machine."""
        return str(resolved(target))

    def noted_target(self, name: str, noted: str) -> Path:
        """Where it was on the machine that made it."""
        return Path(noted)
