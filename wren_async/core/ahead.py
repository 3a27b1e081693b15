"""Fetching pages before they are asked for: the next one, or several at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def ahead(items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The same items, each asked for as soon as the one before it is handed out.

    One task at a time runs for this, and none is left when the consumer stops: neither at the end, nor by an error, nor
    when the iterator is closed.
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


async def at_once(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, in their order. The first error ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
