"""Time without waiting: turns of the event loop, and a clock of the loop that can jump ahead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs

T = TypeVar("T")


@attrs.define
class AheadClock:
    """A clock that goes as another one does, some seconds ahead of it."""

    of: Callable[[], float]
    ahead: float = 0.0

    def __call__(self) -> float:
        return self.of() + self.ahead


SETTLED = 50
"""Turns of the loop in which everything that is on its way within this process arrives."""


async def turns(count: int = SETTLED) -> None:
    """Let the others run so many times; with the default until they all wait for something."""
    for _ in range(count):
        await asyncio.sleep(0)


def loop_time() -> float:
    """What the running loop's clock says."""
    return asyncio.get_running_loop().time()


def pass_time(seconds: float) -> None:
    """Let the running loop's clock jump ahead, so that each of its timers up to then goes off in its next turn."""
    loop = asyncio.get_running_loop()
    clock = vars(loop).setdefault("time", AheadClock(loop.time))
    clock.ahead += seconds


async def outlast(seconds: float, call: Awaitable[T]) -> T:
    """What a call gives or raises when so much of the loop's time passes while it waits."""
    task = asyncio.ensure_future(call)
    await turns()
    pass_time(seconds)
    return await task


async def until(condition: Callable[[], object]) -> None:
    """Return once a condition holds, or fail after thirty real seconds, whatever the loop's clock does."""
    ends = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < ends, "it did not come about"
        await asyncio.sleep(0.001)
