"""A worker for the outboxes of a database: all of them, or those that are named, also ones that are made later."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection
from types import TracebackType
from typing import Any, Final, Self

import psycopg

from wren_async.core.ending import end
from wren_async.errors import JournalError, WrenAsyncError
from wren_async.outbox.names import check_name
from wren_async.outbox.outbox import Outbox
from wren_async.outbox.postgres import outbox_names
from wren_async.postgres.database import Database, DatabaseLost
from wren_async.postgres.dsn import Dsn

_LOOK: Final = 5.0
"""Seconds between two looks for outboxes that are new."""
_logger = logging.getLogger("wren_async.outbox")


class OutboxService:
    """Places the outboxes of a database for as long as its `async with` lasts; or, without a worker, by `drain()`."""

    def __init__(self, dsn: Dsn, *, names: Collection[str] = (), worker: bool = True, **options: Any) -> None:
        """Make it.

        Args:
            dsn: The database.
            names: The outboxes to place; all that there are, and will be, if none is named.
            worker: Place them in the background.
            options: As `Outbox` takes them.
        """
        self._dsn = dsn
        self._names = frozenset(map(check_name, names))
        self._options = {**options, "worker": worker}
        self._open: dict[str, Outbox] = {}
        self._missed: frozenset[str] = frozenset()
        self._stack = contextlib.AsyncExitStack()
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            # A database that is away may come back; one of another version is told at once.
            with contextlib.suppress(DatabaseLost):
                await self._look()
        except BaseException:
            await self._stack.aclose()
            raise
        self._looking = asyncio.create_task(self._look_forever(), name="outboxes")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._looking is not None:
                await end(self._looking)
        finally:
            await self._stack.aclose()

    @property
    def lapse(self) -> str | None:
        """Why it may place nothing for now, because a lease is lost or over. It asks nobody."""
        return next((each.lapse for each in self._open.values() if each.lapse), None)

    async def drain(self) -> None:
        """Place what can be placed now. Raises what keeps an outbox from being placed, after the others were."""
        errors: list[Exception] = []
        for outbox in self._open.values():
            try:
                await outbox.drain()
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]

    async def _look(self) -> None:
        """Open what is there and not open yet."""
        async with Database(self._dsn) as database:
            there = await database.run(outbox_names)
        if missed := self._names.difference(there, self._missed):
            self._missed |= missed
            _logger.warning("the database has no outbox %s yet", ", ".join(map(repr, sorted(missed))))
        errors: list[JournalError] = []
        for name in there:
            if name not in self._open and (not self._names or name in self._names):
                outbox = Outbox(self._dsn, name=name, **self._options)
                try:
                    self._open[name] = await self._stack.enter_async_context(outbox)
                except JournalError as error:
                    errors.append(error)  # of this one; the others are placed
        if errors:
            raise errors[0]

    async def _look_forever(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(_LOOK)
            try:
                await self._look()
                told = ""
            except Exception as error:
                if str(error) != told:
                    unforeseen = None if isinstance(error, WrenAsyncError | psycopg.Error) else error
                    _logger.warning(
                        "outboxes are looked for again: %s", self._dsn.scrub(str(error)), exc_info=unforeseen
                    )
                told = str(error)
