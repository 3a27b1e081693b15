"""What a connection proves: unsent, exactly when no byte of the request was handed to it. And nothing is sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import httpx
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
    read_and_reset,
    refused,
    response,
    step,
    vanish,
)
from wren_async.http.exchange import ExchangeFailed, Progress, WireRequest
from wren_async.http.over_httpx import HttpxBackend

METHODS = ["GET", "PUT", "DELETE", "POST"]


def body_of(method: str) -> bytes | None:
    return None if method in ("GET", "DELETE") else b'{"tons": 1}'


# --- not sent -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
async def test_a_refused_connection_proves_that_nothing_was_sent(rig: Rig, method: str) -> None:
    async with RawServer(otherwise=refused()) as origin:
        error, progress = await rig.fail(method, f"{origin.url}/x", content=body_of(method))
    assert progress.unsent
    assert isinstance(error.__cause__, Exception)
    assert not error.timed_out


async def test_a_host_without_an_address_proves_that_nothing_was_sent(rig: Rig) -> None:
    _, progress = await rig.fail("POST", "http://no-such-host.invalid/x", content=b"{}")
    assert progress.unsent


@pytest.mark.parametrize("method", METHODS)
async def test_a_certificate_that_is_not_trusted_proves_that_nothing_was_sent(
    rig: Rig, authority: Authority, method: str
) -> None:
    async with RawServer(otherwise=answer(), tls=authority.server()) as origin:
        _, progress = await rig.fail(method, f"{origin.url}/x", content=body_of(method))
        assert progress.unsent
        assert origin.requests == []


async def test_a_certificate_for_another_name_proves_that_nothing_was_sent(
    trusting: Opener, authority: Authority
) -> None:
    async with RawServer(otherwise=answer(), tls=authority.server("other.invalid")) as origin, trusting() as rig:
        _, progress = await rig.fail("POST", f"{origin.url}/x", content=b"{}")
        assert progress.unsent


@pytest.mark.parametrize("play", [hang_up(), vanish(), raw(b"HTTP/1.1 400 Bad Request\r\n\r\n", at="accept")], ids=str)
async def test_a_server_without_tls_proves_that_nothing_was_sent(rig: Rig, play: Step) -> None:
    async with RawServer(otherwise=play) as origin:
        _, progress = await rig.fail("POST", f"{origin.secure_url}/x", content=b"{}")
        assert progress.unsent


@pytest.mark.parametrize("url", ["ftp://localhost/x", "http://localhost:port/x", "http:///x"])
async def test_an_address_that_cannot_be_sent_to_is_not_sent_to(rig: Rig, url: str) -> None:
    _, progress = await rig.fail("POST", url, content=b"{}")
    assert not progress.sending


@only(*CALLERS)
async def test_a_callers_closed_client_fails_without_sending(kind: Kind, opened: Opener) -> None:
    async with RawServer(otherwise=answer()) as origin, opened() as rig:
        await (rig.callers.close() if kind.name == "session" else rig.callers.aclose())
        _, progress = await rig.fail("POST", f"{origin.url}/x", content=b"{}")
        assert not progress.sending
        assert origin.connections == 0


@only("default", "aiohttp")
async def test_a_closed_backend_fails_without_sending(opened: Opener) -> None:
    async with RawServer(otherwise=answer()) as origin, opened() as rig:
        await rig.send("GET", f"{origin.url}/x")
        await rig.backend.aclose()
        _, progress = await rig.fail("POST", f"{origin.url}/x", content=b"{}")
        assert progress.unsent
        assert len(origin.requests) == 1


# --- sent -----------------------------------------------------------------------------------------------------------

BROKEN: dict[str, Step] = {
    "closed after reading": read_and_close(),
    "reset after reading": read_and_reset(),
    "half a status line": raw(b"HTTP/1.1 2"),
    "no http": raw(b"SMTP ready when you are\r\n\r\n"),
    "a malformed header": raw(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"),
    "a malformed length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
    "half the headers": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"),
    "half a body": raw(head(200, ("Content-Length", "10")) + b"12345"),
    "half a body and a reset": raw(head(200, ("Content-Length", "10")) + b"12345", then="reset"),
    "no last chunk": raw(head(200, ("Transfer-Encoding", "chunked")) + b"5\r\n12345\r\n"),
    "half a chunk": raw(head(200, ("Transfer-Encoding", "chunked")) + b"5\r\n12"),
    "a malformed chunk": raw(head(200, ("Transfer-Encoding", "chunked")) + b"zz\r\n12345\r\n"),
    "only a hint": raw(head(103)),
}


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
@pytest.mark.parametrize("meets", BROKEN)
async def test_what_was_sent_is_never_called_unsent_and_never_sent_again(rig: Rig, meets: str, method: str) -> None:
    async with RawServer(otherwise=BROKEN[meets]) as origin:
        _, progress = await rig.fail(method, f"{origin.url}/x", content=body_of(method))
        assert not progress.unsent
        assert len(origin.requests) == 1


@pytest.mark.parametrize("method", METHODS)
async def test_a_server_that_hangs_up_before_it_reads_may_still_have_got_bytes(rig: Rig, method: str) -> None:
    async with RawServer(otherwise=hang_up()) as origin:
        _, progress = await rig.fail(method, f"{origin.url}/x", content=body_of(method))
        assert progress.sending
        assert not progress.unsent
        assert origin.connections == 1


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_reset_in_the_middle_of_a_large_body_is_sent(rig: Rig, method: str) -> None:
    @step("reset in the middle", at="accept")
    async def play(connection: Connection) -> None:
        await connection.reader.readexactly(100_000)
        connection.reset()

    async with RawServer(otherwise=play) as origin:
        _, progress = await rig.fail(method, f"{origin.url}/x", content=b"x" * 5_000_000)
        assert not progress.unsent
        assert origin.connections == 1


async def test_an_answer_that_comes_before_the_body_was_read_is_the_answer(rig: Rig) -> None:
    @step("answer in the middle", at="accept")
    async def play(connection: Connection) -> None:
        await connection.reader.readexactly(1_000)
        await connection.write(response(413, b'{"error": "too large"}', [("Connection", "close")]))
        await connection.ignore()

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1_000
            await asyncio.sleep(0)

    async with RawServer(otherwise=play) as origin:
        assert (await rig.send("PUT", f"{origin.url}/x", content=slowly())).status == 413


# --- a connection that was kept alive, and is stale -----------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("end", [vanish(), read_and_close(), read_and_reset()], ids=str)
async def test_a_stale_connection_is_never_made_up_for_by_sending_again(rig: Rig, method: str, end: Step) -> None:
    async with RawServer(answer(200, b"first"), end, otherwise=answer(200, b"again")) as origin:
        assert (await rig.send("GET", f"{origin.url}/first")).body == b"first"
        _, progress = await rig.fail(method, f"{origin.url}/second", content=body_of(method))
        assert not progress.unsent
        expected = ["/first"] if end.at == "arrival" else ["/first", "/second"]
        assert [request.target for request in origin.requests] == expected
        # Only then, and because it is asked to, it sends it again, on a new connection.
        assert (await rig.send(method, f"{origin.url}/third", content=body_of(method))).body == b"again"
        assert [request.target for request in origin.requests] == [*expected, "/third"]


@pytest.mark.parametrize("method", METHODS)
async def test_a_connection_that_is_known_to_be_closed_is_not_used(rig: Rig, method: str) -> None:
    async with RawServer(otherwise=raw(response())) as origin:
        for number in range(1, 4):
            await rig.send(method, f"{origin.url}/x", content=body_of(method))
            await origin.until(lambda o: o.open == 0)
            await turns()  # until the end has come to the client
            assert (len(origin.requests), origin.connections) == (number, number)


async def test_a_stream_is_not_sent_again_on_a_stale_connection(rig: Rig) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async with RawServer(answer(), read_and_close(), otherwise=answer()) as origin:
        await rig.send("GET", f"{origin.url}/first")
        _, progress = await rig.fail("PUT", f"{origin.url}/logo", content=pieces())
        assert not progress.unsent
        assert [request.body for request in origin.requests] == [b"", b"onetwo"]


# --- no false proof -------------------------------------------------------------------------------------------------


async def test_a_transport_that_loses_an_answer_and_calls_it_a_failure_to_connect_is_not_believed() -> None:
    class OverAiohttp(httpx.AsyncBaseTransport):
        """As others do it: no trace, and the name of an exception that says too much."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            async with aiohttp.ClientSession() as session:
                try:
                    async with session.request(request.method, str(request.url), data=request.content) as received:
                        return httpx.Response(received.status)
                except aiohttp.ClientError as error:
                    raise httpx.ConnectTimeout(str(error)) from error

    async with RawServer(otherwise=read_and_close()) as origin, httpx.AsyncClient(transport=OverAiohttp()) as client:
        progress = Progress(started=True)
        wanted = WireRequest(method="POST", url=f"{origin.url}/x", content=b"{}")
        with pytest.raises(ExchangeFailed) as caught:
            await HttpxBackend(client).exchange(wanted, progress)
        assert isinstance(caught.value.__cause__, httpx.ConnectTimeout)
        assert caught.value.timed_out
        assert len(origin.requests) == 1
        assert not progress.unsent


async def test_before_the_exchange_nothing_was_sent() -> None:
    assert Progress().unsent
    assert not Progress(started=True).unsent
