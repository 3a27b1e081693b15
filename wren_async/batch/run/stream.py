"""The events of a run, on their way to whoever iterates over it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Self

from wren_async.batch.events import Event

_MOST: Final = 1000
"""Events that wait to be read."""


class EventStream:
    """Events that are put in on one side and read on the other. It is bounded, so that a slow reader slows the run."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._ended = False
        self._more = asyncio.Event()
        self._room = asyncio.Event()

    async def put(self, event: Event) -> None:
        """Add an event, once there is room for it, or once nobody reads any more."""
        while len(self._events) >= _MOST and not self._ended:
            self._room.clear()
            await self._room.wait()
        self._events.append(event)
        self._more.set()

    def end(self) -> None:
        """Say that no more will come."""
        self._ended = True
        self._more.set()
        self._room.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        self._room.set()
        return self._events.popleft()
