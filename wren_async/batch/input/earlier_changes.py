"""The batches that were made of earlier changes of a file: what they ordered counts as ordered, too."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import attrs

from wren_async.batch.input.origin import journal_of, noted_input, resolved
from wren_async.batch.journal.contract import Journal, JournalError
from wren_async.batch.journal.notes import Note, read_note
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.errors import InvalidArgument


class JournalsOfFile(Protocol):
    """Where the journals are of a file of orders, and of the files that its changes were written to.

    A journal is called by a text: its path, or the name of its batch in a database.
    """

    @property
    def name(self) -> str:
        """What the journal of the file itself is called."""
        ...

    def main(self) -> AbstractAsyncContextManager[Journal]:
        """The journal of the file itself. Raises `JournalError` where there is none."""
        ...

    def earlier(self, name: str) -> AbstractAsyncContextManager[Journal]:
        """Another one, to be read."""
        ...

    def same(self, name: str) -> str:
        """Another name of a journal as the one that it is known by."""
        ...

    async def planned_from(self, target: Path) -> Sequence[str]:
        """The journals of a file of changes."""
        ...

    def without(self, target: Path) -> str:
        """What to say where a file of changes has none."""
        ...

    def covers(self, source: Path, target: Path) -> bool:
        """Whether a journal that a person has named, and that was planned from `source`, is that of a file."""
        ...

    async def check_free(self, target: Path) -> None:
        """See that a new file of changes would get a journal of its own. Raises `InvalidArgument`."""
        ...

    def noted_as(self, target: Path) -> str:
        """A new file of changes, as the journal of the file keeps it."""
        ...

    def noted_target(self, name: str, noted: str) -> Path:
        """Where a file of changes is that a journal has kept so."""
        ...


@attrs.define
class EarlierChanges:
    """Opens the journals of the files that earlier changes were written to."""

    _opened: AsyncExitStack
    _journals: JournalsOfFile
    _never_run: Collection[Path]
    found: list[Journal] = attrs.field(factory=list[Journal])
    _names: list[str] = attrs.field(factory=list[str])
    """What those that were found are called, in the same order."""
    _inputs: list[Path] = attrs.field(factory=list[Path])
    """The files of those that a person has named, and that stand for no noted file yet."""
    _covered: set[Path] = attrs.field(factory=set[Path])

    async def open(self, main: Journal, also: Collection[str]) -> None:
        """Open all that are noted in the journal of the file, and those that were named."""
        for each in also:
            await self._open(each, is_named=True)
        await self._follow(self._journals.name, main)
        for name, journal in zip(self._names, self.found, strict=True):  # both grow meanwhile
            await self._follow(name, journal)

    async def _open(self, name: str, *, is_named: bool = False) -> None:
        known = self._journals.same(name)
        if known in {self._journals.same(each) for each in (self._journals.name, *self._names)}:
            return
        journal = await self._opened.enter_async_context(self._journals.earlier(name))
        if not await journal.sealed():
            raise JournalError(f"{name}: its planning was broken off, and it lacks orders; plan its file again")
        self._names.append(name)
        self.found.append(journal)
        if is_named and (source := await noted_input(journal)) is not None:
            self._inputs.append(source)

    async def _follow(self, name: str, journal: Journal) -> None:
        for noted in read_note(journal, Note.CHANGES, await journal.noted(Note.CHANGES) or "[]", _noted_names):
            target = self._journals.noted_target(name, noted)
            if target in self._never_run or self._is_covered(target):
                continue
            followers = await self._journals.planned_from(target)
            if not followers:
                raise JournalError(
                    f"{target.name} was made of earlier changes of this file, and {self._journals.without(target)}, so "
                    "nobody knows what was ordered of it. Plan it, or name its journal (--also), or, if it never was "
                    f"and never will be run, say so (--never-run {target})"
                )
            for each in followers:
                await self._open(each)

    def _is_covered(self, target: Path) -> bool:
        """Whether a journal that a person has named is that of a file of changes. It is that of one alone."""
        source = next((each for each in self._inputs if self._journals.covers(each, target)), None)
        if source is not None and target not in self._covered:
            self._inputs.remove(source)
            self._covered.add(target)
        return target in self._covered


async def note_target(journal: Journal, target: str) -> None:
    """Note a new file of changes with the batch of the file that it was made from."""
    await journal.amend(Note.CHANGES, lambda noted: json.dumps([*_noted_names(noted or "[]"), target]))


def _noted_names(text: str) -> list[str]:
    return [str(each) for each in json.loads(text)]


@attrs.frozen
class JournalFiles:
    """Journals in files, each beside the file of its orders unless another is named."""

    _source: Path
    _named: Path | None = None

    @property
    def _path(self) -> Path:
        return journal_of(self._source) if self._named is None else self._named

    @property
    def name(self) -> str:
        """The path of the journal of the file."""
        return str(self._path)

    @asynccontextmanager
    async def main(self) -> AsyncIterator[Journal]:
        """The journal of the file."""
        if not self._path.exists():
            raise JournalError(
                f"{self._path}: there is no such journal; give the one of the batch that was made from "
                f"{self._source.name}"
            )
        async with await SqliteJournal.open(self._path) as journal:
            yield journal

    @asynccontextmanager
    async def earlier(self, name: str) -> AsyncIterator[Journal]:
        """Another one."""
        async with await SqliteJournal.open(name, read_only=True) as journal:
            yield journal

    def same(self, name: str) -> str:
        """Its path, without links."""
        return str(resolved(name))

    async def planned_from(self, target: Path) -> Sequence[str]:
        """The journal beside a file, if there is one."""
        return [str(path)] if (path := journal_of(target)).exists() else []

    def without(self, target: Path) -> str:
        """What to say where there is none."""
        return f"{journal_of(target)} is not there"

    def covers(self, source: Path, target: Path) -> bool:
        """Only the very file."""
        return source == target

    async def check_free(self, target: Path) -> None:
        """No journal may be there."""
        if journal_of(target).exists():
            raise InvalidArgument("target", f"{journal_of(target)} is there already; name a new file")

    def noted_as(self, target: Path) -> str:
        """Where it is, seen from the journal: both may be moved together."""
        return os.path.relpath(resolved(target), resolved(self._path).parent)

    def noted_target(self, name: str, noted: str) -> Path:
        """Seen from the journal that has it."""
        return resolved(resolved(name).parent / noted)
