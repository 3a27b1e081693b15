"""The pool loses no connection, leaves none open, and gives an order none that may be stale."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import httpx
import pytest

from tests.loop_time import pass_time, turns
from tests.raw_server import (
    GOOD,
    RawServer,
    answer,
    deaf,
    drip,
    half,
    malformed,
    raw,
    read_and_close,
    response,
    silent,
    vanish,
)
from wren_async import AttemptTimedOut, CallError, OutcomeUnknown, WrenClient
from wren_async.http.pool import LifoPool

from .clients import LIVE, wren

POOL = 10
IMPATIENT = 20
LONGEST = 60
"""Turns of the loop after which a call has had its answer, if it got a connection at once."""


async def storm(call: Callable[[], Awaitable[object]], calls: int = 100, seed: int = 7) -> int:
    """Impatient tasks that cancel their calls after any number of turns; returns how many calls were given up."""
    chance = random.Random(seed)

    async def impatient() -> int:
        given_up = 0
        for _ in range(calls):
            task = asyncio.ensure_future(call())
            await turns(chance.randrange(LONGEST))
            task.cancel()
            await asyncio.wait([task])
            given_up += task.cancelled()
            if not task.cancelled() and not isinstance(task.exception(), CallError | httpx.HTTPError | None):
                await task
        return given_up

    return sum(await asyncio.gather(*(impatient() for _ in range(IMPATIENT))))


async def plain(call: Callable[[], Awaitable[object]]) -> int:
    """How many of ten plain calls end when nobody is in a hurry."""
    calls = [asyncio.ensure_future(call()) for _ in range(10)]
    await turns(2000)
    for each in calls:
        each.cancel()
    await asyncio.wait(calls)
    return sum(not each.cancelled() and not each.exception() for each in calls)


def busy() -> RawServer:
    return RawServer(otherwise=answer(after=lambda: turns(4)))


async def test_after_a_storm_of_cancellations_ten_plain_calls_succeed_and_no_socket_stays_open() -> None:
    async with busy() as server:
        async with wren(server, max_in_flight=POOL) as client:
            assert await storm(client.credits.balance) > 500
            assert await plain(client.credits.balance) == 10
        await server.until(lambda s: s.open == 0)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
async def test_the_same_storm_starves_a_bare_httpx_client() -> None:
    async def succeeded() -> int:
        limits = httpx.Limits(max_connections=POOL, max_keepalive_connections=POOL)
        async with busy() as server, httpx.AsyncClient(base_url=server.url, limits=limits) as client:
            await storm(lambda: client.get("/api/credits/balance"))
            return await plain(lambda: client.get("/api/credits/balance"))

    assert await succeeded() < 10
    # What it has lost is for the garbage collector, which would else blame another test.
    gc.collect()


async def test_writes_that_are_given_up_or_time_out_in_a_storm_leave_the_client_whole_and_are_all_known() -> None:
    told, chance = 0, random.Random(7)

    async def late() -> None:
        await turns(4)
        pass_time(chance.random())

    async def top_up(client: WrenClient) -> None:
        nonlocal told
        with contextlib.suppress(OutcomeUnknown):
            await client.credits.top_up(amount_in_usd_cents=100, timeout=chance.uniform(0.1, 5))
        told += 1

    async with RawServer(otherwise=answer(after=late)) as server:
        async with wren(server, max_in_flight=POOL, retries=0) as client:
            await storm(lambda: top_up(client), calls=20)
            assert await plain(client.credits.balance) == 10
        assert all(outcome.decided for outcome in client.outcomes.values())
        await server.until(lambda s: s.open == 0)
        sent = sum(request.method == "POST" for request in server.requests)
        assert told > 50
        # An answered order, an unknown outcome for its caller, or an outcome kept: never one that nobody knows of.
        assert sent <= told + len(client.outcomes)


async def test_cancelled_calls_that_were_waiting_for_a_place_give_it_to_others() -> None:
    hold = asyncio.Event()
    script = [answer(after=hold.wait)]
    async with RawServer(*script, otherwise=answer()) as server, wren(server, max_in_flight=1) as client:
        first = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: s.requests)
        waiting = [asyncio.create_task(client.credits.balance()) for _ in range(5)]
        await turns()
        hold.set()
        # The one whose turn it is is cancelled in the very moment in which it gets its place.
        await first
        waiting[0].cancel()
        waiting[2].cancel()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        await client.credits.balance()
        assert client.in_flight == 0
        assert sum(not isinstance(result, BaseException) for result in results) >= 3


async def test_no_more_exchanges_are_on_the_wire_than_the_limiter_lets_through() -> None:
    at_once = most = 0

    async def work() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await turns()
        at_once -= 1

    async with RawServer(otherwise=answer(after=work)) as server, wren(server, max_in_flight=4) as client:
        copy = client.with_options(timeout=5)
        await asyncio.gather(*(c.credits.balance() for c in (client, copy) for _ in range(20)))
        assert most == 4
        assert server.connections == 4


# --- which connection -----------------------------------------------------------------------------------------------


@attrs.define
class Idle:
    """A clock for the pool."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@attrs.frozen
class Rig:
    """A client over a pool whose clock the test moves."""

    client: WrenClient
    http_client: httpx.AsyncClient
    clock: Idle

    async def aclose(self) -> None:
        await self.client.aclose()
        await self.http_client.aclose()


def rig(server: RawServer) -> Rig:
    clock = Idle()
    http_client = httpx.AsyncClient(transport=LifoPool(clock=clock))
    return Rig(WrenClient(LIVE, base_url=server.url, http_client=http_client, retries=0), http_client, clock)


