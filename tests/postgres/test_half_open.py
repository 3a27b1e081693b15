"""A connection whose other end says nothing more, and does not end: a hung proxy, or a firewall that forgot it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from batch_world import World
from postgres_server import PostgresServer
from psycopg import AsyncConnection
from tcp_proxy import TcpProxy, proxy_to

from wren_async import Timing
from wren_async.batch import CNaughtMass, WorkerService
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.errors import JournalError
from wren_async.outbox import Outbox, State, results
from wren_async.outbox import outbox as outbox_module
from wren_async.outbox.listening import listen
from wren_async.postgres.database import Database, DatabaseLost
from wren_async.postgres.dsn import Dsn
from wren_async.sandbox import FaultKind

RIDE = CNaughtMass(amount_kg=5)
LEASE = 3.0


@pytest.fixture
async def proxy(postgres: PostgresServer) -> AsyncIterator[TcpProxy]:
    if not postgres.is_ours:
        pytest.skip("the named server has no socket of ours")
    async with proxy_to(Path(postgres.socket)) as made:
        yield made


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110 - the other side tells no one
            await asyncio.sleep(0.01)


async def test_a_worker_sends_nothing_more_says_so_and_goes_on_by_another_connection(
    here: World, proxy: TcpProxy, database_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    address = proxy.address(database_address)
    async with await PostgresJournal.open(address, "rides") as journal, here.batch(journal) as batch:
        await batch.plan([RIDE] * 60)
        await journal.resume_all()
    here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=0.02, operation="createOrder")
    wren, cnaught = here.clients()
    async with wren, cnaught:
        service = WorkerService(
            address, wren=wren, cnaught=cnaught, lease=LEASE, concurrency=2, retry_after=0.2, timing=Timing()
        )
        running = asyncio.create_task(service.run(until_done=True))
        await until(lambda: len(here.committed()) >= 10)
        proxy.freeze()
        await until(lambda: service.problem is not None)
        sent = len(here.committed())
        assert sent < 60
        assert not running.done()
        await until(lambda: "did not answer within 1 s; it is tried again" in caplog.text)
        assert len(here.committed()) == sent, "its lease is over"
        assert any(word in str(service.problem) for word in ("has not been reached for", "the lease is over"))
        # What hung hangs for ever; a new connection gets through.
        await proxy.cut()
        await proxy.open()
        async with asyncio.timeout(30):
            await running
    assert {name: len(orders) for name, orders in here.committed().items()} == dict.fromkeys(here.committed(), 1)
    assert len(here.committed()) == 60
    assert "error ignored in rollback" not in caplog.text


async def test_waiting_for_a_result_and_submitting_end_in_bounded_time(
    here: World, proxy: TcpProxy, database_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "ANSWER", 0.3)
    monkeypatch.setattr(outbox_module, "_WRITTEN", 0.3)
    async with Outbox(proxy.address(database_address)) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        proxy.freeze()
        loop = asyncio.get_running_loop()
        began = loop.time()
        # Several tasks share the connection: none waits for the patience of the others.
        asked: list[Awaitable[object]] = [outbox.result("ride-1", within=0.2) for _ in range(5)]
        told = await asyncio.gather(*asked, outbox.submit(RIDE, reference="ride-2"), return_exceptions=True)
        assert loop.time() - began < 5
        assert all(isinstance(each, JournalError) and "same reference" in str(each) for each in told), told
        proxy.go_on()
        assert not (await outbox.submit(RIDE, reference="ride-1")).is_new
        assert (await outbox.result("ride-1", within=0)).state is State.PENDING


async def test_a_listener_that_hears_nothing_connects_anew(proxy: TcpProxy, database_address: str) -> None:
    heard: list[str] = []
    listening = asyncio.create_task(listen(Dsn(proxy.address(database_address)), heard.append, silence=0.1, answer=0.3))
    await until(lambda: heard)
    proxy.freeze()
    await asyncio.sleep(0.5)
    await proxy.cut()
    await proxy.open()
    await until(lambda: len(heard) > 1)
    async with await AsyncConnection.connect(database_address, autocommit=True) as other:
        await other.execute("SELECT pg_notify('wren_async_outbox', 'ride-1')")
    await until(lambda: "ride-1" in heard)
    listening.cancel()
    await asyncio.wait([listening])


async def test_a_statement_that_is_cancelled_waits_for_no_answer(proxy: TcpProxy, database_address: str) -> None:
    async with Database(Dsn(proxy.address(database_address))) as database:
        await database.run(lambda own: own.execute("SELECT 1"))
        proxy.freeze()
        asking = asyncio.create_task(database.run(lambda own: own.execute("SELECT 2")))
        await asyncio.sleep(0.1)
        asking.cancel()
        async with asyncio.timeout(1):
            with pytest.raises(asyncio.CancelledError):
                await asking


async def test_connecting_to_one_that_says_nothing_ends(proxy: TcpProxy, database_address: str) -> None:
    proxy.freeze()
    async with Database(Dsn(f"{proxy.address(database_address)}?connect_timeout=2")) as database:
        async with asyncio.timeout(5):
            with pytest.raises(DatabaseLost, match="timeout"):
                await database.run(lambda own: own.execute("SELECT 1"))
