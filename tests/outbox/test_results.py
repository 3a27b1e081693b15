"""How an app hears of what became of its orders: by waiting a little, by an iterator, and by a callback."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from outbox_world import Outboxes, becomes, until

from wren_async import InvalidArgument
from wren_async.outbox import CNaughtMass, State, Submission, WrenTrees
from wren_async.sandbox import FaultKind, When

RIDE = CNaughtMass(amount_kg=12)


async def test_a_handler_that_waits_gets_the_placed_order(boxes: Outboxes) -> None:
    boxes.here.sandbox.faults.add(kind=FaultKind.LATENCY, seconds=0.05, operation="createOrder", times=1)
    async with boxes.open(worker=True, timing=None) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        submission = await outbox.result("ride-1", within=20)
    assert (submission.state, submission.is_settled) == (State.PLACED, True)
    assert submission.result.order_id == boxes.here.sandbox.orders[0].id
    assert submission.result.cents == boxes.here.sandbox.orders[0].cents


async def test_a_handler_that_has_waited_long_enough_is_told_how_it_stands(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        submission = await outbox.result("ride-1", within=2)
        await outbox.drain()
        later = await outbox.result("ride-1", within=0)
    assert (submission.state, submission.is_settled) == (State.PENDING, False)
    assert boxes.here.waits[0] == 2
    assert later.state is State.PLACED


async def test_waiting_for_what_was_never_submitted_is_a_mistake(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        assert await outbox.get("ride-1") is None
        with pytest.raises(InvalidArgument, match="never submitted"):
            await outbox.result("ride-1")


async def test_a_handler_that_waits_is_released_when_the_outbox_closes(boxes: Outboxes) -> None:
    async with boxes.open(timing=None) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        waiting = asyncio.ensure_future(outbox.result("ride-1", within=600))
        await until(lambda: bool(outbox._waiting._by_reference))
        await asyncio.sleep(0.01)
    assert not (await asyncio.wait_for(waiting, 5)).is_settled


async def test_handlers_that_are_cancelled_leave_nothing_behind(boxes: Outboxes) -> None:
    async with boxes.open(timing=None) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        waiting = [asyncio.ensure_future(outbox.result("ride-1", within=600)) for _ in range(5)]
        await until(lambda: bool(outbox._waiting._by_reference))
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        assert outbox._waiting._by_reference == {}
        await outbox.drain()
    assert len(boxes.here.sandbox.orders) == 1


# --- the iterator ---


async def test_settled_orders_come_by_number_and_go_on_after_any_number(boxes: Outboxes) -> None:
    async with boxes.open() as outbox:
        for number in range(5):
            await outbox.submit(RIDE, reference=f"ride-{number}")
        await outbox.drain()
        first = [each async for each in _first(outbox.settled(), 5)]
        rest = [each async for each in _first(outbox.settled(after=3), 2)]
    assert [each.number for each in first] == [1, 2, 3, 4, 5]
    assert {each.reference for each in first} == {f"ride-{number}" for number in range(5)}
    assert rest == first[3:]


async def test_an_iterator_waits_for_the_orders_to_come_and_ends_with_the_outbox(boxes: Outboxes) -> None:
    heard: list[str] = []
    async with boxes.open(worker=True) as outbox:

        async def listen() -> None:
            async for submission in outbox.settled():
                heard.append(submission.reference)

        listening = asyncio.ensure_future(listen())
        for number in range(3):
            await outbox.submit(RIDE, reference=f"ride-{number}")
            await until(lambda number=number: len(heard) > number)  # type: ignore[misc]
    await asyncio.wait_for(listening, 5)
    assert heard == ["ride-0", "ride-1", "ride-2"]


async def _first(submissions: object, count: int) -> object:
    async for submission in submissions:  # type: ignore[attr-defined]
        yield submission
        count -= 1
        if not count:
            await submissions.aclose()  # type: ignore[attr-defined]
            return


# --- the callback ---


async def test_a_callback_hears_of_each_settled_order_once_in_all_lives(boxes: Outboxes) -> None:
    heard: list[str] = []

    async def on_settled(submission: Submission) -> None:
        heard.append(f"{submission.reference} {submission.state}")

    boxes.here.sandbox.faults.add(kind=FaultKind.STATUS, status=400, when=When.BEFORE, operation="createOrder", nth=2)
    async with boxes.open(on_settled=on_settled) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
        await outbox.submit(RIDE, reference="ride-2")
        await outbox.drain()
    async with boxes.open(on_settled=on_settled, worker=True) as outbox:
        await outbox.submit(RIDE, reference="ride-3")
        await until(lambda: len(heard) == 3)
    assert heard == ["ride-1 placed", "ride-2 refused", "ride-3 placed"]


async def test_a_callback_that_fails_is_called_again_and_gets_no_other_order_before(
    boxes: Outboxes, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    async def on_settled(submission: Submission) -> None:
        heard.append(submission.reference)
        if len(heard) < 3:
            raise RuntimeError("the app's database is away")

    async with boxes.open(on_settled=on_settled, worker=True) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await until(lambda: len(heard) == 3)
        await outbox.submit(RIDE, reference="ride-2")
        await until(lambda: len(heard) == 4)
    assert heard == ["ride-1"] * 3 + ["ride-2"]
    assert "the app's database is away" in caplog.text


async def test_what_a_life_could_not_tell_is_told_by_the_next(boxes: Outboxes) -> None:
    heard: list[str] = []

    async def never(submission: Submission) -> None:
        await asyncio.Event().wait()

    async def on_settled(submission: Submission) -> None:
        heard.append(submission.reference)

    async with boxes.open(on_settled=never, worker=True) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await becomes(outbox, "ride-1", State.PLACED)
    async with boxes.open(on_settled=on_settled, worker=True) as outbox:
        await until(lambda: heard == ["ride-1"])
        assert (await outbox.health()).problem is None


async def test_a_callback_that_swallows_a_cancellation_does_not_keep_it_from_closing(boxes: Outboxes) -> None:
    """As it may with `asyncio.wait_for` on Python 3.11."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def on_settled(submission: Submission) -> None:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await never.wait()

    async with asyncio.timeout(20):
        async with boxes.open(on_settled=on_settled, worker=True) as outbox:
            await outbox.submit(RIDE, reference="ride-1")
            await begun.wait()


