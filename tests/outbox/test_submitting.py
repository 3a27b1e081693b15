"""Submitting: what is written down, what is the same order, and what is refused before anything is."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from batch_world import World
from outbox_world import Outboxes

from wren_async import (
    Ceilings,
    CNaughtClient,
    InvalidArgument,
    InvalidConfiguration,
    JournalError,
    ReferenceReused,
    UsageError,
)
from wren_async.batch import Batch
from wren_async.outbox import (
    CNaughtMass,
    CNaughtPrice,
    Outbox,
    OutboxCaps,
    State,
    Submitted,
    WrenOffset,
    WrenProject,
    WrenTrees,
)

RIDE = CNaughtMass(amount_kg=12)


async def test_what_was_submitted_is_on_disk_for_the_next_life(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        assert await outbox.submit(RIDE, reference="ride-4711") == Submitted(reference="ride-4711", is_new=True)
    async with boxes.open() as outbox:
        submission = await outbox.get("ride-4711")
    assert submission is not None
    assert (submission.state, submission.intent) == (State.PENDING, RIDE)
    assert boxes.here.sandbox.orders == []


async def test_the_same_order_under_the_same_reference_is_one_order(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        news = [(await outbox.submit(RIDE, reference="ride-4711")).is_new for _ in range(3)]
        await outbox.drain()
        again = await outbox.submit(CNaughtMass(amount_kg=Decimal("12.0")), reference="ride-4711")
        await outbox.drain()
    assert news == [True, False, False]
    assert not again.is_new
    assert list(boxes.here.committed()) == ["ride-4711"]
    assert len(boxes.here.sandbox.orders) == 1


async def test_a_hundred_tasks_that_deliver_the_same_message_write_one_order(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(outbox.submit(RIDE, reference="ride-4711")) for _ in range(100)]
        await outbox.drain()
    assert sum(task.result().is_new for task in tasks) == 1
    assert len(boxes.here.sandbox.orders) == 1


@pytest.mark.parametrize("drained", [False, True])
async def test_another_order_under_the_same_reference_is_refused_and_both_are_named(
    boxes: Outboxes, *, drained: bool
) -> None:
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-4711")
        if drained:
            await outbox.drain()
        with pytest.raises(ReferenceReused, match=r'"12".* there and .*"13".* here'):
            await outbox.submit(CNaughtMass(amount_kg=13), reference="ride-4711")
        await outbox.drain()
    assert len(boxes.here.sandbox.orders) == 1


async def test_every_type_of_order_carries_its_reference(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        await outbox.submit(WrenOffset(tons=1, payment_method="credits", note="thanks"), reference="one")
        await outbox.submit(WrenTrees(amount_of_trees=2, payment_method="credits"), reference="two")
        await outbox.submit(
            WrenProject(project_id=18, amount_in_usd_cents=300, payment_method="credits"), reference="three"
        )
        await outbox.submit(RIDE, reference="four")
        await outbox.submit(CNaughtPrice(total_price_usd_cents=40), reference="five")
        await outbox.drain()
        states = {name: (await outbox.result(name)).state for name in ("one", "two", "three", "four", "five")}
    assert set(states.values()) == {State.PLACED}
    assert {name: len(orders) for name, orders in boxes.here.committed().items()} == dict.fromkeys(states, 1)
    texts = {order.reference for order in boxes.here.sandbox.orders}
    assert "[ref:one] thanks" in texts


@pytest.mark.parametrize("reference", ["", "a]b", " outer", "two\nlines", "r" * 101, None, 7])
async def test_a_reference_that_no_order_could_carry_is_refused(boxes: Outboxes, reference: Any) -> None:
    async with boxes.open() as outbox:
        with pytest.raises(InvalidArgument, match="reference"):
            await outbox.submit(RIDE, reference=reference)


async def test_a_text_that_leaves_no_room_for_the_reference_is_refused_when_it_is_submitted(boxes: Outboxes) -> None:
    long = CNaughtMass(amount_kg=12, metadata="m" * 450)
    async with boxes.open() as outbox:
        await outbox.submit(long, reference="r" * 20)
        with pytest.raises(InvalidArgument, match="metadata: must have"):
            await outbox.submit(long, reference="r" * 100)


@pytest.mark.parametrize("text", ["half \ud800", "nul \0"])
async def test_a_text_that_no_database_keeps_is_refused(boxes: Outboxes, text: str) -> None:
    async with boxes.open() as outbox:
        with pytest.raises(InvalidArgument, match=r"cannot be (stored|sent)"):
            await outbox.submit(CNaughtMass(amount_kg=12, description=text), reference="a")
        with pytest.raises(InvalidArgument, match=r"cannot be (stored|sent)"):
            await outbox.submit(RIDE, reference=text)


async def test_what_is_no_order_is_refused(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        with pytest.raises(InvalidArgument, match="CNaughtMass"):
            await outbox.submit({"amount_kg": 12}, reference="ride-4711")  # type: ignore[arg-type]


async def test_an_order_above_a_ceiling_is_refused_when_it_is_submitted(here: World, tmp_path: Path) -> None:
    at = here.sandbox.cnaught
    ceilings = Ceilings(kilograms=100, usd_cents=1000)
    async with (
        CNaughtClient(at.api_key, base_url=at.base_url, ceilings=ceilings) as cnaught,
        Outbox(tmp_path / "o", cnaught=cnaught, worker=False) as outbox,
    ):
        with pytest.raises(InvalidArgument, match="ceiling for one order is 100 kg"):
            await outbox.submit(CNaughtMass(amount_kg=101), reference="a")
        with pytest.raises(InvalidArgument, match="ceiling for one order is 1,000"):
            await outbox.submit(CNaughtPrice(total_price_usd_cents=1001), reference="b")
        assert await outbox.get("a") is None


async def test_an_order_whose_price_is_above_a_ceiling_is_refused_before_it_is_sent(
    here: World, tmp_path: Path
) -> None:
    at = here.sandbox.cnaught
    async with (
        CNaughtClient(at.api_key, base_url=at.base_url, ceilings=Ceilings(usd_cents=10)) as cnaught,
        Outbox(tmp_path / "o", cnaught=cnaught, worker=False) as outbox,
    ):
        await outbox.submit(CNaughtMass(amount_kg=50), reference="a")
        await outbox.drain()
        result = (await outbox.result("a")).result
    assert result.state is State.REFUSED
    assert "ceiling for one order is 10" in (result.reason or "")
    assert (result.attempts, result.first_sent) == (0, None)
    assert here.sandbox.orders == []


async def test_an_order_that_nobody_could_place_is_refused(here: World, tmp_path: Path) -> None:
    wren, cnaught = here.clients()
    async with wren, cnaught, Outbox(tmp_path / "o", cnaught=cnaught, worker=False) as outbox:
        with pytest.raises(InvalidConfiguration, match=r"give wren=WrenClient\(\.\.\.\)"):
            await outbox.submit(WrenTrees(amount_of_trees=1, payment_method="credits"), reference="a")


async def test_an_order_by_price_is_refused_beside_a_cap_on_mass(boxes: Outboxes) -> None:
    async with boxes.open(caps=OutboxCaps(kilograms_per_day=100)) as outbox:
        with pytest.raises(InvalidArgument, match="order by amount_kg"):
            await outbox.submit(CNaughtPrice(total_price_usd_cents=40), reference="a")


async def test_an_outbox_in_a_file_takes_no_connection_and_says_where_to_go(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        with pytest.raises(InvalidConfiguration, match="postgresql://"):
            await outbox.submit(RIDE, reference="a", connection=object())
        assert await outbox.get("a") is None


async def test_a_file_is_held_by_one_outbox_at_a_time(boxes: Outboxes) -> None:
    async with boxes.open():
        with pytest.raises(JournalError, match="already open in this process"):
            async with boxes.open():
                pass


async def test_the_journal_of_a_batch_is_no_outbox(here: World, tmp_path: Path) -> None:
    wren, cnaught = here.clients()
    async with wren, cnaught:
        async with Batch(tmp_path / "o", cnaught=cnaught) as batch:
            await batch.plan([RIDE])
        with pytest.raises(JournalError, match="journal of a batch"):
            async with Outbox(tmp_path / "o", cnaught=cnaught):
                pass


async def test_outside_of_async_with_it_says_so(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o")
    with pytest.raises(UsageError, match="async with"):
        await outbox.submit(RIDE, reference="a")


@pytest.mark.parametrize("concurrency", [0, True, "many"])
def test_an_odd_concurrency_is_refused(tmp_path: Path, concurrency: Any) -> None:
    with pytest.raises(InvalidArgument, match="concurrency"):
        Outbox(tmp_path / "o", concurrency=concurrency)


async def test_a_submission_that_is_cancelled_is_whole_or_not_there(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        for number in range(20):
            task = asyncio.ensure_future(outbox.submit(RIDE, reference=f"ride-{number}"))
            for _ in range(number % 5):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert (await outbox.submit(RIDE, reference=f"ride-{number}")).reference == f"ride-{number}"
        await outbox.drain()
    assert sorted(boxes.here.committed()) == sorted(f"ride-{number}" for number in range(20))
    assert len(boxes.here.sandbox.orders) == 20


def test_every_name_is_there_without_the_extras_and_a_database_names_the_one_it_needs() -> None:
    code = """
