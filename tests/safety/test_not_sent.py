"""Only the connection proves that nothing was sent; the name of an exception proves nothing."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest
import trustme

from tests.loop_time import pass_time, turns
from tests.raw_server import RawServer, answer, deaf, raw, read_and_close, refused, silent
from wren_async import AttemptTimedOut, NotSent, OutcomeUnknown, WrenClient
from wren_async.http.exchange import Answer, Progress, WireRequest

from .clients import LIVE, Clock, cnaught, wren


class LyingTransport(httpx.AsyncBaseTransport):
    """Hands the request to the server, and then says that it could not connect."""

    def __init__(self, lie: type[httpx.TransportError], times: int = 1_000) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._lie = lie
        self._times = times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # As transports over other libraries do, this one drops what httpcore would have reported.
        request.extensions = {}
        response = await self._inner.handle_async_request(request)
        if self._times <= 0:
            return response
        self._times -= 1
        await response.aread()
        await response.aclose()
        raise self._lie("all connection attempts failed")

    async def aclose(self) -> None:
        await self._inner.aclose()


class DeadTransport(httpx.AsyncBaseTransport):
    """An unknown transport that really could not connect, but cannot prove it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")


async def order(client: WrenClient) -> object:
    return await client.offset_orders.create(tons=1, payment_method="credits")


async def test_a_refused_port_is_proof_and_is_tried_again() -> None:
    async with RawServer(refused(), refused(), answer()) as server, wren(server) as client:
        await order(client)
        assert len(server.requests) == 1


async def test_a_port_that_stays_closed_ends_in_not_sent_after_all_attempts() -> None:
    async with RawServer(*[refused()] * 4) as server, wren(server, retries=3) as client:
        with pytest.raises(NotSent) as caught:
            await order(client)
        assert caught.value.attempts == 4


async def test_a_host_that_does_not_exist_is_proof() -> None:
    async with WrenClient(LIVE, base_url="https://no-such-host.invalid", retries=0) as client:
        with pytest.raises(NotSent):
            await order(client)


LIES = [httpx.ConnectTimeout, httpx.ConnectError, httpx.PoolTimeout, httpx.UnsupportedProtocol]


@pytest.mark.parametrize("lie", LIES)
async def test_a_transport_that_reports_a_failure_to_connect_after_sending_is_not_believed(
    lie: type[httpx.TransportError],
) -> None:
    async with (
        RawServer(answer(), answer()) as server,
        httpx.AsyncClient(transport=LyingTransport(lie)) as http_client,
        wren(server, http_client=http_client) as client,
    ):
        with pytest.raises(OutcomeUnknown):
            await order(client)
        assert len(server.requests) == 1


@pytest.mark.parametrize("lie", LIES)
async def test_over_the_same_transport_a_keyed_call_is_sent_again_with_its_key(
    lie: type[httpx.TransportError],
) -> None:
    async with (
        RawServer(answer(), answer()) as server,
        httpx.AsyncClient(transport=LyingTransport(lie, times=1)) as http_client,
        cnaught(server, http_client=http_client) as client,
    ):
        assert (await client.orders.create(amount_kg=10)).id == "order_1"
        first, second = server.requests
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
        assert first.body == second.body


async def test_without_proof_a_failure_to_connect_leaves_an_order_unknown() -> None:
    http_client = httpx.AsyncClient(transport=DeadTransport())
    async with http_client, RawServer() as server, wren(server, http_client=http_client) as client:
        with pytest.raises(OutcomeUnknown):
            await order(client)
        assert server.connections == 0


async def test_a_callers_own_httpx_client_keeps_the_proof_of_a_refused_port() -> None:
    async with httpx.AsyncClient() as http_client, RawServer(refused(), answer()) as server:
        async with wren(server, http_client=http_client) as client:
            await order(client)
        assert len(server.requests) == 1
        assert not http_client.is_closed


async def test_a_callers_own_client_that_is_closed_has_sent_nothing() -> None:
    closed: list[Any] = [httpx.AsyncClient(), aiohttp.ClientSession()]
    await closed[0].aclose()
    await closed[1].close()
    async with RawServer() as server:
        for http_client in closed:
            async with wren(server, http_client=http_client, retries=0) as client:
                with pytest.raises(NotSent, match="closed"):
                    await order(client)
        assert not server.requests


async def test_a_callers_aiohttp_session_that_is_closed_between_two_orders_has_not_sent_the_second() -> None:
    async with RawServer(answer()) as server, aiohttp.ClientSession() as session:
        async with wren(server, http_client=session, retries=0) as client:
            await order(client)
            await session.close()
            with pytest.raises(NotSent, match="closed"):
                await order(client)
        assert len(server.requests) == 1


