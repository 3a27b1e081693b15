"""Writes of many tasks that share the transactions of one runner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from wren_async.errors import JournalError
from wren_async.postgres.database import Connection
from wren_async.postgres.lease import Runner

Write = Callable[[Connection], Awaitable[Any]]
"""Statements of one write, which answer what JSON can hold. One that may not be raises `JournalError`."""


@attrs.define(eq=False)
class GroupedWrites:
    """Carries out writes in the order in which they were asked for, whether or not the asking task still waits.

    What is asked for while a transaction is under way shares the next one.
    """

    runner: Runner
    _waiting: list[tuple[Write, asyncio.Future[Any]]] = attrs.field(factory=list[tuple[Write, "asyncio.Future[Any]"]])
    _task: asyncio.Task[None] | None = None

    async def write(self, write: Write) -> Any:
        """Carry out a write. Raises what it was refused with, and `LeaseLost` where nothing may be written any more."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._carry_out())
        return await asyncio.shield(done)

    async def finish(self) -> None:
        """Wait until nothing is waiting."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def _carry_out(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                answers = await self.runner.transaction(lambda connection, group=group: _all(connection, group))
            except Exception as error:
                for _, done in group:
                    if not done.done():
                        done.set_exception(error)
                        done.exception()  # retrieved: whoever asked may be gone
                continue
            for (_, done), (answer, refusal) in zip(group, answers, strict=True):
                if done.done():
                    continue
                if refusal is None:
                    done.set_result(answer)
                else:
                    done.set_exception(JournalError(refusal))
                    done.exception()


async def _all(connection: Connection, group: list[tuple[Write, asyncio.Future[Any]]]) -> list[tuple[Any, str | None]]:
    answers: list[tuple[Any, str | None]] = []
    for write, _ in group:
        try:
            answers.append((await write(connection), None))
        except JournalError as error:
            answers.append((None, str(error)))
    return answers