import sys
for extra in ("psycopg", "psycopg_pool", "procrastinate", "sqlalchemy", "asyncpg"):
    sys.modules[extra] = None  # as if it were not installed
from wren_async import InvalidConfiguration
from wren_async.outbox import *
Outbox("orders.outbox")
try:
    Outbox("postgresql://app@localhost/rides")
except InvalidConfiguration as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'wren-async[postgres]'" in done.stdout


MEANT_AS_ADDRESSES = [
    "postgresql+psycopg://app:hidden-word@db.example/rides",
    " postgresql+asyncpg://app:hidden-word@db.example/rides",
    "mysql://app:hidden-word@db.example/rides",
    "POSTGRES:app:hidden-word@db.example",
    Path("postgresql://app:hidden-word@db.example/rides"),
]


@pytest.mark.parametrize("address", MEANT_AS_ADDRESSES, ids=str)
def test_a_wrong_address_of_a_database_is_never_taken_for_a_file(
    address: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for kind, faults in ((Outbox, InvalidConfiguration), (Batch, InvalidArgument)):
        with pytest.raises(faults, match=r"address of (the|a) database") as refused:
            kind(address)
        assert "hidden-word" not in str(refused.value)
    assert os.listdir(tmp_path) == []


async def test_an_address_in_words_is_the_database_and_no_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(JournalError) as refused:
        async with Outbox("host=127.0.0.1 port=1 user=app password=hidden-word dbname=rides"):
            pass
    assert "postgresql://app@127.0.0.1:1/rides" in str(refused.value)
    assert "hidden-word" not in str(refused.value)
    assert os.listdir(tmp_path) == []


async def test_a_path_may_have_words_and_colons_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "host=db1" / "a:b.outbox"
    path.parent.mkdir()
    async with Outbox(str(path)) as outbox:
        assert await outbox.get("ride-4711") is None
    assert path.exists()
