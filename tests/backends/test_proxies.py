"""Proxies: those of the environment for connections of our own, those of a caller's client for the caller's."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest

from tests.backends.conftest import CALLERS, Authority, Kind, Opener, Rig, only
from tests.loop_time import turns
from tests.raw_server import (
    Connection,
    RawServer,
    Step,
    answer,
    hang_up,
    head,
    raw,
    read_and_close,
    refused,
    step,
    tunnel,
)
from wren_async.http.backend import Backend
from wren_async.http.exchange import Progress, Secret, WireRequest
from wren_async.http.over_aiohttp import AiohttpBackend
from wren_async.http.over_httpx import HttpxBackend
from wren_async.http.proxy import environment_proxy

OWNED = ("default", "aiohttp")
AWAY = "http://away.invalid"


@pytest.fixture
async def proxy() -> AsyncIterator[RawServer]:
    """A forward proxy that answers by itself."""
    async with RawServer(otherwise=answer(200, b"by proxy")) as made:
        yield made


@only(*OWNED)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("address", ["http://127.0.0.1:{}", "127.0.0.1:{}"])
async def test_the_environment_names_the_proxy(
    trusting: Opener, authority: Authority, variable: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        RawServer(otherwise=answer(200, b"whole"), tls=authority.server("away.invalid")) as origin,
        RawServer(otherwise=tunnel(origin)) as proxy,
    ):
        monkeypatch.setenv(variable, address.format(proxy.port))
        async with trusting() as rig:
            assert (await rig.send("POST", "https://away.invalid/x", content=b"{}")).body == b"whole"
        assert proxy.request.method == "CONNECT"


@only(*OWNED, "trusting session")
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_what_is_not_encrypted_takes_no_proxy_of_the_environments(
    kind: Kind, proxy: RawServer, variable: str, host: str, bearer: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, proxy.url)
    session = aiohttp.ClientSession(trust_env=True) if kind.name == "trusting session" else None
    backend: Backend = HttpxBackend() if kind.name == "default" else AiohttpBackend(session)
    async with RawServer(otherwise=answer(200, b"direct")) as origin:
        rig = Rig(backend, session)
        assert (await rig.send("GET", f"http://{host}:{origin.port}/x", authorization=bearer)).body == b"direct"
        error, progress = await rig.fail("POST", f"{AWAY}/x", content=b"{}", authorization=bearer)
        assert "away.invalid" in str(error) or "Name or service not known" in str(error)
        assert progress.unsent
        await backend.aclose()
    if session is not None:
        await session.close()
    assert proxy.connections == 0


@only(*OWNED)
async def test_a_proxy_is_taken_to_this_machine_in_no_case(
    trusting: Opener, authority: Authority, proxy: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with (
        RawServer(otherwise=answer(200, b"direct"), tls=authority.server()) as origin,
        trusting() as rig,
    ):
        assert (await rig.send("GET", f"{origin.url}/x")).body == b"direct"
    assert proxy.connections == 0


@pytest.mark.parametrize("library", [httpx, httpx2])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
async def test_a_callers_client_does_not_show_a_token_to_the_environments_proxy(
    library: Any, variable: str, proxy: RawServer, bearer: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, proxy.url)
    async with RawServer(otherwise=answer(200, b"direct")) as origin:
        async with library.AsyncClient() as client:
            rig = Rig(HttpxBackend(client), client)
            for host in (AWAY, origin.url):
                error, progress = await rig.fail("POST", f"{host}/x", content=b"{}", authorization=bearer)
                assert "NO_PROXY" in str(error)
                assert progress.unsent
        assert proxy.connections == origin.connections == 0
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with library.AsyncClient() as client:
            received = await Rig(HttpxBackend(client), client).send("GET", f"{origin.url}/x", authorization=bearer)
            assert received.body == b"direct"


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_a_proxy_that_a_caller_named_is_the_callers_choice(
    library: Any, proxy: RawServer, bearer: Secret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://other.invalid:1")
    async with library.AsyncClient(proxy=proxy.url) as client:
        received = await Rig(HttpxBackend(client), client).send("GET", f"{AWAY}/x", authorization=bearer)
        assert received.body == b"by proxy"


@only(*OWNED)
@pytest.mark.parametrize("exempt", ["away.invalid", "*", "other.invalid, away.invalid", "away.invalid:443"])
async def test_an_exempt_host_is_reached_directly(
    opened: Opener, proxy: RawServer, exempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", exempt)
    async with opened() as rig:
        _, progress = await rig.fail("GET", "https://away.invalid/x")
    assert progress.unsent
    assert proxy.connections == 0


@only(*CALLERS)
async def test_the_environment_is_not_for_a_callers_client(
    opened: Opener, proxy: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    async with RawServer(otherwise=answer(200, b"direct")) as origin, opened() as rig:
        assert (await rig.send("GET", f"{origin.url}/x")).body == b"direct"
        assert proxy.connections == 0


async def test_an_aiohttp_session_that_trusts_the_environment_takes_its_proxy(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        RawServer(otherwise=answer(200, b"whole"), tls=authority.server("away.invalid")) as origin,
        RawServer(otherwise=tunnel(origin)) as proxy,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=authority.trust), trust_env=True) as session,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        backend = AiohttpBackend(session)
        assert (await Rig(backend, session).send("GET", "https://away.invalid/x")).body == b"whole"
        assert proxy.connections == 1
        await backend.aclose()


async def test_the_proxy_of_an_aiohttp_session_goes_before_that_of_the_environment(
    proxy: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with aiohttp.ClientSession(trust_env=True, proxy=proxy.url) as session:
        backend = AiohttpBackend(session)
        assert (await Rig(backend, session).send("GET", f"{AWAY}/x")).body == b"by proxy"
        await backend.aclose()


@only(*CALLERS)
async def test_the_proxy_of_a_callers_client_is_used(opened: Opener, proxy: RawServer) -> None:
    async with opened(proxy=proxy.url) as rig:
        assert (await rig.send("POST", f"{AWAY}/x", content=b"{}")).body == b"by proxy"
    assert proxy.request.target == f"{AWAY}/x"


# --- tunnels --------------------------------------------------------------------------------------------------------


@pytest.fixture
def through(kind: Kind, trusting: Opener, monkeypatch: pytest.MonkeyPatch) -> Opener:
    """Opens a backend that trusts the private authority and goes through a proxy."""

    def through(proxy: str) -> object:
        if not kind.owned:
            return trusting(proxy=proxy)
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        return trusting()

    return through  # type: ignore[return-value]


async def test_an_encrypted_request_goes_through_a_tunnel(through: Opener, authority: Authority) -> None:
    async with (
        RawServer(otherwise=answer(200, b"whole"), tls=authority.server("away.invalid")) as origin,
        RawServer(otherwise=tunnel(origin)) as proxy,
        through(f"http://user:fake@127.0.0.1:{proxy.port}") as rig,
    ):
        for _ in range(2):
            headers = (("X-Idempotency-Key", "fake-key"),)
            ours = Secret("Bearer fake-token-0000")
            received = await rig.send("POST", "https://away.invalid/x", headers=headers, authorization=ours)
            assert received.body == b"whole"
        asked = proxy.request
        assert (asked.method, asked.target) == ("CONNECT", "away.invalid:443")
        assert asked.headers.get("proxy-authorization") == "Basic " + base64.b64encode(b"user:fake").decode()
        assert asked.headers.get("authorization") is None
        assert asked.headers.get("x-idempotency-key") is None
        assert [request.headers.get("authorization") for request in origin.requests] == ["Bearer fake-token-0000"] * 2
        assert [request.headers.get("proxy-authorization") for request in origin.requests] == [None] * 2
        assert (origin.connections, proxy.connections) == (1, 1)


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(answer(407, b"no", [("Proxy-Authenticate", "Basic")]), id="wants credentials"),
        pytest.param(answer(502, b"no"), id="502"),
        pytest.param(hang_up(), id="hangs up"),
        pytest.param(read_and_close(), id="reads and closes"),
        pytest.param(raw(head(200)), id="connects and closes"),
    ],
)
async def test_a_proxy_that_makes_no_tunnel_proves_that_nothing_was_sent(through: Opener, play: Step) -> None:
    async with RawServer(otherwise=play) as proxy, through(proxy.url) as rig:
        _, progress = await rig.fail("POST", "https://away.invalid/x", content=b"{}")
        assert progress.unsent
        await proxy.until(lambda o: o.open == 0)


async def test_a_tunnel_to_the_wrong_host_proves_that_nothing_was_sent(through: Opener, authority: Authority) -> None:
    async with (
        RawServer(otherwise=answer(), tls=authority.server("other.invalid")) as origin,
        RawServer(otherwise=tunnel(origin)) as proxy,
        through(proxy.url) as rig,
    ):
        _, progress = await rig.fail("POST", "https://away.invalid/x", content=b"{}")
        assert progress.unsent
        assert origin.requests == []


async def test_a_request_that_is_lost_in_a_tunnel_was_sent(through: Opener, authority: Authority) -> None:
    async with (
        RawServer(otherwise=read_and_close(), tls=authority.server("away.invalid")) as origin,
        RawServer(otherwise=tunnel(origin)) as proxy,
        through(proxy.url) as rig,
    ):
        _, progress = await rig.fail("POST", "https://away.invalid/x", content=b"{}")
        assert not progress.unsent
        assert len(origin.requests) == 1


async def test_a_refused_proxy_proves_that_nothing_was_sent(through: Opener) -> None:
    async with RawServer(otherwise=refused()) as proxy, through(proxy.url) as rig:
        _, progress = await rig.fail("POST", "https://away.invalid/x", content=b"{}")
        assert progress.unsent


@pytest.mark.parametrize("stage", ["asking", "shaking hands"])
async def test_a_cancellation_while_a_tunnel_is_made_leaves_no_socket(through: Opener, stage: str) -> None:
    @step("stuck")
    async def stuck(connection: Connection) -> None:
        if stage == "shaking hands":
            await connection.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await connection.ignore()

    async with RawServer(otherwise=stuck) as proxy, through(proxy.url) as rig:
        progress = Progress(started=True)
        exchange = WireRequest(method="POST", url="https://away.invalid/x", content=b"{}")
        task = asyncio.create_task(rig.backend.exchange(exchange, progress))
        await proxy.until(lambda o: o.requests)
        await turns()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert progress.unsent
        await proxy.until(lambda o: o.open == 0)


# --- the environment, read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "origin", "expected"),
    [
        ({}, ("https", "api.invalid"), None),
        ({"HTTPS_PROXY": "http://p:1"}, ("https", "api.invalid"), "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, ("http", "api.invalid"), None),
        ({"ALL_PROXY": "p:1"}, ("https", "api.invalid"), "http://p:1"),
        ({"HTTPS_PROXY": "http://s:1", "ALL_PROXY": "http://a:1"}, ("https", "api.invalid"), "http://s:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".invalid"}, ("https", "api.invalid"), None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "invalid"}, ("https", "api.invalid"), None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.invalid:443"}, ("https", "api.invalid"), None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.invalid:8443"}, ("https", "api.invalid"), "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.invalid:8443"}, ("https", "api.invalid", 8443), None),
        ({"HTTPS_PROXY": "http://p:1"}, ("https", "::1", 8443), None),
        ({"HTTPS_PROXY": "http://p:1"}, ("https", "localhost"), None),
        ({"HTTPS_PROXY": "http://p:1"}, ("https", "sandbox.localhost"), None),
        ({"HTTPS_PROXY": "http://p:1"}, ("https", "127.9.9.9"), None),
        ({"HTTP_PROXY": "http://p:1", "ALL_PROXY": "http://p:1"}, ("http", "api.invalid"), None),
        ({"HTTPS_PROXY": "socks5h://p:1"}, ("https", "api.invalid"), "socks5h://p:1"),
        ({"HTTPS_PROXY": "http://u:%40@[::1]:1/"}, ("https", "api.invalid"), "http://u:%40@[::1]:1/"),
        ({"HTTPS_PROXY": ""}, ("https", "api.invalid"), None),
    ],
)
def test_the_proxy_of_an_origin(
    variables: dict[str, str],
    origin: tuple[str, str] | tuple[str, str, int],
    expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(*origin) == expected


@pytest.mark.parametrize("library", [httpx, httpx2])
async def test_a_callers_client_that_trusts_the_environment_takes_its_proxy(
    library: Any, proxy: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    async with library.AsyncClient() as client:
        received = await Rig(HttpxBackend(client), client).send("GET", f"{AWAY}/x")
        assert received.body == b"by proxy"
