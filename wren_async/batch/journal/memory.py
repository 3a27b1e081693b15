"""A journal that lives in memory, for tests and rehearsals. It outlives nothing."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, TypeVar

from wren_async.batch.journal import schema
from wren_async.batch.journal.contract import JournalError, Past
from wren_async.batch.journal.database import DatabaseJournal, Read
from wren_async.batch.journal.group_commit import REFUSED, Kind, Write, refused
from wren_async.batch.journal.records import Update

T = TypeVar("T")


class MemoryJournal(DatabaseJournal):
    """The contract of a journal without its durability: a database in memory. It need not be closed.

    Once an order was marked as about to be sent, its `past` says so.
    """

    def __init__(self) -> None:
        self._connection = schema.in_memory()
        self._close = weakref.finalize(self, self._connection.close)
        super().__init__(schema.Identity.of(self._connection).journal_id, Past.NEW)

    @property
    def label(self) -> str:
        """It is nowhere."""
        return "a journal in memory"

    async def aclose(self) -> None:
        """Let go of everything. May be called again."""
        self._close()

    def _begin_run(self) -> None:
        self._check_open()
        self._past = Past.RUN_BEFORE

    async def _write(self, write: Write[T]) -> T:
        self._check_open()
        try:
            return write(self._connection)
        except REFUSED as error:
            raise refused(error) from error

    async def _write_row(self, kind: Kind, update: Update) -> None:
        self._check_open()
        if (error := kind(self._connection, [update])[0]) is not None:
            raise error

    async def _read(self, read: Read[T], query: str, arguments: Sequence[Any] = ()) -> T:
        self._check_open()
        return read(self._connection, query, arguments)

    def _check_open(self) -> None:
        if not self._close.alive:
            raise JournalError("the journal is closed")
