"""What a client reports of its attempts and its limiter, and that reporting never gets in the way of an order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import httpx
import pytest

from tests.raw_server import RawServer, answer, read_and_close, refused, silent
from wren_async import AiohttpBackend, Attempt, InvalidConfiguration, NotSent, OutcomeUnknown, WrenClient

from .clients import KEY, LIVE, Clock, cnaught, wren


async def order(client: Any, **options: Any) -> object:
    return await client.offset_orders.create(tons=1, payment_method="credits", **options)


async def test_each_attempt_is_told_with_what_it_met() -> None:
    told: list[Attempt] = []
    async with (
        RawServer(read_and_close(), answer(503, {}), answer()) as server,
        cnaught(server, on_attempt=told.append) as client,
    ):
        await client.orders.create(amount_kg=1)
    assert [(each.operation, each.number, each.status, each.unsent) for each in told] == [
        ("createOrder", 1, None, False),
        ("createOrder", 2, 503, False),
        ("createOrder", 3, 200, False),
    ]
    assert told[0].reason
    assert told[1].reason == told[2].reason == ""


async def test_an_attempt_that_sent_nothing_says_so() -> None:
    told: list[Attempt] = []
    async with (
        RawServer(refused(), refused()) as server,
        wren(server, on_attempt=told.append, retries=0) as client,
    ):
        with pytest.raises(NotSent):
            await order(client)
    assert [each.unsent for each in told] == [True]


async def test_time_at_the_limiter_and_time_on_the_wire_are_told_apart() -> None:
    told: list[Attempt] = []
    clock = Clock()

    async def work() -> None:
        clock.now += 3

    async with (
        RawServer(otherwise=answer(after=work)) as server,
        wren(server, clock, max_in_flight=1, on_attempt=told.append) as client,
    ):
        await asyncio.gather(client.credits.balance(), client.credits.balance())
    assert [(each.waited, each.took) for each in told] == [(0, 3), (3, 3)]


async def test_the_limiter_shows_how_many_are_on_the_wire_and_how_many_wait() -> None:
    told: list[Attempt] = []
    async with (
        RawServer(silent(), otherwise=answer()) as server,
        wren(server, max_in_flight=1, on_attempt=told.append) as client,
    ):
        first = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: s.requests)
        others = [asyncio.create_task(client.credits.balance()) for _ in range(3)]
        await asyncio.sleep(0)
        assert (client.in_flight, client.waiting) == (1, 3)
        assert (client.with_options(timeout=1).in_flight, client.with_options(timeout=1).waiting) == (1, 3)
        first.cancel()
        await asyncio.gather(first, *others, return_exceptions=True)
        assert (client.in_flight, client.waiting) == (0, 0)
    assert [(each.in_flight, each.waiting) for each in told] == [(1, 1), (1, 0), (0, 0)]


async def test_calls_are_let_through_in_the_order_in_which_they_came() -> None:
    came: list[str] = []
    async with (
        RawServer(silent(), otherwise=answer()) as server,
        wren(server, max_in_flight=1) as client,
    ):
        first = asyncio.create_task(client.credits.balance())
        await server.until(lambda s: s.requests)
        others = [asyncio.create_task(client.credits.balance(headers={"X-Number": str(number)})) for number in range(9)]
        await asyncio.sleep(0)
        others.pop(4).cancel()
        first.cancel()
        await asyncio.gather(*others)
        came = [request.headers["x-number"] for request in server.requests[1:]]
    assert came == ["0", "1", "2", "3", "5", "6", "7", "8"]


async def test_an_order_whose_caller_went_away_is_told_too() -> None:
    told: list[Attempt] = []
    hold = asyncio.Event()
    async with (
        RawServer(answer(after=hold.wait)) as server,
        wren(server, on_attempt=told.append) as client,
    ):
        task = asyncio.create_task(order(client, reference="r1"))
        await server.until(lambda s: s.requests)
        task.cancel()
        await asyncio.wait([task])
        assert told == []
        hold.set()
        await client.outcomes["r1"].reply()
    assert [(each.operation, each.status) for each in told] == [("createOffsetOrder", 200)]


async def test_what_the_hook_raises_is_logged_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Attempt) -> None:
        raise ZeroDivisionError

    async with (
        RawServer(answer(), read_and_close()) as server,
        wren(server, on_attempt=broken) as client,
    ):
        await order(client)
        with pytest.raises(OutcomeUnknown):
            await order(client)
        assert len(server.requests) == 2
    assert [record.levelno for record in caplog.records if "on_attempt" in record.getMessage()] == [logging.ERROR] * 2


async def test_nothing_that_is_told_shows_the_token() -> None:
    told: list[Attempt] = []
    async with (
        RawServer(answer(500, {"error": f"no {KEY} here"}), answer()) as server,
        cnaught(server, on_attempt=told.append) as client,
    ):
        await client.orders.create(amount_kg=1)
    assert len(told) == 2
    assert KEY not in repr(told)


def test_a_hook_that_cannot_be_called_is_refused() -> None:
    wrong: Any = "metrics"
    with pytest.raises(InvalidConfiguration, match="on_attempt"):
        WrenClient(LIVE, on_attempt=wrong)


def small_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50, limit_per_host=20))


@pytest.mark.parametrize(
    ("bring", "given", "at_once"),
    [
        (lambda: None, None, 128),
        (httpx.AsyncClient, None, 100),
        (AiohttpBackend, None, 512),
        (aiohttp.ClientSession, None, 100),
        (small_session, None, 20),
        (AiohttpBackend, 7, 7),
    ],
)
async def test_as_many_exchanges_go_out_at_once_as_suit_the_backend(
    bring: Callable[[], Any], given: int | None, at_once: int
) -> None:
    hold, http_client = asyncio.Event(), bring()
    async with (
        RawServer(otherwise=answer(after=hold.wait)) as server,
        wren(server, http_client=http_client, max_in_flight=given) as client,
    ):
        calls = [asyncio.create_task(client.credits.balance()) for _ in range(600)]
        await asyncio.sleep(0)
        assert (client.in_flight, client.waiting) == (at_once, 600 - at_once)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert (client.in_flight, client.waiting) == (0, 0)
    if isinstance(http_client, httpx.AsyncClient):
        await http_client.aclose()
    elif isinstance(http_client, aiohttp.ClientSession):
        await http_client.close()


async def test_no_more_exchanges_go_out_at_once_than_half_of_the_files_that_may_be_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, 4096))
    async with (
        RawServer(otherwise=silent()) as server,
        wren(server) as client,
        wren(server, max_in_flight=40) as told,
    ):
        for asked, at_once in ((client, 32), (told, 40)):
            calls = [asyncio.create_task(asked.credits.balance()) for _ in range(50)]
            await asyncio.sleep(0)
            assert asked.in_flight == at_once
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)
