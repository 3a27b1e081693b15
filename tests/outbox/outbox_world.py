"""Lives of one outbox against a sandbox, for tests: waits take no time, and time passes on request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
from batch_world import World

from wren_async.outbox import Outbox, State, Submission


@attrs.define
class Outboxes:
    """One outbox that is opened again and again."""

    here: World
    path: Path

    @asynccontextmanager
    async def open(self, **options: Any) -> AsyncIterator[Outbox]:
        """The outbox with clients of its own. It places orders on request, unless `worker=True`."""
        wren, cnaught = self.here.clients()
        given = {"worker": False, "timing": self.here.timing, **options}
        async with wren, cnaught, Outbox(self.path, wren=wren, cnaught=cnaught, **given) as outbox:
            yield outbox


async def state_of(outbox: Outbox, reference: str) -> State:
    """Where an order stands."""
    submission = await outbox.get(reference)
    assert submission is not None
    return submission.state


async def becomes(outbox: Outbox, reference: str, state: State) -> Submission:
    """Wait until an order is in a state."""
    async with asyncio.timeout(60):
        while True:
            submission = await outbox.get(reference)
            assert submission is not None
            if submission.state is state:
                return submission
            await asyncio.sleep(0.001)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for tells no one
            await asyncio.sleep(0.001)
