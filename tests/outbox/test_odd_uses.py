"""What people do to an outbox by mistake, or without meaning to: it says so, or does what they would expect."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from outbox_world import Outboxes, becomes, state_of, until

from wren_async import InvalidArgument, JournalError, UsageError
from wren_async.outbox import CNaughtMass, OutboxCaps, State, Submission, WrenTrees
from wren_async.sandbox import FaultKind, When

RIDE = CNaughtMass(amount_kg=50)  # 100 cents
TREES = WrenTrees(amount_of_trees=2, payment_method="credits")


async def test_what_a_cancelled_handler_has_submitted_is_placed_though_nothing_else_is_submitted(
    boxes: Outboxes,
) -> None:
    async with boxes.open(worker=True) as outbox:
        for number in range(5):
            handler = asyncio.ensure_future(outbox.submit(RIDE, reference=f"ride-{number}"))
            await asyncio.sleep(0)
            handler.cancel()
            await asyncio.wait([handler])
            assert handler.cancelled()
            async with asyncio.timeout(20):
                while await outbox.get(f"ride-{number}") is None:  # noqa: ASYNC110 - what is waited for tells no one
                    await asyncio.sleep(0.001)
            await becomes(outbox, f"ride-{number}", State.PLACED)


async def test_a_callback_that_always_fails_holds_no_order_up_and_is_told_in_the_health(boxes: Outboxes) -> None:
    async def on_settled(submission: Submission) -> None:
        raise RuntimeError("the app's secret database is away")

    async with boxes.open(on_settled=on_settled, worker=True) as outbox:
        for number in range(3):
            await outbox.submit(RIDE, reference=f"ride-{number}")
        async for submission in outbox.settled():
            if submission.number == 3:
                break
        await until(lambda: outbox._it.telling.problem is not None)
        problem = (await outbox.health()).problem
    assert problem == "on_settled raised RuntimeError for 'ride-0': it gets no other order before it returned"


async def test_a_file_is_held_by_one_outbox_and_an_outbox_is_opened_once(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        with pytest.raises(JournalError, match="already open in this process"):
            async with boxes.open():
                pass
        with pytest.raises(UsageError, match="open already"):
            await outbox.__aenter__()
        await outbox.submit(RIDE, reference="ride-1")
    with pytest.raises(UsageError, match="once it is closed"):
        await outbox.submit(RIDE, reference="ride-1")


@pytest.mark.parametrize("within", [-1, float("nan"), float("inf"), None, "2", True])
async def test_an_odd_time_to_wait_is_refused(boxes: Outboxes, within: Any) -> None:
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        with pytest.raises(InvalidArgument, match="within"):
            await outbox.result("ride-1", within=within)


@pytest.mark.parametrize(
    "reference", ["é" * 100, "💚" * 30, "A/b", "../../x", "'; DROP TABLE orders; --", "%s {0}", "a\tb"]
)
async def test_an_unusual_reference_is_placed_and_found_again(boxes: Outboxes, reference: str) -> None:
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference=reference)
        await outbox.drain()
        assert await state_of(outbox, reference) is State.PLACED
    assert {name: len(each) for name, each in boxes.here.committed().items()} == {reference: 1}


async def test_a_month_may_be_capped_below_a_day(boxes: Outboxes) -> None:
    async with boxes.open(caps=OutboxCaps(cents_per_day=1000, cents_per_month=150)) as outbox:
        await outbox.submit(CNaughtMass(amount_kg=100), reference="too much")
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.submit(RIDE, reference="ride-2")
        await outbox.drain()
        states = [await state_of(outbox, name) for name in ("too much", "ride-1", "ride-2")]
        assert states == [State.REFUSED, State.PLACED, State.PENDING]
        assert (await outbox.health()).problem == (
            "orders of cnaught wait for the next day: the caps leave no room now"
        )


async def test_room_that_a_refused_order_leaves_under_the_caps_is_used_at_once(boxes: Outboxes) -> None:
    faults = boxes.here.sandbox.faults
    faults.add(kind=FaultKind.STATUS, status=400, when=When.BEFORE, operation="createOrder", times=1)
    began = boxes.here.timing.utc()
    async with boxes.open(caps=OutboxCaps(cents_per_day=100), worker=True) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.submit(RIDE, reference="ride-2")
        await becomes(outbox, "ride-1", State.REFUSED)
        await becomes(outbox, "ride-2", State.PLACED)
    assert boxes.here.timing.utc().date() == began.date()


async def test_a_lost_answer_and_an_order_that_needs_a_person_are_logged_by_reference(
    boxes: Outboxes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    boxes.here.sandbox.faults.add(kind=FaultKind.RESET, when=When.BEFORE, operation="createTreeOrder", nth=2)
    async with boxes.open() as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await outbox.drain()
        assert "order 'trees-1' is undecided, and is looked for" in caplog.text
        for _ in range(3):
            boxes.here.pass_time(5000)
            await outbox.drain()
        assert [each.reference for each in await outbox.needs_person()] == ["trees-1"]
    assert caplog.text.count("order 'trees-1' needs a person") == 1


async def test_an_empty_wallet_names_the_reference_of_the_order(boxes: Outboxes) -> None:
    await boxes.here.seed()
    faults = boxes.here.sandbox.faults
    faults.add(kind=FaultKind.STATUS, status=402, when=When.BEFORE, operation="createTreeOrder", nth=2)
    async with boxes.open() as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await outbox.drain()
        assert (await outbox.health()).problem.startswith("orders of wren are held back: order 'trees-1': ")  # type: ignore[union-attr]
