"""The first worker at a batch looks at what the accounts show of it, and all others wait for that: it is killed, cut
off, refused, left or slow, and each time somebody else goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from batch_world import World, end_of, kilograms, run, tonnes
from postgres_server import VARIABLE, PostgresServer, cable_to, new_server

from wren_async import CNaughtClient
from wren_async.batch import Batch, Ending, Intent, JournalError, State, WorkerService
from wren_async.batch.journal.contract import Past, Result
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.postgres.lease import LeaseLost

LEASE = 1.5
OURS = pytest.mark.skipif(VARIABLE in os.environ, reason="the named server is not stopped")


async def plan(here: World, address: str, intents: list[Intent], name: str = "rides") -> None:
    async with await PostgresJournal.open(address, name) as journal, here.batch(journal) as batch:
        await batch.plan(intents)
        await journal.resume_all()


async def work(here: World, address: str, *, lease: float = LEASE) -> Ending:
    async with await PostgresJournal.open(address, "rides", lease=lease) as journal, here.batch(journal) as batch:
        return end_of(await run(batch)).ending


async def placed(address: str, name: str = "rides") -> int:
    async with await PostgresJournal.open(address, name, read_only=True) as journal:
        return (await journal.totals()).orders[State.PLACED]


@asynccontextmanager
async def looking(address: str, *, lease: float = LEASE) -> AsyncIterator[PostgresJournal]:
    """A worker that came first, and looks."""
    journal = await PostgresJournal.open(address, "rides", lease=lease)
    await journal.join()
    assert journal.past is not Past.KNOWN
    try:
        yield journal
    finally:
        with suppress(JournalError):
            await journal.aclose()


@asynccontextmanager
async def service(here: World, address: str, **options: Any) -> AsyncIterator[WorkerService]:
    wren, cnaught = here.clients()
    async with wren, cnaught:
        yield WorkerService(
            address, wren=wren, cnaught=cnaught, lease=LEASE, retry_after=0.1, timing=here.timing, **options
        )


# --- who takes over, and when --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["killed or frozen", "cut off from its database"])
async def test_another_one_takes_over_once_the_lease_of_the_first_is_over(
    here: World, database_address: str, how: str
) -> None:
    await here.seed()
    await plan(here, database_address, tonnes(3))
    async with cable_to(database_address) as cable, looking(cable.address) as first:
        if how == "killed or frozen":
            for task in first._keeping:
                task.cancel()
        else:
            await cable.cut()
        began = asyncio.get_running_loop().time()
        assert await work(here, database_address) is Ending.DONE
        assert asyncio.get_running_loop().time() - began < 3 * LEASE
        if how != "killed or frozen":
            await cable.lay()
        with pytest.raises(LeaseLost):
            await first.checked()
    assert [len(orders) for orders in here.committed().values()] == [1, 1, 1]


PROCESS = """
import asyncio, sys
from wren_async import WrenClient
from wren_async.batch import Batch, PostgresJournal

async def main(address, url, token):
    async with WrenClient(token, base_url=url) as wren:
        async with await PostgresJournal.open(address, "rides", lease=1.5) as journal:
            async with Batch(journal, wren=wren) as batch:
                async for _ in batch.run():
                    pass

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.slow
async def test_a_process_that_is_frozen_while_it_looks_is_taken_over_and_sends_nothing_when_it_thaws(
    here: World, database_address: str
) -> None:
    await here.seed()
    await plan(here, database_address, tonnes(3))
    here.sandbox.faults.add("latency", operation="listCreditLedger", seconds=1.0, times=1)
    there = here.sandbox.wren
    words = ["-c", PROCESS, database_address, there.base_url, there.live_token]
    frozen = await asyncio.create_subprocess_exec(sys.executable, *words, stderr=asyncio.subprocess.PIPE)
    async with await PostgresJournal.open(database_address, "rides", read_only=True) as journal:
        while await journal.looker() is None:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        frozen.send_signal(signal.SIGSTOP)
        try:
            assert await work(here, database_address) is Ending.DONE
        finally:
            frozen.send_signal(signal.SIGCONT)
        _, told = await frozen.communicate()
    assert b"another one has taken over" in told
    assert [len(orders) for orders in here.committed().values()] == [1, 1, 1]


