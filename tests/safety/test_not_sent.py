"""Only the connection proves that nothing was sent; the name of an exception proves nothing."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from wren_async import AttemptTimedOut, NotSent, OutcomeUnknown, WrenClient
from wren_async.http.exchange import Answer, Progress, WireRequest

from .scripted import LIVE, Clock, ScriptedServer, answer, cnaught, deaf, raw, read_and_close, refused, silent, wren


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
    async with ScriptedServer(refused(), refused(), answer()) as server, wren(server) as client:
        await order(client)
        assert len(server.requests) == 1


async def test_a_port_that_stays_closed_ends_in_not_sent_after_all_attempts() -> None:
    async with ScriptedServer(*[refused()] * 4) as server, wren(server, retries=3) as client:
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
        ScriptedServer(answer(), answer()) as server,
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
        ScriptedServer(answer(), answer()) as server,
        httpx.AsyncClient(transport=LyingTransport(lie, times=1)) as http_client,
        cnaught(server, http_client=http_client) as client,
    ):
        assert (await client.orders.create(amount_kg=10)).id == "order_1"
        first, second = server.requests
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
        assert first.body == second.body


async def test_without_proof_a_failure_to_connect_leaves_an_order_unknown() -> None:
    http_client = httpx.AsyncClient(transport=DeadTransport())
    async with http_client, ScriptedServer() as server, wren(server, http_client=http_client) as client:
        with pytest.raises(OutcomeUnknown):
            await order(client)


async def test_a_callers_own_httpx_client_keeps_the_proof_of_a_refused_port() -> None:
    async with httpx.AsyncClient() as http_client, ScriptedServer(refused(), answer()) as server:
        async with wren(server, http_client=http_client) as client:
            await order(client)
        assert len(server.requests) == 1
        assert not http_client.is_closed


async def test_a_callers_own_client_that_is_closed_has_sent_nothing() -> None:
    closed: list[Any] = [httpx.AsyncClient(), aiohttp.ClientSession()]
    await closed[0].aclose()
    await closed[1].close()
    async with ScriptedServer() as server:
        for http_client in closed:
            async with wren(server, http_client=http_client, retries=0) as client:
                with pytest.raises(NotSent, match="closed"):
                    await order(client)
        assert not server.requests


async def test_a_callers_aiohttp_session_that_is_closed_between_two_orders_has_not_sent_the_second() -> None:
    async with ScriptedServer(answer()) as server, aiohttp.ClientSession() as session:
        async with wren(server, http_client=session, retries=0) as client:
            await order(client)
            await session.close()
            with pytest.raises(NotSent, match="closed"):
                await order(client)
        assert len(server.requests) == 1


async def test_a_callers_own_httpx_client_sends_an_order_of_unknown_fate_once() -> None:
    async with httpx.AsyncClient() as http_client, ScriptedServer(read_and_close(), answer()) as server:
        async with wren(server, http_client=http_client) as client:
            with pytest.raises(OutcomeUnknown):
                await order(client)
        assert len(server.requests) == 1


async def test_a_callers_own_httpx_client_adds_no_credentials_cookies_or_redirects() -> None:
    async with ScriptedServer(answer(302, {}, {"Location": "/stolen", "Set-Cookie": "a=b"}), answer()) as server:
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
        assert [request.path for request in server.requests] == ["/api/offset-orders", "/api/credits/balance"]
        for request in server.requests:
            assert request.headers["authorization"] == f"Bearer {LIVE}"
            assert "cookie" not in request.headers


async def test_a_callers_time_limits_do_not_cut_ours() -> None:
    async with httpx.AsyncClient(timeout=0.01) as http_client:
        script = answer(after=lambda: asyncio.sleep(0.03))
        async with ScriptedServer(script) as server, wren(server, http_client=http_client) as client:
            await order(client)
            assert len(server.requests) == 1


# --- time-outs before and after the sending -------------------------------------------------------------------------


async def test_a_time_out_after_sending_is_unknown_and_one_while_connecting_is_not_sent() -> None:
    async with ScriptedServer(silent()) as server, wren(server, timeout=0.2) as client:
        with pytest.raises(OutcomeUnknown, match="no answer within"):
            await order(client)
        assert len(server.requests) == 1
    async with (
        ScriptedServer(deaf(), deaf()) as server,
        WrenClient(LIVE, base_url=server.secure_url, timeout=0.2, retries=0) as client,
    ):
        with pytest.raises(NotSent, match="no answer within"):
            await order(client)
        with pytest.raises(NotSent):
            await client.credits.balance()
        await server.until(lambda s: s.open == 0)


async def test_a_read_that_times_out_says_so() -> None:
    async with ScriptedServer(silent()) as server, wren(server, timeout=0.2, retries=0) as client:
        with pytest.raises(AttemptTimedOut):
            await client.credits.balance()


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28"], ids=repr)
async def test_a_handshake_that_fails_is_proof_and_is_tried_again(data: bytes) -> None:
    async with ScriptedServer(*[raw(data, at="accept")] * 3) as server:
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
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody has signed but itself, with its key in the same file."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs the openssl program")
    whole = tmp_path_factory.mktemp("tls") / "server.pem"
    command = (
        f"{program} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {whole} -out {whole}.crt"
    )
    subprocess.run([*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    whole.write_bytes(whole.read_bytes() + Path(f"{whole}.crt").read_bytes())
    return whole


@pytest.fixture
async def secure_port(certificate: Path) -> AsyncIterator[tuple[int, list[bytes]]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    seen: list[bytes] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1], seen
    server.close()
    await server.wait_closed()


async def test_a_server_with_a_certificate_of_its_own_making_gets_nothing(
    secure_port: tuple[int, list[bytes]],
) -> None:
    port, seen = secure_port
    async with WrenClient(LIVE, base_url=f"https://127.0.0.1:{port}", retries=0) as client:
        with pytest.raises(NotSent, match=r"(?i)certificate"):
            await order(client)
    assert seen == []


async def test_a_server_whose_certificate_is_trusted_gets_the_order(
    secure_port: tuple[int, list[bytes]], certificate: Path
) -> None:
    port, seen = secure_port
    trusting = ssl.create_default_context(cafile=str(certificate))
    http_client = httpx.AsyncClient(verify=trusting)
    async with http_client, WrenClient(LIVE, base_url=f"https://127.0.0.1:{port}", http_client=http_client) as client:
        with pytest.raises(OutcomeUnknown):
            await order(client)
    assert seen[0].startswith(b"POST /api/offset-orders")


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
