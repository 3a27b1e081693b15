"""The orders that a worker is given, and the caps under which they are reserved."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Self

import attrs

from wren_async.batch.journal.contract import Entry
from wren_async.batch.journal.notes import read_note
from wren_async.outbox.caps import OutboxCaps
from wren_async.outbox.store import OutboxStore

_CAPS: Final = "outbox caps"


class Feed:
    """The orders that a worker is given: reserved for, and none twice. It may be asked again after it had none."""

    def __init__(self, take: Callable[[set[int]], Awaitable[Sequence[Entry]]]) -> None:
        self._take = take
        self._given: set[int] = set()
        self._ahead: deque[Entry] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry:
        if not self._ahead:
            self._ahead.extend(await self._take(self._given))
            self._given.update(entry.row.position for entry in self._ahead)
        if not self._ahead:
            raise StopAsyncIteration
        return self._ahead.popleft()

    @property
    def has_left(self) -> bool:
        """Whether it has given out orders that are pending still."""
        return bool(self._given)

    def settled(self, position: int) -> None:
        """Forget an order: it is not pending any more."""
        self._given.discard(position)


@attrs.define
class KeptCaps:
    """The caps that the outbox keeps for all processes."""

    store: OutboxStore
    now: OutboxCaps = attrs.field(factory=OutboxCaps)

    async def keep(self, caps: OutboxCaps) -> None:
        """Let these caps hold from now on."""
        await self.store.note(_CAPS, caps.to_json())
        self.now = caps

    async def read(self) -> None:
        """Take in what another process may have changed."""
        if noted := await self.store.noted(_CAPS):
            self.now = read_note(self.store, _CAPS, noted, OutboxCaps.from_json)
