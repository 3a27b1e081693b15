"""The life of a client: where it may go, on which loop, until when, and what its copies share."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.loop_time import pass_time, turns
from tests.raw_server import RawServer, answer, silent
from wren_async import (
    ClientClosed,
    CNaughtClient,
    InvalidArgument,
    InvalidConfiguration,
    OutcomeUnknown,
    WrenClient,
    WrongEventLoop,
)

from .clients import KEY, LIVE, TEST, cnaught, wren

# --- after closing --------------------------------------------------------------------------------------------------


async def test_a_closed_client_says_so_and_sends_nothing() -> None:
    async with RawServer(answer()) as server:
        async with wren(server) as client:
            copy = client.with_options(timeout=5)
        for closed in (client, copy):
            for place in (
                closed.credits.balance,
                lambda closed=closed: closed.offset_orders.create(tons=1, payment_method="credits"),
                lambda closed=closed: anext(aiter(closed.credits.ledger())),
            ):
                with pytest.raises(ClientClosed, match="closed"):
                    await place()
        with pytest.raises(ClientClosed):
            await client.__aenter__()
        assert "closed" in repr(client)
        assert server.connections == 0


async def test_closing_twice_is_no_error() -> None:
    async with RawServer(answer()) as server:
        client = wren(server)
        await client.credits.balance()
        for _ in range(2):
            await client.aclose()
            await server.until(lambda s: s.open == 0)
            assert "closed" in repr(client)


async def test_a_client_that_was_never_used_can_be_closed_and_stays_closed() -> None:
    async with RawServer(answer()) as server:
        client = wren(server)
        await client.aclose()
        with pytest.raises(ClientClosed):
            await client.credits.balance()
        assert server.connections == 0


async def test_an_error_inside_closes_the_client_and_is_not_hidden() -> None:
    async with RawServer(answer()) as server:

        async def fail() -> None:
            async with wren(server) as client:
                await client.credits.balance()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()
        await server.until(lambda s: s.open == 0)


# --- event loops ----------------------------------------------------------------------------------------------------


def test_a_client_may_be_made_before_there_is_a_loop() -> None:
    server = RawServer(answer())
    client = wren(server)

    async def main() -> int:
        async with server, client:
            return (await client.credits.balance()).credit_balance_usd_cents

    assert asyncio.run(main()) == 9000


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_client_is_refused_on_a_second_loop_with_a_clear_error() -> None:
    clients: list[WrenClient] = []

    async def first() -> None:
        async with RawServer(answer()) as server:
            client = wren(server)
            await client.credits.balance()
            clients.append(client)

    async def second() -> None:
        with pytest.raises(WrongEventLoop, match="another event loop"):
            await clients[0].credits.balance()
        with pytest.raises(WrongEventLoop):
            await clients[0].with_options(timeout=5).credits.balance()
        with pytest.raises(WrongEventLoop):
            await clients[0].aclose()

    asyncio.run(first())
    asyncio.run(second())
    clients.clear()
    gc.collect()


# --- addresses ------------------------------------------------------------------------------------------------------

MAKERS: list[Callable[..., Any]] = [WrenClient, CNaughtClient]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://notlocalhost",
        "http://10.0.0.1",
        "http://0.0.0.0:8000",
        "http://[2001:db8::1]",
        "HTTP://API.EXAMPLE.COM",
    ],
)
def test_plain_http_to_a_foreign_host_is_refused(make: Callable[..., Any], url: str) -> None:
    with pytest.raises(InvalidConfiguration, match="unencrypted"):
        make("t", base_url=url)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com",
        "http://127.0.0.1:8000",
        "http://127.8.8.8",
        "http://localhost:8000/v1",
        "http://sandbox.localhost",
        "http://[::1]:8000",
    ],
)
def test_https_and_this_machine_are_fine(make: Callable[..., Any], url: str) -> None:
    assert make("t", base_url=url).base_url == url


def test_plain_http_to_a_host_that_was_allowed_by_name_is_fine_and_to_its_neighbours_is_not() -> None:
    allowed = ["api.internal"]
    assert WrenClient("t", base_url="http://api.internal:8000", insecure_hosts=allowed).base_url
    for url in ("http://api.internal.example.com", "http://internal", "http://api", "http://my-api.internal"):
        with pytest.raises(InvalidConfiguration, match="insecure_hosts"):
            WrenClient("t", base_url=url, insecure_hosts=allowed)


def test_one_allowed_host_given_as_text_is_not_read_letter_by_letter() -> None:
    with pytest.raises(InvalidConfiguration):
        WrenClient("t", base_url="http://internal", insecure_hosts="api.internal")
    with pytest.raises(InvalidConfiguration):
        WrenClient("t", base_url="http://a", insecure_hosts="api.internal")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com",
        "example.com",
        "//example.com",
        "https://",
        "https://user:password@example.com",
        "https://example.com?x=1",
        "https://example.com/#top",
        "https://example.com:port",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidConfiguration, match="base_url") as caught:
        WrenClient("t", base_url=url)
    assert "password" not in str(caught.value) or "password;" in str(caught.value)


async def test_a_slash_at_the_end_of_an_address_does_not_double() -> None:
    async with RawServer(answer(), answer()) as server:
        for end in ("/", "/v1/"):
            async with CNaughtClient(KEY, base_url=server.url + end) as client:
                await client.orders.get("o 1/2")
        assert [request.target for request in server.requests] == ["/orders/o%201%2F2", "/v1/orders/o%201%2F2"]


# --- environment ----------------------------------------------------------------------------------------------------


async def test_the_environment_names_the_token_and_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RawServer(answer(), answer(), answer()) as server:
        monkeypatch.setenv("WREN_API_TOKEN", f" {TEST}\n")
        monkeypatch.setenv("WREN_BASE_URL", server.url)
        monkeypatch.setenv("CNAUGHT_API_KEY", KEY)
        monkeypatch.setenv("CNAUGHT_BASE_URL", f"{server.url}/v1/")
        async with WrenClient() as client:
            assert client.is_test
            await client.credits.balance()
        async with CNaughtClient() as cnaught_client:
            await cnaught_client.orders.get("o")
        async with WrenClient(LIVE) as client:
            assert not client.is_test
            await client.credits.balance()
        tokens = [request.headers["authorization"] for request in server.requests]
        assert tokens == [f"Bearer {TEST}", f"Bearer {KEY}", f"Bearer {LIVE}"]


def test_without_a_token_the_error_names_the_argument_and_the_variable() -> None:
    with pytest.raises(InvalidConfiguration, match=r"token.*WREN_API_TOKEN"):
        WrenClient()
    with pytest.raises(InvalidConfiguration, match=r"api_key.*CNAUGHT_API_KEY"):
        CNaughtClient()


def test_an_address_from_the_environment_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WREN_BASE_URL", "http://api.example.com")
    with pytest.raises(InvalidConfiguration, match="unencrypted"):
        WrenClient(LIVE)


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WREN_BASE_URL", "")
    assert WrenClient(LIVE).base_url == "https://www.wren.co"
    monkeypatch.setenv("WREN_API_TOKEN", "")
    with pytest.raises(InvalidConfiguration, match="WREN_API_TOKEN"):
        WrenClient()


@pytest.mark.parametrize(
    "options",
    [
        {"max_in_flight": 0},
        {"max_in_flight": True},
        {"max_in_flight": 1.5},
        {"http_client": httpx.Client},
        {"timeout": 0},
        {"deadline": -1},
        {"headers": {"Authorization": "Bearer other"}},
        {"headers": {"Bad Name": "x"}},
        {"headers": {"X-Good": "line\nbreak"}},
    ],
    ids=str,
)
async def test_an_option_that_makes_no_sense_is_refused_before_anything_is_sent(options: dict[str, Any]) -> None:
    async with RawServer(answer()) as server:
        with pytest.raises((InvalidConfiguration, InvalidArgument)):
            async with WrenClient(LIVE, base_url=server.url, **options) as client:
                await client.credits.balance()
        assert server.requests == []


# --- immutability and copies ----------------------------------------------------------------------------------------


def test_a_client_cannot_be_changed() -> None:
    for client in (WrenClient(LIVE), CNaughtClient(KEY)):
        before = repr(client)
        for name in ("timeout", "base_url", "_identity", "_session", "orders", "anything"):
            with pytest.raises(AttributeError):
                setattr(client, name, 1)
            with pytest.raises(AttributeError):
                delattr(client, name)
        with pytest.raises(TypeError):
            client.outcomes["x"] = 1  # type: ignore[index]
        assert repr(client) == before


async def test_a_copy_has_its_own_options_and_the_same_connections() -> None:
    async with RawServer(*[answer()] * 4) as server, wren(server) as client:
        await client.credits.balance()
        async with client.with_options(headers={"X-Team": "a"}, timeout=3) as copy:
            await copy.credits.balance()
            await copy.with_options(headers={"X-Shift": "b"}).credits.balance()
        # The copy is closed, and the connections are open.
        await client.credits.balance()
        assert {request.connection for request in server.requests} == {1}
        seen = [(request.headers.get("x-team"), request.headers.get("x-shift")) for request in server.requests]
        assert seen == [(None, None), ("a", None), ("a", "b"), (None, None)]


async def test_a_scoped_client_acts_for_its_subaccount_and_the_first_does_not() -> None:
    async with RawServer(*[answer()] * 4) as server, cnaught(server) as client:
        await client.for_subaccount("sub_1").orders.get("o")
        await client.orders.get("o")
        await client.for_subaccount("sub_1").orders.get("o", subaccount_id=None)
        await client.for_subaccount("sub_1").with_options(timeout=2).orders.get("o")
        seen = [request.headers.get("x-subaccount-id") for request in server.requests]
        assert seen == ["sub_1", None, None, "sub_1"]


async def test_a_copy_shares_outcomes_and_what_is_on_the_wire() -> None:
    hold = asyncio.Event()
    async with RawServer(answer(after=hold.wait)) as server, wren(server) as client:
        copy = client.with_options(timeout=9)
        place = copy.offset_orders.create(tons=1, payment_method="credits", reference="r1")
        task = asyncio.create_task(place)
        await server.until(lambda s: s.requests)
        task.cancel()
        await asyncio.wait([task])
        hold.set()
        assert (await client.outcomes["r1"].reply()).value.id == "order_1"
        assert copy.outcomes["r1"] is client.outcomes["r1"]


async def test_clients_with_different_tokens_never_mix() -> None:
    async with RawServer(otherwise=answer(headers={"Set-Cookie": "who=somebody"})) as server:
        async with wren(server, token="first") as first, wren(server, token="second") as second:

            async def use(client: WrenClient, name: str) -> None:
                for _ in range(20):
                    await client.credits.balance(headers={"X-Name": name})

            await asyncio.gather(*(use(c, n) for c, n in ((first, "first"), (second, "second")) for _ in range(5)))
        assert len(server.requests) == 200
        homes: dict[str, set[int]] = {"first": set(), "second": set()}
        for request in server.requests:
            assert request.headers["authorization"] == f"Bearer {request.headers['x-name']}"
            assert "cookie" not in request.headers
            homes[request.headers["x-name"]].add(request.connection)
        assert not homes["first"] & homes["second"]


async def test_one_callers_http_client_can_serve_two_clients_with_two_tokens() -> None:
    async with RawServer(otherwise=answer()) as server, httpx.AsyncClient() as http_client:
        async with wren(server, http_client=http_client) as a, cnaught(server, http_client=http_client) as b:
            await asyncio.gather(a.credits.balance(), b.orders.get("o"))
            await a.aclose()
            await b.orders.get("o")
        seen = sorted(request.headers["authorization"] for request in server.requests)
        assert seen == sorted([f"Bearer {LIVE}", f"Bearer {KEY}", f"Bearer {KEY}"])


async def test_time_outs_given_to_a_call_do_not_change_its_client() -> None:
    async def take_half_a_minute() -> None:
        pass_time(30)
        await turns()

    async with RawServer(silent(30), answer(after=take_half_a_minute)) as server, wren(server, timeout=60) as client:
        with pytest.raises(OutcomeUnknown):
            await client.offset_orders.create(tons=1, payment_method="credits", timeout=20)
        assert (await client.offset_orders.create(tons=1, payment_method="credits")).id == "order_1"