# --- those that need a person ---


@pytest.mark.parametrize("was_placed", [True, False])
async def test_an_order_that_cannot_be_found_out_is_listed_and_settled_by_hand(
    boxes: Outboxes, *, was_placed: bool
) -> None:
    here = boxes.here  # its lists have never shown a reference: absence proves nothing
    here.sandbox.faults.add(kind=FaultKind.RESET, when=When.BEFORE, operation="createTreeOrder", nth=2)
    async with boxes.open() as outbox:
        await outbox.submit(WrenTrees(amount_of_trees=2, payment_method="credits"), reference="trees-1")
        await outbox.drain()
        assert await outbox.needs_person() == []
        here.pass_time(2000)
        await outbox.drain()
        assert [(each.reference, each.state) for each in await outbox.needs_person()] == [("trees-1", State.UNDECIDED)]
        for order_id, cents in (("", None), ("order-9", -1)):
            with pytest.raises(InvalidArgument, match=r"(order_id|cents): takes"):
                await outbox.mark_placed("trees-1", order_id, cents=cents)
        assert [each.state for each in await outbox.needs_person()] == [State.UNDECIDED]
        if was_placed:
            await outbox.mark_placed("trees-1", "order-9", cents=1000)
        else:
            await outbox.mark_not_placed("trees-1")
        settled = (await outbox.result("trees-1")).result
        assert await outbox.needs_person() == []
        with pytest.raises(InvalidArgument, match="not undecided"):
            await outbox.mark_placed("trees-1", "order-9")
        with pytest.raises(InvalidArgument, match="never submitted"):
            await outbox.mark_not_placed("nothing")
    if was_placed:
        assert (settled.state, settled.order_id, settled.cents) == (State.PLACED, "order-9", 1000)
    else:
        assert (settled.state, settled.reason) == (State.REFUSED, "not placed, says a person")