async def order(client: WrenClient) -> Any:
    return await client.offset_orders.create(tons=1, payment_method="credits")


async def at_once(client: WrenClient, count: int) -> None:
    await asyncio.gather(*(client.credits.balance() for _ in range(count)))


async def test_the_connection_used_last_is_the_one_used_next() -> None:
    together = asyncio.Barrier(3)
    script = [answer(after=together.wait)] * 3
    async with RawServer(*script, otherwise=answer()) as server, wren(server) as client:
        await at_once(client, 3)
        assert server.connections == 3
        for _ in range(5):
            await client.credits.balance()
        used = [request.connection for request in server.requests[3:]]
        assert len(set(used)) == 1


async def test_connections_that_lie_idle_are_closed_when_another_is_given_back() -> None:
    together = asyncio.Barrier(3)
    script = [answer(after=together.wait)] * 3
    async with RawServer(*script, otherwise=answer()) as server:
        made = rig(server)
        await at_once(made.client, 3)
        assert server.open == 3
        made.clock.now += 29
        await made.client.credits.balance()
        assert server.open == 3
        made.clock.now += 2
        await made.client.credits.balance()
        await server.until(lambda s: s.open == 1)
        await made.aclose()
        await server.until(lambda s: s.open == 0)


async def test_a_write_after_a_pause_takes_a_fresh_connection_and_a_read_does_not() -> None:
    async with RawServer(otherwise=answer()) as server:
        made = rig(server)
        await made.client.credits.balance()
        made.clock.now += 1
        await order(made.client)
        made.clock.now += 5
        await made.client.credits.balance()
        made.clock.now += 5
        await order(made.client)
        assert [request.connection for request in server.requests] == [1, 1, 1, 2]
        await made.aclose()


async def test_a_stale_connection_is_no_false_unknown_for_an_order() -> None:
    # The server resets the kept connection at the first byte of whatever comes on it next.
    async with RawServer(answer(), vanish(), answer()) as server:
        made = rig(server)
        await made.client.credits.balance()
        made.clock.now += 5
        assert (await order(made.client)).id == "order_1"
        await made.aclose()
    async with RawServer(answer(), vanish(), answer()) as server:
        made = rig(server)
        await made.client.credits.balance()
        with pytest.raises(OutcomeUnknown):
            await order(made.client)
        await made.aclose()


async def test_a_connection_that_the_server_has_closed_meanwhile_is_not_used() -> None:
    async with RawServer(raw(response(200, GOOD)), answer()) as server, wren(server) as client:
        await client.credits.balance()
        await server.until(lambda s: s.open == 0)
        assert (await order(client)).id == "order_1"
        assert server.connections == 2


async def test_an_answer_that_asks_to_close_is_followed_by_a_new_connection() -> None:
    script = [answer(headers={"Connection": "close"}), answer()]
    async with RawServer(*script) as server, wren(server) as client:
        await client.credits.balance()
        await order(client)
        assert [request.connection for request in server.requests] == [1, 2]
        await server.until(lambda s: s.open == 1)


@pytest.mark.parametrize("fault", [half(), malformed(), read_and_close(), silent(30)], ids=str)
async def test_a_connection_whose_exchange_did_not_end_well_is_closed_and_forgotten(fault: Any) -> None:
    async with RawServer(fault, answer()) as server, wren(server, retries=0, timeout=20) as client:
        with pytest.raises(CallError):
            await client.credits.balance()
        await server.until(lambda s: s.open == 0)
        await client.credits.balance()
        assert [request.connection for request in server.requests] == [1, 2]


async def test_a_handshake_that_times_out_or_is_cancelled_leaves_no_socket() -> None:
    async with RawServer(deaf(30), deaf()) as server, WrenClient(LIVE, base_url=server.secure_url) as client:
        with pytest.raises(CallError):
            await client.credits.balance(timeout=20, retries=0)
        await server.until(lambda s: s.open == 0)
        task = asyncio.create_task(order(client))
        await server.until(lambda s: s.connections == 2)
        task.cancel()
        await asyncio.wait([task])
        await server.until(lambda s: s.open == 0)


async def test_closing_the_client_closes_its_connections_also_those_in_use() -> None:
    hold = asyncio.Event()
    async with RawServer(answer(), answer(after=hold.wait), otherwise=answer()) as server:
        client = wren(server)
        await client.credits.balance()
        task = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: len(s.requests) == 2)
        await client.aclose()
        hold.set()
        assert (await task).credit_balance_usd_cents == 9000
        await server.until(lambda s: s.open == 0)


async def test_giving_a_connection_back_is_not_disturbed_by_one_who_takes_it_at_once() -> None:
    for ticks in range(40):
        together = asyncio.Barrier(3)
        script = [answer(after=together.wait)] * 3
        async with RawServer(*script, otherwise=answer()) as server:
            made = rig(server)
            await at_once(made.client, 3)
            made.clock.now += 31
            first = asyncio.create_task(order(made.client))
            await turns(ticks)
            await asyncio.gather(first, *(order(made.client) for _ in range(3)))
            assert len(server.requests) == 7, "each was sent once"
            await made.aclose()
            await server.until(lambda s: s.open == 0)


async def test_a_slow_answer_ends_with_the_time_of_the_attempt() -> None:
    async with RawServer(drip(pause=5, spent=20)) as server, wren(server, retries=0) as client:
        with pytest.raises(AttemptTimedOut, match="20 s"):
            await client.credits.balance(timeout=20)
