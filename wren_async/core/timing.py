"""The clocks, the waiting and the random numbers that decisions depend on."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import attrs

from wren_async.core.values import Value


async def _sleep(seconds: float) -> None:
    # Not at the top of the module: a program that only makes a client may not have loaded asyncio yet.
    import asyncio

    await asyncio.sleep(seconds)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Timing(Value):
    """The clocks, the waiting and the random numbers that decisions depend on. Tests can pass their own."""

    monotonic: Callable[[], float] = time.monotonic
    utc: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = _sleep
    draw: Callable[[], float] = random.random
