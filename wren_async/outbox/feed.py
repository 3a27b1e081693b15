"""The orders that a worker is given, and the caps under which they are reserved."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Self

import attrs

from wren_async.batch.intents import restore
from wren_async.batch.journal.contract import Entry
from wren_async.batch.journal.notes import read_note
from wren_async.core.timing import Timing
from wren_async.outbox.caps import OutboxCaps
from wren_async.outbox.store import OutboxStore

_CAPS: Final = "outbox caps"
_SHORTEST: Final = 60.0
_LONGEST: Final = 600.0
"""Seconds for which an order is set aside."""


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
class SetAside:
    """Orders that the API has refused to this account, though not as orders: for what they name. Each is tried again
    after a while, and holds up no other meanwhile."""

    timing: Timing
    _until: dict[int, tuple[float, float]] = attrs.field(factory=dict[int, tuple[float, float]])
    """When each is tried again, and how long it has waited for that."""

    def add(self, entry: Entry) -> bool:
        """Set an order aside, if it names what may be the reason: a portfolio, or a subaccount. Whether it was."""
        intent, position = restore(entry.row.intent), entry.row.position
        if not (getattr(intent, "portfolio_id", None) or getattr(intent, "subaccount_id", None)):
            return False
        wait = min(_LONGEST, 2 * self._until[position][1]) if position in self._until else _SHORTEST
        self._until[position] = self.timing.monotonic() + wait, wait
        return True

    def __bool__(self) -> bool:
        return bool(self._until)

    def forget(self, position: int | None = None) -> None:
        """An order is settled; or all of them are to be tried again."""
        for each in [*self._until] if position is None else [position]:
            self._until.pop(each, None)

    @property
    def now(self) -> set[int]:
        """The positions of those that are not to be tried now."""
        # One that was due for long, and did not come, was settled by another process.
        gone = self.timing.monotonic() - _LONGEST
        self._until = {position: each for position, each in self._until.items() if each[0] > gone}
        return {position for position, (until, _) in self._until.items() if until > self.timing.monotonic()}

    @property
    def seconds(self) -> float | None:
        """Seconds until one of them is tried again; `None` where there is none."""
        times = [until - self.timing.monotonic() for until, _ in self._until.values()]
        return min((each for each in times if each > 0), default=None)


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
