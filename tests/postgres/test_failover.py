"""A primary that dies, and a standby that takes its place, while workers are placing: each order once, none lost."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from batch_world import World
from pair import Pair, pair_of_servers
from postgres_server import VARIABLE

from wren_async.batch import Caps, CNaughtMass, Intent, State, WorkerService, WrenOffset
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.postgres.database import Connection, Database
from wren_async.postgres.dsn import Dsn
from wren_async.postgres.lease import LeaseLost, Runner
from wren_async.postgres.schema import RUNNERS, migrate
from wren_async.sandbox import FaultKind

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(VARIABLE in os.environ, reason="the named server has no standby of ours"),
]

LEASE = 2.0
INTENTS: list[Intent] = [CNaughtMass(amount_kg=5), WrenOffset(tons=1, payment_method="credits")] * 20


async def plan(here: World, address: str, **options: Any) -> int:
    """Plan the batch and let workers begin; what it will cost in cents."""
    async with await PostgresJournal.open(address, "rides") as journal, here.batch(journal, **options) as batch:
        await batch.plan(INTENTS)
        await journal.resume_all()
        return (await journal.totals()).planned_cents


@asynccontextmanager
async def workers(here: World, address: str, count: int) -> AsyncIterator[list[asyncio.Task[None]]]:
    """So many workers, each with connections and clients of its own."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_work(here, address)) for _ in range(count)]
        yield tasks
        for task in tasks:
            task.cancel()


async def _work(here: World, address: str) -> None:
    wren, cnaught = here.clients()
    async with wren, cnaught:
        service = WorkerService(
            address,
            wren=wren,
            cnaught=cnaught,
            concurrency=4,
            lease=LEASE,
            patience=1.0,
            retry_after=0.2,
            timing=here.timing,
        )
        await service.run(until_done=True)


async def states(address: str) -> Counter[State]:
    async with await PostgresJournal.open(address, "rides", read_only=True) as journal:
        return +Counter((await journal.totals()).orders)


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(90):
        while not await condition():  # noqa: ASYNC110 - the other side tells no one
            await asyncio.sleep(0.02)


async def until_committed(here: World, count: int) -> None:
    async with asyncio.timeout(90):
        while len(here.committed()) < count:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)


async def settle(here: World, pair: Pair, tasks: list[asyncio.Task[None]]) -> None:
    """Wait until what nobody can know is in doubt, let the settle time pass, and wait for the end."""

    async def is_in_doubt() -> bool:
        found = await states(pair.address)
        return not found[State.PENDING] and not found[State.SENDING]

    await until(is_in_doubt)
    await asyncio.sleep(LEASE)  # of those who still believe in the old primary
    here.pass_time(3600)
    async with asyncio.timeout(180):
        await asyncio.gather(*tasks)


def orders(here: World) -> list[int]:
    """How often each order was placed."""
    return [len(each) for each in here.committed().values()]


def spent(here: World) -> int:
    return sum(order.cents for each in here.committed().values() for order in each)


async def test_a_synchronous_standby_takes_over_in_the_middle(here: World) -> None:
    await here.seed()
    here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=0.02)
    async with pair_of_servers(synchronous=True) as pair:
        planned = await plan(here, pair.address)
        await plan(here, pair.address, caps=Caps(cents=planned))
        async with workers(here, pair.address, 2) as tasks:
            await until_committed(here, 12)
            await pair.fail_over()
            await settle(here, pair, tasks)
        assert await states(pair.address) == {State.PLACED: len(INTENTS)}
    assert orders(here) == [1] * len(INTENTS)
    assert spent(here) == planned


@pytest.mark.parametrize("lags_from", ["before the first worker", "the middle"])
async def test_an_asynchronous_standby_that_lost_the_last_marks_takes_over(here: World, lags_from: str) -> None:
    await here.seed()
    here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=0.02)
    async with pair_of_servers(synchronous=False) as pair:
        planned = await plan(here, pair.address)
        await plan(here, pair.address, caps=Caps(cents=planned))
        await until_received(pair)
        if lags_from != "the middle":
            await pair.lag()
        async with workers(here, pair.address, 2) as tasks:
            await until_committed(here, 10)
            if lags_from == "the middle":
                await pair.lag()
            await until_committed(here, 20)
            lost = await states(pair.address)
            await pair.fail_over()
            known = await states(pair.address)
            assert known[State.PENDING] > lost[State.PENDING], "marks that were acknowledged are gone"
            await settle(here, pair, tasks)
        assert await states(pair.address) == {State.PLACED: len(INTENTS)}
    assert orders(here) == [1] * len(INTENTS)
    assert spent(here) == planned


async def until_received(pair: Pair) -> None:
    """Wait until the standby has all that the primary has."""
    query = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()"

    async def has_all() -> bool:
        return await asyncio.to_thread(pair.primary.ask, query) == 1

    await until(has_all)


# --- the lease ---


async def test_a_runner_whose_id_comes_again_is_not_taken_for_the_other_one(here: World) -> None:
    """The standby never heard of it, so that its id was given anew there, to a runner that has written as much."""
    async with (
        pair_of_servers(synchronous=False) as pair,
        Database(Dsn(pair.address)) as own,
        Database(Dsn(pair.address)) as others,
    ):
        await migrate(own, (RUNNERS,))
        await until_received(pair)
        await pair.lag()
        old = await Runner.begin(own, "s", (RUNNERS,))
        assert await old.transaction(answers("old")) == "old"
        await pair.fail_over()
        new = await Runner.begin(others, "s", (RUNNERS,))
        for _ in range(2):
            assert await new.transaction(answers("new")) == "new"
        assert new.id == old.id
        with pytest.raises(LeaseLost, match="replaced by a standby"):
            await old.transaction(answers("old"))
        assert not old.may_send()
        await old.end()
        assert await new.transaction(answers("new")) == "new", "it is not the one that has left"


def answers(text: str) -> Callable[[Connection], Awaitable[str]]:
    async def work(_: Connection) -> str:
        return text

    return work
