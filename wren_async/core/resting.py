"""A wait that an event may end before its time."""

from __future__ import annotations

import asyncio
from typing import Any

from wren_async.core.timing import Timing


async def rest(timing: Timing, seconds: float | None, *until: asyncio.Event) -> None:
    """Wait for some seconds, or without an end if none are given, but not once one of the events is set."""
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(event.wait()) for event in until]
    if seconds is not None:
        waits.append(asyncio.ensure_future(timing.sleep(seconds)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
