"""Several outboxes in one database: each with references, caps, halts and accounts of its own."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from batch_world import World, world
from hypothesis import given
from hypothesis import strategies as st
from outbox_world import Outboxes, becomes, state_of, until

from wren_async import InvalidArgument, InvalidConfiguration, JournalError, ReferenceReused
from wren_async.outbox import CNaughtMass, Outbox, OutboxCaps, State, Submission, WrenTrees, submit_within
from wren_async.outbox.names import own_reference, sent_reference
from wren_async.outbox.postgres import outbox_names
from wren_async.outbox.service import OutboxService
from wren_async.postgres.dsn import Dsn
from wren_async.sandbox import FaultKind, When

RIDE = CNaughtMass(amount_kg=50)  # 100 cents
OTHER = CNaughtMass(amount_kg=51)
TREES = WrenTrees(amount_of_trees=2, payment_method="credits")


async def of(here: World, address: str, stack: AsyncExitStack, name: str, **options: Any) -> Outbox:
    """An outbox of the database as one process has it."""
    wren, cnaught = here.clients()
    await stack.enter_async_context(wren)
    await stack.enter_async_context(cnaught)
    made = Outbox(address, name=name, wren=wren, cnaught=cnaught, **{"worker": False, **options})
    return await stack.enter_async_context(made)


def ordered(here: World) -> dict[str, int]:
    return {name: len(each) for name, each in here.committed().items() if "seed" not in name}


async def test_the_same_reference_in_two_outboxes_is_two_orders_each_of_which_is_found_again(
    here: World, database_address: str
) -> None:
    await here.seed()
    async with AsyncExitStack() as stack:
        rides, flights = [await of(here, database_address, stack, name) for name in ("rides", "flights")]
        await rides.submit(TREES, reference="1")
        await rides.drain()
        here.sandbox.faults.add(kind=FaultKind.RESET, when=When.BEFORE, operation="createTreeOrder", nth=2)
        await flights.submit(TREES, reference="1")
        await flights.drain()
        assert await state_of(flights, "1") is State.UNDECIDED, "the order of the other outbox is not taken for it"
        assert (await rides.result("1")).result.order_id is not None
        await flights.mark_not_placed("1")
        assert await state_of(flights, "1") is State.REFUSED
        with pytest.raises(ReferenceReused):
            await rides.submit(OTHER, reference="1")
        assert [each.number for each in await flights._it.store.finished(0, 9)] == []
        await flights.drain()
        assert [each.number for each in await flights._it.store.finished(0, 9)] == [1]
    assert ordered(here) == {"rides/1": 1}


async def test_caps_sums_and_words_of_one_outbox_are_not_those_of_another(here: World, database_address: str) -> None:
    heard: dict[str, list[str]] = {"rides": [], "main": []}

    def hear(name: str) -> Any:
        async def on_settled(submission: Submission) -> None:
            heard[name].append(submission.reference)

        return on_settled

    async with AsyncExitStack() as stack:
        caps = OutboxCaps(cents_per_day=100)
        rides = await of(here, database_address, stack, "rides", caps=caps, worker=True, on_settled=hear("rides"))
        main = await of(here, database_address, stack, "main", worker=True, on_settled=hear("main"))
        for number in range(3):
            await rides.submit(RIDE, reference=f"ride-{number}")
            await main.submit(RIDE, reference=f"main-{number}")
        for number in range(3):
            await becomes(main, f"main-{number}", State.PLACED)
        await until(lambda: len(heard["main"]) == 3 and len(heard["rides"]) == 1)
        in_rides, in_main = await rides.health(), await main.health()
    assert (in_rides.spent.cents_today, in_main.spent.cents_today) == (100, 300)
    assert (in_rides.waiting, in_main.waiting) == (2, 0)
    assert in_rides.totals.orders[State.PLACED] == 1
    assert set(heard["main"]) == {"main-0", "main-1", "main-2"}


async def test_a_synchronous_app_names_its_outbox_and_a_wrong_name_is_refused(
    here: World, database_address: str
) -> None:
    async with AsyncExitStack() as stack:
        rides = await of(here, database_address, stack, "rides")
        with psycopg.connect(database_address) as connection:
            assert submit_within(connection, RIDE, reference="1", name="rides").is_new
        with (
            psycopg.connect(database_address) as connection,
            pytest.raises(InvalidConfiguration, match="no outbox of this name"),
        ):
            submit_within(connection, RIDE, reference="1", name="rydes")
        assert not (await rides.submit(RIDE, reference="1")).is_new


@pytest.mark.parametrize("name", ["", "Rides", "a/b", "a b", "a:b", "-a", "r" * 41, None, 7])
def test_an_odd_name_is_refused(tmp_path: Path, name: Any) -> None:
    with pytest.raises(InvalidArgument, match="name"):
        Outbox(tmp_path / "orders.outbox", name=name)


def test_a_reference_leaves_room_for_the_name_that_is_sent_before_it() -> None:
    assert sent_reference("main", "r" * 100) == "r" * 100
    assert sent_reference("rides", "1") == "rides/1"
    assert own_reference("rides", "rides/rides/1") == "rides/1"
    assert sent_reference("main", "rides/1") == "main/rides/1"
    with pytest.raises(InvalidArgument, match="takes 1 to 95 characters in the outbox 'main'"):
        sent_reference("main", "rides/" + "r" * 90)
    with pytest.raises(InvalidArgument, match="takes 1 to 94 characters in the outbox 'rides'"):
        sent_reference("rides", "r" * 95)


NAMES = st.sampled_from(["main", "rides", "a"])
REFERENCES = st.text("main/rides-1A.", min_size=1, max_size=12)


@given(one=st.tuples(NAMES, REFERENCES), other=st.tuples(NAMES, REFERENCES))
def test_no_two_orders_of_outboxes_are_sent_with_the_same_reference(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert (sent_reference(*one) == sent_reference(*other)) is (one == other)
    assert own_reference(one[0], sent_reference(*one)) == one[1]


async def test_a_reference_like_that_of_another_outbox_is_not_taken_for_it(here: World, database_address: str) -> None:
    await here.seed()
    async with AsyncExitStack() as stack:
        rides, main = [await of(here, database_address, stack, name) for name in ("rides", "main")]
        await rides.submit(TREES, reference="1")
        await rides.drain()
        here.sandbox.faults.add(kind=FaultKind.RESET, when=When.BEFORE, operation="createTreeOrder", nth=2)
        await main.submit(TREES, reference="rides/1")
        await main.drain()
        assert await state_of(main, "rides/1") is State.UNDECIDED
        here.pass_time(1000)
        async with asyncio.timeout(20):
            while await state_of(main, "rides/1") is not State.PLACED:
                await main.drain()
    assert ordered(here) == {"rides/1": 1, "main/rides/1": 1}


async def test_a_file_is_one_outbox_by_its_name(boxes: Outboxes) -> None:
    async with boxes.open(name="rides") as outbox:
        await outbox.submit(RIDE, reference="1")
        await outbox.drain()
        assert (await outbox.result("1")).state is State.PLACED
    with pytest.raises(JournalError, match=r"is the outbox 'rides', and not 'main'"):
        async with boxes.open():
            pass
    assert ordered(boxes.here) == {"rides/1": 1}


# --- a worker for all of them ---


async def test_a_worker_places_all_outboxes_those_that_are_made_later_too(
    here: World, database_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wren_async.outbox import service

    monkeypatch.setattr(service, "_LOOK", 0.05)
    wren, cnaught = here.clients()
    async with wren, cnaught, OutboxService(Dsn(database_address), wren=wren, cnaught=cnaught) as worker:
        for name in ("rides", "flights"):
            async with Outbox(database_address, name=name) as web:
                await web.submit(RIDE, reference="1")
                await becomes(web, "1", State.PLACED)
        assert worker.lapse is None
    assert ordered(here) == {"rides/1": 1, "flights/1": 1}


async def test_a_worker_goes_on_looking_for_new_outboxes_whatever_it_met(
    here: World, database_address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from wren_async.outbox import service

    looks = 0

    async def names(connection: Any) -> list[str]:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise psycopg.errors.InsufficientPrivilege("permission denied for table outbox_name")
        return await outbox_names(connection)

    monkeypatch.setattr(service, "_LOOK", 0.05)
    monkeypatch.setattr(service, "outbox_names", names)
    wren, cnaught = here.clients()
    async with wren, cnaught, OutboxService(Dsn(database_address), wren=wren, cnaught=cnaught):
        await until(lambda: looks >= 2)
        async with Outbox(database_address, name="rides") as web:
            await web.submit(RIDE, reference="1")
            await becomes(web, "1", State.PLACED)
    assert caplog.text.count("permission denied for table outbox_name: let the role use") == 1


async def test_an_outbox_that_cannot_be_opened_keeps_no_worker_from_the_others(
    here: World, database_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wren_async.outbox import service

    monkeypatch.setattr(service, "_LOOK", 0.05)
    wren, cnaught = here.clients()
    async with wren, cnaught, OutboxService(Dsn(database_address), wren=wren, cnaught=cnaught):
        async with Outbox(database_address, name="damaged") as damaged:
            await damaged._it.store.note("outbox caps", "nonsense")
        async with Outbox(database_address, name="rides") as web:
            await web.submit(RIDE, reference="1")
            await becomes(web, "1", State.PLACED)


async def test_a_worker_places_the_outboxes_that_are_named_and_no_other(
    here: World, database_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Outbox(database_address, name="rides") as rides, Outbox(database_address, name="flights") as flights:
        await rides.submit(RIDE, reference="1")
        await flights.submit(RIDE, reference="1")
        wren, cnaught = here.clients()
        service = OutboxService(
            Dsn(database_address), names=["rides", "none-such"], wren=wren, cnaught=cnaught, worker=False
        )
        async with wren, cnaught, service:
            await service.drain()
        assert await state_of(flights, "1") is State.PENDING
    assert ordered(here) == {"rides/1": 1}
    assert "the database has no outbox 'none-such' yet" in caplog.text


async def test_an_outbox_of_another_account_is_left_alone_and_the_others_are_placed(
    here: World, database_address: str
) -> None:
    async with world() as elsewhere, AsyncExitStack() as stack:
        for account, name in ((here, "ours"), (elsewhere, "theirs")):
            outbox = await of(account, database_address, stack, name)
            await outbox.submit(RIDE, reference="0")
            await outbox.drain()
            await outbox.submit(RIDE, reference="1")
        wren, cnaught = here.clients()
        service = OutboxService(Dsn(database_address), wren=wren, cnaught=cnaught, worker=False)
        async with wren, cnaught, service:
            with pytest.raises(JournalError, match="was begun with"):
                await service.drain()
        assert ordered(here) == {"ours/0": 1, "ours/1": 1}
        assert ordered(elsewhere) == {"theirs/0": 1}


# --- one API and the other, over all processes ---


async def test_a_pause_of_one_api_is_made_by_all_processes_and_holds_no_order_of_the_other(
    here: World, database_address: str
) -> None:
    await here.seed()
    here.sandbox.faults.add(kind=FaultKind.RATE_LIMIT, retry_after=600, operation="createTreeOrder", nth=2)
    async with AsyncExitStack() as stack:
        one = await of(here, database_address, stack, "main", worker=True, patience=0.0)
        await one.submit(TREES, reference="trees-0")
        with psycopg.connect(database_address, autocommit=True) as connection:
            async with asyncio.timeout(20):
                while not _paused(connection):  # noqa: ASYNC110 - what is waited for tells no one
                    await asyncio.sleep(0.01)
            two = await of(here, database_address, stack, "main", worker=True, patience=0.0)
            for number in range(6):
                await (one, two)[number % 2].submit(RIDE, reference=f"ride-{number}")
                await (two, one)[number % 2].submit(TREES, reference=f"trees-{number}")
            for number in range(6):
                await becomes(one, f"ride-{number}", State.PLACED)
            assert _paused(connection) == ["outbox main wren"]
            states = {await state_of(two, f"trees-{number}") for number in range(6)}
        assert State.PLACED not in states
    assert ordered(here) == {f"ride-{number}": 1 for number in range(6)}


def _paused(connection: psycopg.Connection[Any]) -> list[str]:
    query = "SELECT name FROM wren_async.batch WHERE paused_until > clock_timestamp()"
    return [name for (name,) in connection.execute(query).fetchall()]


async def test_a_refused_token_of_one_api_keeps_no_process_from_placing_for_the_other(
    here: World, database_address: str
) -> None:
    await here.seed()
    async with AsyncExitStack() as stack:
        first = await of(here, database_address, stack, "main")
        await first.submit(TREES, reference="trees-0")
        await first.drain()
        await first.submit(TREES, reference="trees-1")
    # What is older than the first of them has to be looked for in the lists before it is sent, by whichever process.
    here.sandbox.faults.add(kind=FaultKind.STATUS, status=401, operation="listTreeOrders", times=1000)
    async with AsyncExitStack() as stack:
        one, two = [await of(here, database_address, stack, "main", worker=True, patience=0.0) for _ in range(2)]
        for number, outbox in enumerate((one, two)):
            await outbox.submit(RIDE, reference=f"ride-{number}")
            await becomes(outbox, f"ride-{number}", State.PLACED)
        assert await state_of(two, "trees-1") is State.PENDING
    assert ordered(here) == {"trees-0": 1, "ride-0": 1, "ride-1": 1}
