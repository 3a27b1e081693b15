"""A client that must not always send asks for leave directly before the bytes go out, over each backend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx
import pytest

from wren_async import CNaughtClient, NotSent, OutcomeUnknown
from wren_async.http.over_aiohttp import AiohttpBackend

BODY = (
    b'{"id":"o1","order_number":"1","created_on":"2026-07-01T12:00:00Z","metadata":null,"description":null,'
    b'"amount_kg":10,"state":"placed","price_usd_cents":250}'
)


@attrs.define(eq=False)
class Origin:
    """A server that keeps what it gets, and answers with an order."""

    port: int = 0
    received: bytes = b""
    connections: int = 0
    may_be_read: asyncio.Event = attrs.field(factory=asyncio.Event)
    """Until then no read is answered."""
    serving: set[asyncio.Task[None]] = attrs.field(factory=set[asyncio.Task[None]])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            await self._answer(reader, writer)
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.received += data
            if data.startswith(b"GET"):
                await self.may_be_read.wait()
            if b"amount_kg" in data or data.startswith(b"GET"):
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
                writer.write(head.encode() + BODY)


@asynccontextmanager
async def origin() -> AsyncIterator[Origin]:
    made = Origin()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
    for task in made.serving:
        task.cancel()
    if made.serving:
        await asyncio.wait(made.serving)


@pytest.fixture(params=["httpx", "brought httpx", "aiohttp"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient | AiohttpBackend | None]:
    match request.param:
        case "httpx":
            yield None
        case "brought httpx":
            async with httpx.AsyncClient() as client:
                yield client
        case _:
            made = AiohttpBackend()
            yield made
            await made.aclose()


@asynccontextmanager
async def client_of(
    server: Origin, backend: httpx.AsyncClient | AiohttpBackend | None, permit: Callable[[float], bool]
) -> AsyncIterator[CNaughtClient]:
    async with CNaughtClient("k", base_url=f"http://127.0.0.1:{server.port}", http_client=backend, retries=0) as made:
        yield made.with_permit(permit, within=20)


async def test_without_leave_no_byte_is_sent(backend: httpx.AsyncClient | AiohttpBackend | None) -> None:
    async with origin() as server, client_of(server, backend, lambda seconds: False) as client:
        with pytest.raises(NotSent, match="its lease is over"):
            await client.orders.create(amount_kg=10)
    assert server.received == b""


async def test_leave_that_ends_while_connecting_stops_the_first_byte(
    backend: httpx.AsyncClient | AiohttpBackend | None,
) -> None:
    async with origin() as server:
        # Asked once before connecting, and then directly before the first byte, with the connection already there.
        asked: list[float] = []

        def permit(seconds: float) -> bool:
            asked.append(seconds)
            return len(asked) == 1

        async with client_of(server, backend, permit) as client:
            with pytest.raises(NotSent, match="its lease is over"):
                await client.orders.create(amount_kg=10)
        assert server.received == b""
        assert server.connections == 1
        assert len(asked) == 2


async def test_a_body_that_must_not_follow_its_head_leaves_an_order_in_doubt() -> None:
    async with origin() as server:
        answers = iter([True, True, False])
        async with client_of(server, None, lambda seconds: next(answers)) as client:
            with pytest.raises(OutcomeUnknown, match="its lease is over"):
                await client.orders.create(amount_kg=10)
        assert b"amount_kg" not in server.received


async def test_with_leave_it_is_sent_and_the_whole_attempt_fits_in_the_time_asked_for(
    backend: httpx.AsyncClient | AiohttpBackend | None,
) -> None:
    asked: list[float] = []

    def permit(seconds: float) -> bool:
        asked.append(seconds)
        return True

    async with origin() as server, client_of(server, backend, permit) as client:
        assert (await client.orders.create(amount_kg=10)).id == "o1"
        assert (await client.with_options(timeout=None, deadline=7).orders.create(amount_kg=10)).id == "o1"
    assert max(asked) <= 20
    assert 6 < asked[-1] <= 7, "a copy asks too"


async def test_reads_need_no_leave(backend: httpx.AsyncClient | AiohttpBackend | None) -> None:
    async with origin() as server, client_of(server, backend, lambda seconds: False) as client:
        reading = asyncio.create_task(client.orders.get("o1"))
        while b"GET /" not in server.received:  # noqa: ASYNC110 - the server tells no one
            await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading


async def test_an_attempt_that_is_over_sends_nothing_though_its_timer_is_late(clock: Any) -> None:
    """A machine stood still while it connected: the bytes would go out long after the attempt should have ended."""
    async with origin() as server:

        def permit(seconds: float) -> bool:
            clock.now += 100
            return True

        address = f"http://127.0.0.1:{server.port}"
        async with CNaughtClient("k", base_url=address, timing=clock.timing, retries=0) as client:
            with pytest.raises(NotSent):
                await client.with_permit(permit, within=20).orders.create(amount_kg=10)
        assert server.received == b""


async def test_a_read_takes_its_time_as_without_a_permit() -> None:
    """A lease bounds what may come too late to be known. A long list of orders only has to be there some time."""
    async with origin() as server, CNaughtClient("k", base_url=f"http://127.0.0.1:{server.port}") as client:
        reading = asyncio.create_task(client.with_permit(lambda seconds: True, within=0.05).orders.get("o1"))
        await asyncio.sleep(0.2)
        assert not reading.done()
        server.may_be_read.set()
        assert (await reading).id == "o1"
