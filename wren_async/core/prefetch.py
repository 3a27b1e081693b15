"""Fetching pages before they are asked for: the next one, or several at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Generic, Self, TypeVar

K = TypeVar("K")
T = TypeVar("T")


async def fetch_next(items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The same items, each asked for as soon as the one before it has come.

    One task at a time runs for this. None is left when the consumer stops: at the end, by an error, or by closing the
    iterator.
    """
    coming = asyncio.ensure_future(anext(items, None))
    try:
        while (item := await coming) is not None:
            coming = asyncio.ensure_future(anext(items, None))
            yield item
    finally:
        coming.cancel()
        # Waited for and looked at, so that neither a task nor its error is left behind.
        await asyncio.gather(coming, return_exceptions=True)
        await items.aclose()


class Prefetch(Generic[K, T]):
    """Work in tasks of its own, whose results come in the order in which it was begun.

    Use it with `async with`: whatever is still under way at the end is cancelled.
    """

    def __init__(self) -> None:
        self._under_way: deque[tuple[K, asyncio.Task[T]]] = deque()

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def last(self) -> K | None:
        """The key of what was begun last."""
        return self._under_way[-1][0] if self._under_way else None

    def begin(self, key: K, work: Coroutine[Any, Any, T]) -> None:
        """Begin more work."""
        self._under_way.append((key, asyncio.get_running_loop().create_task(work)))

    async def first(self) -> tuple[K, T]:
        """The result, or the error, of what was begun first."""
        key, task = self._under_way[0]
        result = await asyncio.shield(task)
        self._under_way.popleft()
        return key, result

    async def drop(self) -> None:
        """Cancel all that is under way, and wait for its end."""
        tasks = [task for _, task in self._under_way]
        self._under_way.clear()
        for task in tasks:
            task.cancel()
        # Waited for and looked at, so that neither a task nor its error is left behind.
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.drop()
