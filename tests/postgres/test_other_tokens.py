"""Workers at one batch with tokens that are not the same: a wrong one, and one of another account."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from typing import cast

import pytest
from batch_world import World, end_of, run

from wren_async import CNaughtClient, WrenClient
from wren_async.batch import Batch, CNaughtMass, Ending, Intent, JournalError, State, WrenOffset
from wren_async.batch.journal.postgres.store import PostgresJournal
from wren_async.batch.run.account_check import check_accounts
from wren_async.core.client import BaseClient

MIXED: list[Intent] = [
    WrenOffset(tons=1, payment_method="credits"),
    CNaughtMass(amount_kg=5),
    CNaughtMass(amount_kg=6),
    WrenOffset(tons=2, payment_method="credits"),
]
OFFSETS: list[Intent] = [WrenOffset(tons=1, payment_method="credits") for _ in range(6)]


async def plan(here: World, address: str, intents: list[Intent]) -> None:
    async with await PostgresJournal.open(address, "rides") as journal, here.batch(journal) as batch:
        await batch.plan(intents)


async def work(here: World, address: str, *, token: str | None = None, key: str | None = None) -> Ending:
    """One worker, with tokens of its own."""
    wren, cnaught = here.sandbox.wren, here.sandbox.cnaught
    async with (
        WrenClient(token or wren.live_token, base_url=wren.base_url, timing=here.timing) as one,
        CNaughtClient(key or cnaught.api_key, base_url=cnaught.base_url, timing=here.timing) as other,
        await PostgresJournal.open(address, "rides") as journal,
        Batch(journal, wren=one, cnaught=other, timing=here.timing, concurrency=1) as batch,
    ):
        return end_of(await run(batch)).ending


async def placed(address: str) -> int:
    async with await PostgresJournal.open(address, "rides", read_only=True) as journal:
        return (await journal.totals()).orders[State.PLACED]


async def test_a_worker_with_a_wrong_key_leaves_the_batch_to_the_others(here: World, database_address: str) -> None:
    """It placed an order of the other API first. Its key was never taken, so no order of that key is to be found."""
    await plan(here, database_address, MIXED)
    # Or it would be told before its first order.
    here.sandbox.faults.add("status", operation="listPortfolios", status=503, when="before")
    assert await work(here, database_address, key="mistyped") is Ending.ACCESS_REFUSED
    here.sandbox.faults.clear()
    assert 0 < await placed(database_address) < len(MIXED)
    assert await work(here, database_address) is Ending.DONE
    assert await placed(database_address) == len(MIXED)
    assert {len(orders) for orders in here.committed().values()} == {1}


async def test_two_workers_of_two_accounts_that_begin_at_once_place_in_one_of_them(
    here: World, database_address: str
) -> None:
    """What one of them loses is looked for in the other's lists, and would be bought again."""
    await plan(here, database_address, OFFSETS)
    here.sandbox.faults.add(kind="latency", seconds=0.3, operation="listPortfolios")
    personal = here.sandbox.wren.personal_token
    ends = await asyncio.gather(
        work(here, database_address), work(here, database_address, token=personal), return_exceptions=True
    )
    assert [type(end) for end in ends].count(JournalError) == 1, "one of them is refused"
    assert await placed(database_address) == len(OFFSETS)


class Account:
    """A client of an account, as far as the check of accounts asks it before anything was sent."""

    def __init__(self, token: bytes) -> None:
        self._token = token

    async def token_mark(self, salt: bytes) -> bytes:
        return hashlib.sha256(salt + self._token).digest()


def account(token: bytes) -> BaseClient:
    return cast("BaseClient", Account(token))


class Joining:
    """What a worker does before it sends anything, step by step. Once it is refused, it leaves."""

    def __init__(self, journal: PostgresJournal, token: bytes) -> None:
        self._journal = journal
        self._account = account(token)
        self._steps = [self._check, self._join, self._check]
        self.refused: str | None = None

    async def _check(self) -> None:
        await check_accounts(self._journal, {"wren": self._account}, same_account=False)

    async def _join(self) -> None:
        await self._journal.join()
        await self._journal.checked()  # or the other would wait for it

    async def step(self) -> None:
        """The next step, if it was not refused before."""
        take = self._steps.pop(0)
        if self.refused is None:
            try:
                await take()
            except JournalError as error:
                self.refused = str(error)
                await self._journal.aclose()


@pytest.mark.parametrize("planned", [None, b"A", b"C"])
async def test_of_two_accounts_one_is_taken_whatever_happens_between(
    database_address: str, planned: bytes | None
) -> None:
    for number, steps in enumerate(sorted(set(itertools.permutations("AAABBB")))):
        async with (
            await PostgresJournal.open(database_address, f"rides {number}") as one,
            await PostgresJournal.open(database_address, f"rides {number}") as other,
        ):
            if planned is not None:
                await check_accounts(one, {"wren": account(planned)}, same_account=False)
            workers = {"A": Joining(one, b"A"), "B": Joining(other, b"B")}
            for name in steps:
                await workers[name].step()
            refused = [worker.refused for worker in workers.values() if worker.refused]
            assert len(refused) == 1, f"{''.join(steps)}: one account is taken, and the other one refused"
            assert "other workers" in refused[0]
            assert "WREN_API_TOKEN" in refused[0]
            assert "same-account" not in refused[0]


async def test_workers_with_a_new_token_of_their_own_all_go_on(database_address: str) -> None:
    """The batch was planned with another token, and nothing was sent."""
    journals = [await PostgresJournal.open(database_address, "rides") for _ in range(3)]
    try:
        await check_accounts(journals[0], {"wren": account(b"old")}, same_account=False)
        workers = [Joining(journal, b"new") for journal in journals]
        for _ in range(3):
            for worker in workers:
                await worker.step()
        assert [worker.refused for worker in workers] == [None, None, None]
    finally:
        for journal in journals:
            await journal.aclose()


async def test_once_those_with_another_token_have_left_any_will_do(database_address: str) -> None:
    async with await PostgresJournal.open(database_address, "rides") as good:
        async with await PostgresJournal.open(database_address, "rides") as wrong:
            await check_accounts(wrong, {"wren": account(b"wrong")}, same_account=False)
            await wrong.join()
            with pytest.raises(JournalError, match="other workers are at it"):
                await check_accounts(good, {"wren": account(b"good")}, same_account=False)
        await check_accounts(good, {"wren": account(b"good")}, same_account=False)
        await good.join()
        await check_accounts(good, {"wren": account(b"good")}, same_account=False)
