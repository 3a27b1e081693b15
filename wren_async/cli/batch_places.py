"""Where the journal of a batch is: what the commands do is the same wherever that is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import attrs

from wren_async.cli.files import check_journal_file

if TYPE_CHECKING:
    from wren_async.batch.journal.contract import Journal


class BatchPlace(Protocol):
    """Where the journal of a batch is, and how commands name it."""

    @property
    def name(self) -> str:
        """What a command calls the batch by."""
        ...

    @property
    def named(self) -> tuple[str, ...]:
        """The option that names it beside the file of orders, where it was given."""
        ...

    def opened(self, *, make: bool = False, read_only: bool = False) -> AbstractAsyncContextManager[Journal]:
        """Its journal; made only where it is asked for."""
        ...

    def command(self, *words: str) -> str:
        """A command of `wren-async batch` that goes to the same place, to be copied into a shell."""
        ...


@attrs.frozen
class FileOfBatch:
    """A journal in a file."""

    path: Path
    named: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its path."""
        return str(self.path)

    @asynccontextmanager
    async def opened(self, *, make: bool = False, read_only: bool = False) -> AsyncIterator[Journal]:
        """The journal. Raises `Stop` where there is none and none is to be made.

        One that was made now, for an input with faults, is gone again once it is left.
        """
        from wren_async.batch.input.faults import InvalidInput
        from wren_async.batch.journal.sqlite import SqliteJournal

        if not make:
            check_journal_file(self.path)
        async with await SqliteJournal.open(self.path, read_only=read_only) as journal:
            try:
                yield journal
            except InvalidInput:
                journal.take_away()
                raise

    def command(self, *words: str) -> str:
        """A command, to be copied into a shell."""
        from wren_async.batch.report.wording import batch_command

        return batch_command(*words)
