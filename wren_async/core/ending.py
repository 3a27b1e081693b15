"""The end of what goes on until it is cancelled."""

from __future__ import annotations

import asyncio
from typing import Any, Final

_AGAIN: Final = 1.0
"""Seconds after which a task that goes on is cancelled again."""


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks until they have ended, whatever they raise.

    Once is not enough: a callback may swallow a cancellation, and so may the `asyncio.wait_for` of Python 3.11, which
    other libraries wait with.
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=_AGAIN)
    for task in tasks:
        # Looked at, or asyncio complains of an error that nobody has seen.
        _ = task.cancelled() or task.exception()