async def test_one_whose_lists_cannot_be_read_keeps_nobody_waiting(here: World, database_address: str) -> None:
    """Its program keeps the journal open, and tries again some time."""
    await here.seed()
    await plan(here, database_address, tonnes(3))
    async with await PostgresJournal.open(database_address, "rides") as journal, here.batch(journal) as batch:
        for operation in ("listCreditLedger", "listOffsetOrders"):
            here.sandbox.faults.add("status", operation=operation, status=503, when="before")
        assert end_of(await run(batch)).ending is Ending.UNREACHABLE
        here.sandbox.faults.clear()
        assert await work(here, database_address) is Ending.DONE
        assert end_of(await run(batch)).ending is Ending.DONE
    assert [len(orders) for orders in here.committed().values()] == [1, 1, 1]


async def test_one_that_is_left_while_it_looks_keeps_nobody_waiting(here: World, database_address: str) -> None:
    await here.seed()
    await plan(here, database_address, tonnes(3))
    async with await PostgresJournal.open(database_address, "rides") as journal:
        async with here.batch(journal) as batch:
            here.sandbox.faults.add("latency", operation="listCreditLedger", seconds=2)
            running = asyncio.create_task(run(batch))
            while await journal.looker() is None:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        here.sandbox.faults.clear()
        assert await work(here, database_address) is Ending.DONE


async def test_a_key_that_is_not_taken_keeps_nobody_waiting(here: World, database_address: str) -> None:
    """It comes first, and finds out before it joins; so it takes neither the batch nor its account."""
    await plan(here, database_address, kilograms(1, 2, 3))
    before = len(here.sandbox.requests)
    async with (
        CNaughtClient("mistyped", base_url=here.sandbox.cnaught.base_url, timing=here.timing) as wrong,
        await PostgresJournal.open(database_address, "rides") as journal,
        Batch(journal, cnaught=wrong, timing=here.timing) as batch,
    ):
        ended = end_of(await run(batch))
        assert ended.ending is Ending.ACCESS_REFUSED
        assert "cnaught does not take the token" in ended.message
        assert [each.operation for each in here.sandbox.requests[before:]] == ["listPortfolios"]
        assert not await journal.workers()
        assert await work(here, database_address) is Ending.DONE
    assert await placed(database_address) == 3


# --- those who wait ------------------------------------------------------------------------------------------------


async def test_one_that_is_slow_keeps_its_place_for_longer_than_a_lease(here: World, database_address: str) -> None:
    """As where the lists are long."""
    await plan(here, database_address, kilograms(1))
    async with (
        looking(database_address, lease=1.0) as first,
        await PostgresJournal.open(database_address, "rides") as journal,
    ):
        joining = asyncio.create_task(journal.join())
        await asyncio.sleep(1.6)
        assert not joining.done()
        await first.checked()
        await joining
        assert journal.past is Past.KNOWN


async def test_one_that_waits_can_be_stopped(here: World, database_address: str) -> None:
    await plan(here, database_address, kilograms(1, 2, 3))
    async with looking(database_address, lease=60.0) as first:
        async with await PostgresJournal.open(database_address, "rides") as journal, here.batch(journal) as batch:
            running = asyncio.create_task(run(batch))
            await asyncio.sleep(0.3)
            assert not running.done()
            batch.stop()
            async with asyncio.timeout(5):
                assert end_of(await running).ending is Ending.ASKED
        assert len(await first.workers()) == 1
    assert not here.committed()


