"""The clocks and the chance that decisions depend on."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import attrs

from wren_async.core.values import Value


async def _sleep(seconds: float) -> None:
    # Not at the top: whoever sleeps has asyncio already, whoever only makes a client perhaps not.
    import asyncio

    await asyncio.sleep(seconds)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Timing(Value):
    """The clocks and the chance that decisions depend on, so that tests can bring their own."""

    monotonic: Callable[[], float] = time.monotonic
    utc: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = _sleep
    draw: Callable[[], float] = random.random
