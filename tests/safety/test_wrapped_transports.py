"""Silence proves nothing: over mocked, wrapped and patched transports an order whose fate is unknown is sent once."""

from __future__ import annotations

from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import respx

from tests.raw_server import RawServer, answer, read_and_close, refused
from wren_async import AiohttpBackend, NotSent, OutcomeUnknown, WrenClient

from .clients import LIVE, wren

BASE = "https://wren.test"


async def order(client: WrenClient) -> object:
    return await client.offset_orders.create(tons=1, payment_method="credits")


def quick(**options: Any) -> WrenClient:
    return WrenClient(LIVE, base_url=BASE, retries=3, **options)


# --- mocks ----------------------------------------------------------------------------------------------------------

FAILURES = [
    httpx.ReadTimeout("mocked"),
    httpx.ConnectTimeout("mocked"),
    httpx.ConnectError("mocked"),
    httpx.PoolTimeout("mocked"),
    httpx.WriteError("mocked"),
    httpx.RemoteProtocolError("mocked"),
    httpx.ProxyError("mocked"),
    OSError("mocked"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_a_failure_that_respx_plays_meets_one_post_and_an_unknown_outcome(failure: Exception) -> None:
    with respx.mock(base_url=BASE) as router:
        route = router.post("/api/offset-orders").mock(side_effect=failure)
        async with quick() as client:
            with pytest.raises(OutcomeUnknown):
                await order(client)
    assert route.call_count == 1


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_a_failure_of_a_patched_transport_meets_one_post_and_an_unknown_outcome(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As pytest-httpx does it.
    posts: list[httpx.Request] = []

    async def fail(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        posts.append(request)
        raise failure

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", fail)
    async with quick() as client:
        with pytest.raises(OutcomeUnknown):
            await order(client)
    assert len(posts) == 1


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
async def test_a_failure_of_a_callers_mock_transport_meets_one_post_and_an_unknown_outcome(library: Any) -> None:
    posts: list[object] = []

    def fail(request: Any) -> Any:
        posts.append(request)
        raise library.ConnectError("mocked", request=request)

    async with (
        library.AsyncClient(transport=library.MockTransport(fail)) as http_client,
        quick(http_client=http_client) as client,
    ):
        with pytest.raises(OutcomeUnknown):
            await order(client)
    assert len(posts) == 1


@pytest.mark.parametrize(
    "failure",
    [TimeoutError("mocked"), aiohttp.ClientConnectionError("mocked"), aiohttp.ServerDisconnectedError()],
    ids=lambda failure: type(failure).__name__,
)
async def test_a_failure_of_a_patched_aiohttp_session_meets_one_post_and_an_unknown_outcome(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As aioresponses and vcrpy do it.
    posts: list[str] = []

    async def fail(_: aiohttp.ClientSession, method: str, *__: Any, **___: Any) -> None:
        posts.append(method)
        raise failure

    monkeypatch.setattr(aiohttp.ClientSession, "_request", fail)
    async with quick(http_client=AiohttpBackend()) as client:
        with pytest.raises(OutcomeUnknown):
            await order(client)
    assert posts == ["POST"]


# --- instrumentation, and transports with a second way ----------------------------------------------------------------


async def test_instrumentation_that_rebuilds_the_request_without_its_extensions_leaves_a_lost_order_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    really = httpx.AsyncHTTPTransport.handle_async_request

    async def rebuild(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        anew = httpx.Request(request.method, request.url, headers=request.headers, stream=request.stream)
        return await really(self, anew)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", rebuild)
    async with RawServer(*[read_and_close()] * 4) as server, wren(server, retries=3) as client:
        with pytest.raises(OutcomeUnknown):
            await order(client)
        assert len(server.requests) == 1


class SecondWay(httpx.AsyncBaseTransport):
    """Tries a port at which nobody listens, and then the server, whose answer is lost."""

    def __init__(self, server: str, dead: str, *, keeps_extensions: bool, ends: str) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._server = server
        self._dead = dead
        self._keeps_extensions = keeps_extensions
        self._ends = ends

    async def _send(self, request: httpx.Request, base: str, extensions: dict[str, Any]) -> httpx.Response:
        url = base + request.url.path
        content, headers = request.content, request.headers
        anew = httpx.Request(request.method, url, headers=headers, content=content, extensions=extensions)
        return await self._inner.handle_async_request(anew)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        second = request.extensions if self._keeps_extensions else {}
        try:
            return await self._send(request, self._dead, dict(request.extensions))
        except httpx.ConnectError as first:
            try:
                return await self._send(request, self._server, dict(second))
            except httpx.TransportError:
                if self._ends == "the first failure":
                    raise first from None
                if self._ends == "a failure from the first":
                    raise httpx.ConnectError("neither way worked") from first
                raise

    async def aclose(self) -> None:
        await self._inner.aclose()


@pytest.mark.parametrize("keeps_extensions", [True, False], ids=["traced", "silent"])
@pytest.mark.parametrize("ends", ["the second failure", "a failure from the first", "the first failure"])
async def test_where_a_transport_tries_a_second_way_the_failed_connect_of_the_first_proves_nothing(
    keeps_extensions: bool, ends: str
) -> None:
    async with (
        RawServer(*[read_and_close()] * 4) as server,
        RawServer(*[refused()] * 8) as dead,
        httpx.AsyncClient(
            transport=SecondWay(server.url, dead.url, keeps_extensions=keeps_extensions, ends=ends)
        ) as http_client,
        wren(server, http_client=http_client, retries=3) as client,
    ):
        with pytest.raises(OutcomeUnknown):
            await order(client)
        assert len(server.requests) == 1


# --- and what is proof stays proof -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["default", "httpx", "httpx2", "aiohttp", "session"])
async def test_a_refused_port_is_still_proof_over_every_kind_of_client(kind: str) -> None:
    async with RawServer(refused(), answer()) as server:
        opened: Any = {
            "httpx": httpx.AsyncClient,
            "httpx2": httpx2.AsyncClient,
            "aiohttp": AiohttpBackend,
            "session": aiohttp.ClientSession,
        }.get(kind, lambda: None)()
        async with wren(server, http_client=opened, retries=1) as client:
            await order(client)
        if kind in ("httpx", "httpx2"):
            await opened.aclose()
        if kind == "session":
            await opened.close()
        assert len(server.requests) == 1


async def test_a_port_that_stays_closed_is_not_sent_also_where_httpx_tries_to_connect_again() -> None:
    async with (
        RawServer(*[refused()] * 4) as server,
        httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=1)) as http_client,
        wren(server, http_client=http_client, retries=0) as client,
    ):
        with pytest.raises(NotSent):
            await order(client)