async def test_a_worker_places_other_batches_meanwhile_and_says_what_it_leaves_alone(
    here: World, database_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    await plan(here, database_address, kilograms(1, 2, 3))
    await plan(here, database_address, kilograms(4, 5), name="walks")
    async with looking(database_address, lease=60.0) as first, service(here, database_address) as worker:
        working = asyncio.create_task(worker.run())
        while await placed(database_address, "walks") < 2:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
        assert await placed(database_address) == 0
        assert not caplog.records
        here.pass_time(11)
        while not caplog.records:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
        name = (await first.workers())[0][1]
        assert f"batch 'rides': worker {name} looks first at what the accounts show" in caplog.text
        await first.checked()
        while await placed(database_address) < 3:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
        worker.stop()
        await working
    assert len(caplog.records) == 1


async def test_a_worker_that_is_to_end_when_idle_does_not_wait(here: World, database_address: str) -> None:
    await plan(here, database_address, kilograms(1))
    async with looking(database_address, lease=60.0), service(here, database_address) as worker:
        async with asyncio.timeout(5):
            await worker.run(until_idle=True)
    assert not here.committed()


async def test_waiting_to_join_is_told(
    database_address: str, here: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wren_async.batch.journal.postgres.joining._POLL", 0.01)
    await plan(here, database_address, kilograms(1))
    async with (
        looking(database_address, lease=60.0) as first,
        await PostgresJournal.open(database_address, "rides") as journal,
    ):
        joining = asyncio.create_task(journal.join())
        while not caplog.records:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
        assert "looks first at what the accounts show of it, and this process waits for that" in caplog.text
        await first.checked()
        await joining


# --- who is there, and who only seems to be ------------------------------------------------------------------------


@contextmanager
def server_with_database() -> Iterator[tuple[PostgresServer, str]]:
    with new_server() as server:
        server.execute("CREATE DATABASE orders")
        yield server, server.address("orders")


def copy_of_disk(server: PostgresServer, to: Path) -> None:
    """What a snapshot of the disk has, once the server has ended."""
    shutil.copytree(server.data, to, symlinks=True)


def put_back(server: PostgresServer, copy: Path) -> None:
    shutil.rmtree(server.data)
    shutil.copytree(copy, server.data, symlinks=True)
    for path in (server.data, *server.data.rglob("*")) if os.geteuid() == 0 else ():
        shutil.chown(path, "nobody")


@pytest.mark.slow
@OURS
async def test_a_snapshot_of_the_disk_in_which_workers_seem_to_be_there_knows_nothing(
    here: World, tmp_path: Path
) -> None:
    """It was made in the middle of a run, and is put back after it: the workers of then stand in it as if they were
    there, and had looked."""
    await here.seed()
    with server_with_database() as (server, address):
        await plan(here, address, tonnes(4))
        async with await PostgresJournal.open(address, "rides", lease=6.0) as journal:
            await journal.join()
            await journal.checked()
            await asyncio.to_thread(server.end)
            await asyncio.to_thread(copy_of_disk, server, tmp_path / "snapshot")
            await asyncio.to_thread(server.start)
            await journal.checked()
            assert await work(here, address) is Ending.DONE
            assert len(here.committed()) == 4
            await asyncio.to_thread(server.end)
            await asyncio.to_thread(put_back, server, tmp_path / "snapshot")
            await asyncio.to_thread(server.start)
            with pytest.raises(LeaseLost, match="restored from a backup"):
                await journal.checked()
            for _ in range(2):
                await work(here, address)
                here.pass_time(3600)
            assert await placed(address) == 4
    assert [len(orders) for orders in here.committed().values()] == [1, 1, 1, 1]


@pytest.mark.slow
@OURS
async def test_after_a_restart_a_new_worker_waits_for_word_of_those_that_were_there(here: World) -> None:
    with server_with_database() as (server, address):
        await plan(here, address, kilograms(1, 2, 3))
        async with await PostgresJournal.open(address, "rides", lease=30.0) as journal:
            await journal.join()
            await journal.checked()
            await asyncio.to_thread(server.kill)
            async with await PostgresJournal.open(address, "rides", lease=30.0) as new:
                await new.join()
                assert new.past is Past.KNOWN


# --- how much of a batch a worker holds ----------------------------------------------------------------------------


async def test_a_worker_lets_go_of_what_it_has_done_while_it_goes_on(
    here: World, database_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each claim would look through all that it claimed before: of a million orders, thousands of spans."""
    monkeypatch.setattr("wren_async.batch.journal.postgres.store.SPAN", 5)
    await plan(here, database_address, kilograms(*[1] * 200))
    held: list[int] = []
    async with await PostgresJournal.open(database_address, "rides") as journal, here.batch(journal) as batch:
        async for _ in batch.run():
            query = "SELECT count(*) FROM wren_async.span WHERE batch = %(batch)s AND owner IS NOT NULL"
            held.append((await journal._one(query))[0])
    # As many as may be on the wire, and those that were just claimed.
    assert max(held) <= 32 / 5 + 6 < 40


async def test_what_a_claim_left_that_was_broken_off_is_found_again(here: World, database_address: str) -> None:
    await plan(here, database_address, kilograms(*[1] * 600))
    async with await PostgresJournal.open(database_address, "rides") as journal:
        await journal.join()
        await journal.checked()
        for first in (1, 201):
            await journal._execute(
                "UPDATE wren_async.span SET owner = %(owner)s WHERE batch = %(batch)s AND first = %(first)s",
                owner=journal.runner_id,
                first=first,
            )
        assert [entry.row.position async for entry in journal.claimed()] == list(range(1, 601))
        assert [entry.row.position async for entry in journal.claimed()] == list(range(1, 601))


async def test_nobody_gets_an_order_that_may_come_back_to_the_worker_that_has_gone_through_all(
    here: World, database_address: str
) -> None:
    """It is on the wire while the last orders are claimed, and a server that is busy does not take it."""
    await plan(here, database_address, kilograms(1, 2, 3))
    async with (
        await PostgresJournal.open(database_address, "rides") as one,
        await PostgresJournal.open(database_address, "rides") as other,
    ):
        await one.join()
        await one.checked()
        await other.join()
        claims = aiter(one.claimed())
        first, *_ = [entry async for entry in claims]
        await one.mark_sending([first.row.position], here.timing.utc())
        await one.record(first.row.position, first.result)
        assert [entry async for entry in other.claimed()] == []
        await claims.aclose()  # type: ignore[attr-defined]
        assert len([entry async for entry in other.claimed()]) == 3


async def test_one_batch_that_is_planned_by_two_at_once_is_planned_once(here: World, database_address: str) -> None:
    async with (
        await PostgresJournal.open(database_address, "rides") as one,
        await PostgresJournal.open(database_address, "rides") as other,
        here.batch(one) as first,
        here.batch(other) as second,
    ):
        plans = await asyncio.gather(*[batch.plan(tonnes(20)) for batch in (first, second)], return_exceptions=True)
        refused = [plan for plan in plans if isinstance(plan, Exception)]
        assert all("another process is planning it now" in str(error) for error in refused)
        await first.plan(tonnes(20))
        assert (await one.totals()).orders[State.PENDING] == 20
        with pytest.raises(JournalError, match="another process is planning it now: nothing was sent"):
            await other.add([(await one.entry(1)).row])


async def test_a_result_that_is_told_while_its_process_joins_comes_after_the_mark(
    here: World, database_address: str
) -> None:
    await plan(here, database_address, kilograms(1))
    async with await PostgresJournal.open(database_address, "rides") as journal:
        placed = Result(state=State.PLACED, order_id="o1")
        await asyncio.gather(journal.mark_sending([1], here.timing.utc()), journal.record(1, placed))
        assert (await journal.entry(1)).result.state is State.PLACED
