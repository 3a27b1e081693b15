"""A call's place at the limiter is given back once: whenever it is cancelled, timed out, or the client is closed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from tests.raw_server import GOOD
from wren_async import CallError, ClientClosed, CNaughtClient, RetryPolicy, WrenClient
from wren_async.http.exchange import Answer, ExchangeFailed, Progress, WireRequest

from .clients import KEY, LIVE

LIMIT = 2


@attrs.define(eq=False)
class Backend:
    """Takes a few turns of the loop to connect, to send and to answer, and counts how many exchanges it has at once."""

    outcomes: list[str]
    """What comes of the next exchanges; of those after them, a success."""
    inside: int = 0
    most: int = 0

    async def exchange(self, request: WireRequest, progress: Progress) -> Answer:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            return await self._exchange(progress)
        finally:
            self.inside -= 1

    async def _exchange(self, progress: Progress) -> Answer:
        outcome = self.outcomes.pop(0) if self.outcomes else "success"
        progress.connecting = True
        await turn(2)
        progress.connecting = False
        if outcome == "unsent":
            progress.proven = True
            raise ExchangeFailed("refused")
        progress.sending = True
        await turn(2)
        if outcome == "lost":
            raise ExchangeFailed("reset")
        return Answer(status=500 if outcome == "500" else 200, body=json.dumps(GOOD).encode())

    async def aclose(self) -> None:
        pass


async def turn(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def read(client: Any) -> object:
    return await client.credits.balance()


async def once(client: Any) -> object:
    return await client.offset_orders.create(tons=1, payment_method="credits")


async def keyed(client: Any) -> object:
    return await client.orders.create(amount_kg=10)


Place = Callable[[Any], Awaitable[object]]
End = Callable[[Any, asyncio.Task[object]], Awaitable[object]]


async def cancel(_: Any, task: asyncio.Task[object]) -> None:
    task.cancel()


async def cancel_twice(_: Any, task: asyncio.Task[object]) -> None:
    task.cancel()
    await turn(1)
    task.cancel()


async def close(client: Any, _: asyncio.Task[object]) -> None:
    await client.aclose(patience=5)


async def close_impatiently(client: Any, task: asyncio.Task[object]) -> None:
    task.cancel()
    await client.aclose(patience=0)


@asynccontextmanager
async def opened(place: Place, backend: Backend) -> AsyncIterator[Any]:
    kind: Any = CNaughtClient if place is keyed else WrenClient
    policy = RetryPolicy(retries=1, first_wait=0)
    token = KEY if place is keyed else LIVE
    async with kind(token, http_client=backend, max_in_flight=LIMIT, retries=policy) as client:
        yield client


async def cut(place: Place, end: End, script: list[str], *, after: int, queued: bool) -> bool:
    """End a call after so many turns of the loop. Returns whether it had ended before."""
    backend = Backend(list(script))
    async with opened(place, backend) as client:
        others = [asyncio.ensure_future(place(client)) for _ in range(LIMIT + 2 if queued else 0)]
        await turn(1)
        task: asyncio.Task[object] = asyncio.ensure_future(place(client))
        await turn(after)
        ended = task.done()
        await end(client, task)
        await asyncio.wait([task, *others])
        await asyncio.gather(*(each.reply() for each in client.outcomes.values()), return_exceptions=True)
        await turn(3)
        assert (client.in_flight, client.waiting) == (0, 0)
        if end in (cancel, cancel_twice):
            backend.outcomes.clear()
            await asyncio.gather(*(place(client) for _ in range(3 * LIMIT)))
            assert backend.most == LIMIT, "as many places as before"
    assert backend.most <= LIMIT
    errors = [each.exception() for each in (task, *others) if not each.cancelled()]
    assert all(isinstance(error, CallError | ClientClosed | None) for error in errors)
    return ended


@pytest.mark.parametrize("queued", [False, True], ids=["a free place", "in the queue"])
@pytest.mark.parametrize("script", [[], ["unsent"], ["500"], ["lost"]], ids=lambda script: "".join(script) or "success")
@pytest.mark.parametrize("end", [cancel, cancel_twice, close, close_impatiently], ids=lambda end: end.__name__)
@pytest.mark.parametrize("place", [read, once, keyed], ids=lambda place: place.__name__)
async def test_at_whatever_turn_a_call_is_ended_its_place_is_given_back_once(
    place: Place, end: End, script: list[str], queued: bool
) -> None:
    after = 0
    while not await cut(place, end, script, after=after, queued=queued):
        after += 1
    assert after > 3, "it was ended before its end"


@pytest.mark.parametrize("place", [read, once, keyed], ids=lambda place: place.__name__)
async def test_a_call_that_times_out_gives_its_place_back_once(place: Place) -> None:
    class Silent(Backend):
        async def _exchange(self, progress: Progress) -> Answer:
            progress.sending = True
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")

    backend = Silent([])
    async with opened(place, backend) as client:
        hasty = client.with_options(timeout=0.001)
        await asyncio.gather(*(place(hasty) for _ in range(3 * LIMIT)), return_exceptions=True)
        assert (client.in_flight, client.waiting) == (0, 0)
    assert backend.most == LIMIT
