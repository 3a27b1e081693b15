"""What a journal that one process holds alone answers to the questions about others: there are none."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from wren_async.batch.intents import api_of
from wren_async.batch.journal.contract import Bounds, Entry, Replacement, Result, Signal, State
from wren_async.batch.journal.states import crashed

_SENT: Final = (State.SENDING, State.UNDECIDED, State.PLACED, State.REFUSED)

if TYPE_CHECKING:

    class _Held:
        """The rest of the journal."""

        def entries(self, *states: State) -> AsyncIterator[Entry]: ...
        async def record(self, position: int, result: Result) -> None: ...
        async def note(self, name: str, value: str) -> None: ...
        async def noted(self, name: str) -> str | None: ...

else:
    _Held = object


class HeldByOne(_Held):
    """The part of a journal's contract that is about other processes, where no other can hold it."""

    @property
    def lease(self) -> None:
        """Nobody could take over."""

    def may_send(self, seconds: float) -> bool:
        """It always may."""
        return True

    def listen(self, receiver: Callable[[Signal], None]) -> None:
        """Nobody else has anything to tell."""

    async def bounds(self) -> Bounds | None:
        """Whoever runs the batch keeps its caps."""
        return None

    async def set_bounds(self, bounds: Bounds) -> None:
        """Whoever runs the batch keeps its caps."""

    async def join(self) -> None:
        """It was opened: that is enough."""

    async def checked(self) -> None:
        """Nobody waits for it."""

    async def retire(self) -> None:
        """Nobody waits for it."""

    def claimed(self) -> AsyncIterator[Entry]:
        """All pending orders, by position."""
        return self.entries(State.PENDING)

    async def doubt(self, at: datetime) -> None:
        """Put in doubt what was being sent when a process before this one ended."""
        async for entry in self.entries(State.SENDING):
            await self.record(entry.row.position, crashed(entry, at))

    async def begin_reconciling(self) -> bool:
        """It is the only one."""
        return True

    async def end_reconciling(self) -> None:
        """Nobody waits for it."""

    def pause(self, seconds: float) -> None:
        """Nobody else sends."""

    def halt(self, ending: str, message: str) -> None:
        """Nobody else sends."""

    async def amend(self, name: str, change: Callable[[str | None], str]) -> None:
        """Change the fact under a name by a function of what it was."""
        await self.note(name, change(await self.noted(name)))

    async def replace(self, name: str, was: str | None, becomes: str, *, api: str, is_same: bool) -> Replacement:
        """Change the note of where the orders of an API go, unless some were sent there."""
        if await self.noted(name) != was:
            return Replacement.OUTDATED
        if not (was is None or is_same) and await self._was_sent(api):
            return Replacement.SENT
        await self.note(name, becomes)
        return Replacement.MADE

    async def _was_sent(self, api: str) -> bool:
        """Whether an order of an API may be in any account."""
        async with aclosing(cast("AsyncGenerator[Entry, None]", self.entries(*_SENT))) as entries:
            async for entry in entries:
                if api_of(entry.row.intent) == api:
                    return True
        return False