async def test_a_callers_own_httpx_client_sends_an_order_of_unknown_fate_once() -> None:
    async with httpx.AsyncClient() as http_client, RawServer(read_and_close(), answer()) as server:
        async with wren(server, http_client=http_client) as client:
            with pytest.raises(OutcomeUnknown):
                await order(client)
        assert len(server.requests) == 1


async def test_a_callers_own_httpx_client_adds_no_credentials_cookies_or_redirects() -> None:
    async with RawServer(answer(302, {}, {"Location": "/stolen", "Set-Cookie": "a=b"}), answer()) as server:
        http_client = httpx.AsyncClient(
            auth=("user", "password"),
            cookies={"session": "mine"},
            headers={"Authorization": "Bearer mine"},
            follow_redirects=True,
        )
        async with http_client, wren(server, http_client=http_client) as client:
            with pytest.raises(OutcomeUnknown):
                await order(client)
            await client.credits.balance()
        assert [request.target for request in server.requests] == ["/api/offset-orders", "/api/credits/balance"]
        for request in server.requests:
            assert request.headers["authorization"] == f"Bearer {LIVE}"
            assert "cookie" not in request.headers


async def test_a_callers_time_limits_do_not_cut_ours() -> None:
    async def take_a_minute() -> None:
        pass_time(60)
        await turns()

    async with httpx.AsyncClient(timeout=10) as http_client:
        script = answer(after=take_a_minute)
        async with RawServer(script) as server, wren(server, http_client=http_client, timeout=90) as client:
            await order(client)
            assert len(server.requests) == 1


# --- time-outs before and after the sending -------------------------------------------------------------------------


async def test_a_time_out_after_sending_is_unknown_and_one_while_connecting_is_not_sent() -> None:
    async with RawServer(silent(30)) as server, wren(server, timeout=20) as client:
        with pytest.raises(OutcomeUnknown, match="no answer within"):
            await order(client)
        assert len(server.requests) == 1
    async with (
        RawServer(deaf(30), deaf(30)) as server,
        WrenClient(LIVE, base_url=server.secure_url, timeout=20, retries=0) as client,
    ):
        with pytest.raises(NotSent, match="no answer within"):
            await order(client)
        with pytest.raises(NotSent):
            await client.credits.balance()
        await server.until(lambda s: s.open == 0)


async def test_a_read_that_times_out_says_so() -> None:
    async with RawServer(silent(30)) as server, wren(server, timeout=20, retries=0) as client:
        with pytest.raises(AttemptTimedOut):
            await client.credits.balance()


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28"], ids=repr)
async def test_a_handshake_that_fails_is_proof_and_is_tried_again(data: bytes) -> None:
    async with RawServer(*[raw(data, at="accept")] * 3) as server:
        url = server.secure_url
        async with WrenClient(LIVE, base_url=url, retries=0) as client:
            with pytest.raises(NotSent):
                await order(client)
        assert server.connections == 1
        async with WrenClient(LIVE, base_url=url, retries=1, timing=Clock().timing) as client:
            with pytest.raises(NotSent):
                await order(client)
        assert server.connections == 3


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that no machine trusts by itself."""
    return trustme.CA()


@pytest.fixture
async def encrypted(authority: trustme.CA) -> AsyncIterator[RawServer]:
    """A server with a certificate of that authority. It reads a request and closes the connection."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    async with RawServer(read_and_close(), tls=context) as server:
        yield server


async def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(encrypted: RawServer) -> None:
    async with WrenClient(LIVE, base_url=encrypted.url, retries=0) as client:
        with pytest.raises(NotSent, match=r"(?i)certificate"):
            await order(client)
    assert (encrypted.connections, encrypted.requests) == (1, [])


async def test_a_server_whose_certificate_is_trusted_gets_the_order(
    encrypted: RawServer, authority: trustme.CA
) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    http_client = httpx.AsyncClient(verify=trusting)
    async with http_client, WrenClient(LIVE, base_url=encrypted.url, http_client=http_client) as client:
        with pytest.raises(OutcomeUnknown):
            await order(client)
    assert (encrypted.request.method, encrypted.request.target) == ("POST", "/api/offset-orders")


@pytest.mark.parametrize("error", [KeyError("pool"), TimeoutError(), OSError("gone")])
async def test_whatever_a_foreign_backend_raises_after_sending_an_order_is_unknown_and_sent_once(
    error: Exception,
) -> None:
    class Careless:
        def __init__(self) -> None:
            self.sent = 0

        async def exchange(self, request: WireRequest, progress: Progress) -> Answer:
            self.sent += 1
            raise error

        async def aclose(self) -> None: ...

    backend = Careless()
    async with WrenClient(LIVE, http_client=backend) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await order(client)
    assert caught.value.reference
    assert backend.sent == 1
