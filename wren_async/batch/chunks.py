"""Long streams, some items at a time: as many as one turn of a thread or of the loop should handle."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final, TypeVar

T = TypeVar("T")

CHUNK: Final = 500
"""Rows, entries or lines that one turn handles: some milliseconds of work."""


async def in_chunks(items: AsyncIterable[T], size: int = CHUNK) -> AsyncIterator[list[T]]:
    """The items in lists of up to `size`, in their order."""
    chunk: list[T] = []
    async for item in items:
        chunk.append(item)
        if len(chunk) >= size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
