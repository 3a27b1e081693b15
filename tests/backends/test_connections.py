"""Connections are used again, dropped when in doubt, and closed when nobody needs them."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.backends.conftest import CALLERS, Kind, Opener, Rig, only
from tests.loop_time import SETTLED, loop_time, pass_time, turns
from tests.raw_server import Connection, RawServer, Step, answer, deaf, echo, head, raw, response, silent, step
from wren_async.http import over_aiohttp
from wren_async.http.exchange import ExchangeFailed, Progress, WireRequest
from wren_async.http.over_httpx import HttpxBackend
from wren_async.http.pool import LifoPool

HALF_AN_ANSWER = raw(head(200, ("Content-Length", "10")) + b"12345", then="stay")


# --- time-outs and cancellation -------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def time_out_once_sent(origin: RawServer) -> AsyncIterator[None]:
    """A time-out that strikes when a request has come to the server, however long that takes."""

    async def strike() -> None:
        await origin.until(lambda o: o.requests)
        await turns()  # what the server answers may come
        limit.reschedule(asyncio.get_running_loop().time())

    async with asyncio.timeout(None) as limit:
        striking = asyncio.create_task(strike())
        try:
            yield
        finally:
            striking.cancel()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("stuck", [silent(), HALF_AN_ANSWER], ids=["no answer", "half an answer"])
async def test_a_time_out_drops_the_connection_and_the_next_exchange_works(rig: Rig, method: str, stuck: Step) -> None:
    async with RawServer(stuck, otherwise=answer(200, b"next")) as origin:
        progress = Progress(started=True)
        with pytest.raises(TimeoutError):
            async with time_out_once_sent(origin):
                await rig.backend.exchange(WireRequest(method=method, url=f"{origin.url}/x"), progress)
        assert not progress.unsent
        await origin.until(lambda o: o.open == 0)
        assert (await rig.send(method, f"{origin.url}/x")).body == b"next"
        assert len(origin.requests) == 2


async def test_a_cancellation_is_raised_at_once_and_as_it_is(rig: Rig) -> None:
    async with RawServer(silent(), otherwise=answer()) as origin:
        exchange = WireRequest(method="POST", url=f"{origin.url}/x", content=b"{}")
        task = asyncio.create_task(rig.backend.exchange(exchange, Progress(started=True)))
        await origin.until(lambda o: o.requests)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError):
            await task
        await origin.until(lambda o: o.open == 0)
        assert (await rig.send("GET", f"{origin.url}/x")).status == 200


async def test_a_cancellation_in_the_middle_of_a_body_drops_the_connection(rig: Rig) -> None:
    @step("read on", at="accept")
    async def reads_on(connection: Connection) -> None:
        await connection.reader.readexactly(1_000)
        begun.set()
        await connection.ignore()

    begun = asyncio.Event()
    async with RawServer(reads_on, otherwise=answer()) as origin:

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1_000
                await asyncio.sleep(0)

        exchange = WireRequest(method="PUT", url=f"{origin.url}/logo", content=endless())
        task = asyncio.create_task(rig.backend.exchange(exchange, Progress(started=True)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await origin.until(lambda o: o.open == 0)
        assert (await rig.send("GET", f"{origin.url}/x")).status == 200


async def test_a_cancellation_in_the_handshake_leaves_no_socket_and_proves_that_nothing_was_sent(rig: Rig) -> None:
    async with RawServer(otherwise=deaf()) as origin:
        progress = Progress(started=True)
        exchange = WireRequest(method="POST", url=f"{origin.secure_url}/x", content=b"{}")
        task = asyncio.create_task(rig.backend.exchange(exchange, progress))
        await origin.until(lambda o: o.connections)
        await turns()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert progress.unsent
        await origin.until(lambda o: o.open == 0)


# Not over a caller's stock httpx, whose pool loses its places: encode/httpcore#1093.
@only("default", "httpx2", "aiohttp", "session")
async def test_many_short_time_outs_do_not_use_the_connections_up(opened: Opener) -> None:
    draw = random.Random(1)
    given_up = 0

    async def slow() -> None:
        await turns(5)
        pass_time(draw.random())

    async def hurried(rig: Rig, url: str) -> None:
        nonlocal given_up
        for _ in range(15):
            with contextlib.suppress(ExchangeFailed):
                try:
                    async with asyncio.timeout(draw.uniform(0.1, 8)):
                        await rig.send("GET", url)
                except TimeoutError:
                    given_up += 1

    async with RawServer(otherwise=answer(after=slow)) as origin, opened() as rig:
        await asyncio.gather(*(hurried(rig, f"{origin.url}/hurried") for _ in range(20)))
        assert 100 < given_up < 300
        found = await asyncio.gather(*(rig.send("GET", f"{origin.url}/calm") for _ in range(10)))
        assert [received.status for received in found] == [200] * 10
        await rig.backend.aclose()


# --- use and trimming -----------------------------------------------------------------------------------------------


async def test_a_connection_is_used_again(rig: Rig) -> None:
    async with RawServer(otherwise=echo()) as origin:
        for number in range(5):
            body = str(number).encode()
            assert (await rig.send("POST", f"{origin.url}/x", content=body)).body == body
        assert origin.connections == 1


@pytest.mark.slow
async def test_two_hundred_at_once_each_get_their_own_answer(kind: Kind, rig: Rig) -> None:
    async with RawServer(otherwise=echo()) as origin:
        for wave in range(2):
            bodies = [f"{wave}-{number}".encode() for number in range(200)]
            found = await asyncio.gather(*(rig.send("POST", f"{origin.url}/x", content=body) for body in bodies))
            assert [received.body for received in found] == bodies
        assert len(origin.requests) == len({request.body for request in origin.requests}) == 400
        if kind.owned:
            assert origin.connections <= 200
            await rig.backend.aclose()
            await origin.until(lambda o: o.open == 0)


@only("default", "aiohttp")
async def test_closing_closes_what_is_idle(opened: Opener) -> None:
    async with RawServer(otherwise=answer()) as origin, opened() as rig:
        await asyncio.gather(*(rig.send("GET", f"{origin.url}/x") for _ in range(3)))
        assert origin.open >= 1
        await rig.backend.aclose()
        await origin.until(lambda o: o.open == 0)


@only("default", "aiohttp")
async def test_closing_during_an_exchange_leaves_no_connection_behind(opened: Opener) -> None:
    release = asyncio.Event()

    async with RawServer(otherwise=answer(after=release.wait)) as origin, opened() as rig:
        task = asyncio.create_task(rig.send("GET", f"{origin.url}/x"))
        await origin.until(lambda o: o.requests)
        await rig.backend.aclose()
        release.set()
        with contextlib.suppress(ExchangeFailed):
            assert (await task).status == 200
        await origin.until(lambda o: o.open == 0)


@only("default")
async def test_a_backend_that_was_closed_before_use_sends_nothing(rig: Rig) -> None:
    await rig.backend.aclose()
    async with RawServer(otherwise=answer()) as origin:
        _, progress = await rig.fail("POST", f"{origin.url}/x")
        assert progress.unsent
        assert origin.connections == 0


async def test_closing_twice_ends_our_connections_and_not_a_callers(kind: Kind, opened: Opener) -> None:
    async with RawServer(otherwise=answer()) as origin, opened() as rig:
        await rig.send("GET", f"{origin.url}/x")
        for _ in range(2):
            await rig.backend.aclose()
            await origin.until(lambda o: o.open == (0 if kind.owned else 1))


@only(*CALLERS)
async def test_a_callers_client_stays_open_and_usable(kind: Kind, opened: Opener) -> None:
    async with RawServer(otherwise=answer()) as origin, opened() as rig:
        await rig.send("GET", f"{origin.url}/ours")
        await rig.backend.aclose()
        if kind.name == "session":
            assert not rig.callers.closed
            async with rig.callers.get(f"{origin.url}/theirs") as received:
                assert received.status == 200
        else:
            assert not rig.callers.is_closed
            assert (await rig.callers.get(f"{origin.url}/theirs")).status_code == 200
        assert [request.target for request in origin.requests] == ["/ours", "/theirs"]
        assert origin.connections == 1


@only("aiohttp")
async def test_an_idle_connection_of_aiohttp_is_soon_closed(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    assert over_aiohttp._IDLE <= 2
    async with RawServer(otherwise=answer()) as origin, opened() as rig:
        await rig.send("GET", f"{origin.url}/x")
        monkeypatch.setattr("aiohttp.connector.monotonic", loop_time)
        pass_time(2)
        await origin.until(lambda o: o.open == 0)


class Ticking:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticking() -> Ticking:
    return Ticking()


@pytest.fixture
async def pool(ticking: Ticking) -> AsyncIterator[LifoPool]:
    async with LifoPool(clock=ticking) as made:
        yield made


@pytest.fixture
async def over_pool(pool: LifoPool) -> AsyncIterator[Rig]:
    async with httpx.AsyncClient(transport=pool) as client:
        yield Rig(HttpxBackend(client), None)


async def at_once(rig: Rig, url: str, count: int) -> None:
    await asyncio.gather(*(rig.send("GET", url) for _ in range(count)))


async def test_the_connection_that_was_used_last_is_used_next(over_pool: Rig, pool: LifoPool) -> None:
    arrived = asyncio.Barrier(3)

    @step("one after another")
    async def together(connection: Connection) -> None:
        await arrived.wait()
        await turns(SETTLED * connection.number)
        await connection.write(response())

    async with RawServer(*[together] * 3, otherwise=answer()) as origin:
        await at_once(over_pool, f"{origin.url}/x", 3)
        assert pool.idle == 3
        for _ in range(3):
            await over_pool.send("POST", f"{origin.url}/x")
        assert [request.connection for request in origin.requests[3:]] == [3, 3, 3]


async def test_idle_connections_are_trimmed_by_the_next_exchange_of_any_origin(
    over_pool: Rig, pool: LifoPool, ticking: Ticking
) -> None:
    barrier = asyncio.Barrier(4)

    together = [answer(after=barrier.wait)] * 4
    async with RawServer(*together, otherwise=answer()) as busy, RawServer(otherwise=answer()) as files:
        await at_once(over_pool, f"{busy.url}/x", 4)
        await over_pool.send("GET", f"{files.url}/certificate")
        assert (busy.open, files.open, pool.idle) == (4, 1, 5)
        ticking.now += 20
        await over_pool.send("GET", f"{busy.url}/x")
        assert busy.connections == 4
        ticking.now += 20
        await over_pool.send("GET", f"{busy.url}/x")
        await busy.until(lambda o: o.open == 1)
        await files.until(lambda o: o.open == 0)
        assert (busy.connections, pool.idle) == (4, 1)


async def test_many_at_once_trim_without_getting_in_each_others_way(
    over_pool: Rig, pool: LifoPool, ticking: Ticking
) -> None:
    async with RawServer(otherwise=answer()) as origin:
        for _ in range(5):
            await at_once(over_pool, f"{origin.url}/x", 30)
            ticking.now += 31
            await at_once(over_pool, f"{origin.url}/x", 5)
            await origin.until(lambda o: o.open == pool.idle)
            assert pool.idle <= 5
            ticking.now += 31
        assert len(origin.requests) == 5 * 35


@pytest.mark.parametrize(("method", "connections"), [("GET", 1), ("POST", 2), ("PUT", 2), ("DELETE", 2)])
async def test_a_write_takes_no_connection_that_was_idle_for_long(
    over_pool: Rig, ticking: Ticking, method: str, connections: int
) -> None:
    async with RawServer(otherwise=answer()) as origin:
        await over_pool.send("GET", f"{origin.url}/x")
        ticking.now += 1
        await over_pool.send(method, f"{origin.url}/x")
        assert origin.connections == 1
        ticking.now += 3
        await over_pool.send(method, f"{origin.url}/x")
        assert origin.connections == connections


async def test_a_broken_connection_is_forgotten(over_pool: Rig, pool: LifoPool) -> None:
    async with RawServer(HALF_AN_ANSWER, otherwise=answer()) as origin:
        with pytest.raises(TimeoutError):
            async with time_out_once_sent(origin):
                await over_pool.send("GET", f"{origin.url}/x")
        assert pool.idle == 0
        await origin.until(lambda o: o.open == 0)
        await over_pool.send("GET", f"{origin.url}/x")
        assert pool.idle == 1


async def test_a_streamed_answer_gives_its_connection_back_when_read_and_drops_it_when_not(pool: LifoPool) -> None:
    async with RawServer(otherwise=answer(200, b"x" * 1000000)) as origin, httpx.AsyncClient(transport=pool) as client:
        async with client.stream("GET", f"{origin.url}/x") as whole:
            await whole.aread()
        assert pool.idle == 1
        async with client.stream("GET", f"{origin.url}/x"):
            pass
        assert pool.idle == 0
        await origin.until(lambda o: o.open == 0)


async def test_a_cancellation_while_idle_connections_are_trimmed_loses_none(
    pool: LifoPool, over_pool: Rig, ticking: Ticking
) -> None:
    async with RawServer(otherwise=answer()) as origin:
        await at_once(over_pool, f"{origin.url}/x", 10)
        ticking.now += 31
        for steps in range(1, 60, 3):
            task = asyncio.create_task(over_pool.send("POST", f"{origin.url}/x"))
            await turns(steps)
            task.cancel()
            await asyncio.wait([task])
            ticking.now += 3
        await origin.until(lambda o: o.open == pool.idle)
        await pool.aclose()
        await origin.until(lambda o: o.open == 0)
        assert origin.connections > 10, "some of the idle ones were replaced"
