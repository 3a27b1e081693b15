"""Caps of a day and of a month: reserved before sending, and kept whatever becomes of the orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outbox_world import Outboxes, becomes, state_of, until

from wren_async import InvalidArgument
from wren_async.batch.journal.contract import Result
from wren_async.batch.journal.notes import Note
from wren_async.outbox import CNaughtMass, CNaughtPrice, OutboxCaps, Spent, State, WrenTrees
from wren_async.outbox.caps import Room, day_of, until_tomorrow
from wren_async.outbox.schedule import Looks, needs_person, next_look
from wren_async.sandbox import FaultKind, When

RIDE = CNaughtMass(amount_kg=50)  # 100 cents
TREES = WrenTrees(amount_of_trees=1, payment_method="credits")  # 500 cents
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


async def placed(boxes: Outboxes) -> int:
    return sum(order.cents for order in boxes.here.sandbox.orders if "seed" not in (order.reference or ""))


async def test_what_does_not_fit_today_is_placed_tomorrow(boxes: Outboxes) -> None:
    async with boxes.open(caps=OutboxCaps(cents_per_day=250)) as outbox:
        for number in range(6):
            await outbox.submit(RIDE, reference=f"ride-{number}")
        spent = []
        for _ in range(4):
            await outbox.drain()
            spent.append(await placed(boxes))
            boxes.here.pass_time(86_400)
        health = await outbox.health()
    assert spent == [200, 400, 600, 600]
    assert health.waiting == 0


async def test_the_cap_holds_over_all_lives(boxes: Outboxes) -> None:
    for number in range(4):
        async with boxes.open(caps=OutboxCaps(cents_per_day=250)) as outbox:
            await outbox.submit(RIDE, reference=f"ride-{number}")
            await outbox.drain()
            waiting = (await outbox.health()).waiting
    assert await placed(boxes) == 200
    assert waiting == 2


async def test_the_outbox_keeps_its_caps_until_they_are_lifted(boxes: Outboxes) -> None:
    async with boxes.open(caps=OutboxCaps(cents_per_day=250, kilograms_per_day=Decimal("1000.5"))) as outbox:
        await outbox.submit(RIDE, reference="ride-0")
    async with boxes.open() as outbox:
        for number in range(5):
            await outbox.submit(RIDE, reference=f"ride-{number}")
        with pytest.raises(InvalidArgument, match="order by amount_kg"):
            await outbox.submit(CNaughtPrice(total_price_usd_cents=40), reference="by-price")
        await outbox.drain()
    assert await placed(boxes) == 200
    async with boxes.open(caps=OutboxCaps()) as outbox:
        await outbox.drain()
    assert await placed(boxes) == 500


async def test_a_month_is_capped_beside_its_days(boxes: Outboxes) -> None:
    caps = OutboxCaps(cents_per_day=100, cents_per_month=300, kilograms_per_month=1000)
    async with boxes.open(caps=caps) as outbox:
        for number in range(40):
            await outbox.submit(RIDE, reference=f"ride-{number}")
        by_month: dict[str, int] = {}
        for _ in range(75):
            before = await placed(boxes)
            await outbox.drain()
            month = day_of(boxes.here.timing.utc())[:7]
            by_month[month] = by_month.get(month, 0) + await placed(boxes) - before
            boxes.here.pass_time(86_400)
    assert len(by_month) >= 3
    assert max(by_month.values()) == 300


async def test_a_small_order_need_not_wait_for_a_large_one(boxes: Outboxes) -> None:
    async with boxes.open(caps=OutboxCaps(cents_per_day=550)) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.submit(CNaughtMass(amount_kg=250), reference="large")
        await outbox.submit(RIDE, reference="ride-2")
        await outbox.drain()
        states = [await state_of(outbox, name) for name in ("ride-1", "large", "ride-2")]
    assert states == [State.PLACED, State.PENDING, State.PLACED]


async def test_what_would_not_fit_into_an_empty_day_is_refused_with_the_reason(boxes: Outboxes) -> None:
    async with boxes.open(caps=OutboxCaps(cents_per_day=99, kilograms_per_day=Decimal("49.9"))) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.submit(CNaughtMass(amount_kg=49), reference="ride-2")
        await outbox.drain()
        first, second = await outbox.result("ride-1"), await outbox.result("ride-2")
    assert first.state is State.REFUSED
    assert "may spend $0.99 in a day or month" in (first.result.reason or "")
    assert second.state is State.PLACED


async def test_a_refused_order_frees_its_money_and_an_undecided_one_keeps_it(boxes: Outboxes) -> None:
    faults = boxes.here.sandbox.faults
    faults.add(kind=FaultKind.STATUS, status=400, when=When.BEFORE, operation="createOrder", times=1)
    async with boxes.open(caps=OutboxCaps(cents_per_day=500)) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
        assert (await outbox.health()).spent == Spent()
        faults.add(kind=FaultKind.RESET, when=When.BEFORE, operation="createTreeOrder", nth=2)
        await outbox.submit(TREES, reference="trees-1")
        await outbox.drain()
        assert await state_of(outbox, "trees-1") is State.UNDECIDED
        assert (await outbox.health()).spent.cents_today == 500
        await outbox.submit(RIDE, reference="ride-2")
        await outbox.drain()
        assert await state_of(outbox, "ride-2") is State.PENDING
        await outbox.mark_not_placed("trees-1")
        await outbox.drain()
        await outbox.drain()
        assert await state_of(outbox, "ride-2") is State.PLACED
        assert (await outbox.health()).spent.cents_today == 100


async def test_a_worker_in_the_background_waits_for_the_next_day(boxes: Outboxes) -> None:
    async with boxes.open(caps=OutboxCaps(cents_per_day=100), worker=True) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await becomes(outbox, "ride-1", State.PLACED)
        began = boxes.here.timing.utc()
        await outbox.submit(RIDE, reference="ride-2")
        await becomes(outbox, "ride-2", State.PLACED)
        await until(lambda: bool(boxes.here.waits))
    assert day_of(boxes.here.timing.utc()) > day_of(began)
    assert max(boxes.here.waits) <= 600, "it looks at the clock, which may be set meanwhile"


@pytest.mark.parametrize(
    "given_caps",
    [
        {"cents_per_day": -1},
        {"cents_per_day": 1.5},
        {"cents_per_month": True},
        {"cents_per_month": Decimal(5)},
        {"kilograms_per_day": 0.5},
        {"kilograms_per_month": Decimal("NaN")},
        {"kilograms_per_month": Decimal("Infinity")},
    ],
)
def test_an_odd_cap_is_refused(given_caps: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(given_caps))):
        OutboxCaps(**given_caps)


async def test_an_order_that_only_the_account_knows_of_counts_as_spent(boxes: Outboxes) -> None:
    await boxes.here.seed()
    async with boxes.open():
        pass
    backup = boxes.path.read_bytes()
    async with boxes.open() as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await outbox.drain()
    boxes.path.write_bytes(backup)
    async with boxes.open(look_first=True, caps=OutboxCaps(cents_per_day=500)) as outbox:
        await outbox.submit(TREES, reference="trees-1")
        await outbox.drain()
        assert await state_of(outbox, "trees-1") is State.UNDECIDED
        assert (await outbox.health()).spent.cents_today == 500
        await outbox.submit(RIDE, reference="ride-1")
        boxes.here.pass_time(10)
        await outbox.drain()
        assert await state_of(outbox, "trees-1") is State.PLACED
        assert await state_of(outbox, "ride-1") is State.PENDING
        assert (await outbox.health()).spent.cents_today == 500


async def test_orders_that_are_put_in_doubt_all_at_once_count_as_spent(boxes: Outboxes) -> None:
    await boxes.here.seed()
    async with boxes.open() as outbox:
        await outbox.submit(TREES, reference="trees-1")
        journal = outbox._it.store.journals["wren"]
        await outbox._it.placing["wren"].planning.plan()
        await journal.note(Note.DOUBT, "something else may have placed them")
        await outbox.drain()
        assert await state_of(outbox, "trees-1") is State.UNDECIDED
        assert (await outbox.health()).spent.cents_today == 500


@pytest.mark.parametrize("jump", [86_400, -86_400], ids=["ahead", "behind"])
async def test_a_clock_that_jumps_to_another_day_makes_no_room_under_the_caps(boxes: Outboxes, jump: float) -> None:
    async with boxes.open(caps=OutboxCaps(cents_per_day=100)) as outbox:
        await outbox.submit(RIDE, reference="ride-1")
        await outbox.drain()
        boxes.here.jump = jump
        await outbox.submit(RIDE, reference="ride-2")
        await outbox.drain()
        assert await state_of(outbox, "ride-2") is State.PENDING
        assert (await outbox.health()).spent.cents_today == 100
        boxes.here.pass_time(86_400)
        await outbox.drain()
        assert await state_of(outbox, "ride-2") is State.PLACED


# --- pure ---

AMOUNTS = st.integers(0, 1000)


@given(orders=st.lists(st.tuples(AMOUNTS, AMOUNTS)), cents=st.none() | AMOUNTS, grams=st.none() | AMOUNTS)
def test_what_is_reserved_never_exceeds_the_room(
    orders: list[tuple[int, int]], cents: int | None, grams: int | None
) -> None:
    room = Room(cents=cents, grams=grams)
    taken = [order for order in orders if room.reserve(*order)]
    assert cents is None or sum(each for each, _ in taken) + (room.cents or 0) == cents
    assert grams is None or sum(each for _, each in taken) + (room.grams or 0) == grams
    assert (room.cents or 0) >= 0
    assert (room.grams or 0) >= 0


@given(st.datetimes(timezones=st.just(UTC), max_value=datetime(9000, 1, 1)))
def test_tomorrow_begins_within_a_day(moment: datetime) -> None:
    left = until_tomorrow(moment)
    assert 0 < left <= 86_400
    assert day_of(moment + timedelta(seconds=left)) > day_of(moment)


def test_a_lost_order_is_looked_for_soon_after_the_settle_time_and_then_every_hour() -> None:
    lost = Result(state=State.UNDECIDED, last_sent=NOON)

    def after(seconds: float | None) -> float | None:
        looked = None if seconds is None else NOON + timedelta(seconds=seconds)
        at = next_look(lost, looked, 900, looked or NOON)
        return None if at is None else (at - NOON).total_seconds()

    assert [after(each) for each in (None, 5, 400, 902, 5000)] == [5, 902, 902, 4502, 8600]
    assert next_look(Result(state=State.UNDECIDED), None, 900, NOON) is None


def test_a_clock_that_was_ahead_for_a_while_hides_no_lost_order() -> None:
    ahead, looks = NOON + timedelta(days=400), Looks(900)
    looks.looked(ahead)
    looks.add(Result(state=State.UNDECIDED, last_sent=ahead), ahead)
    assert looks.is_due(NOON), "the time was found by a clock that was wrong"
    assert (looks.seconds(NOON) or 0) <= 3600, "and nobody sleeps that long"
    looks.looked(NOON)
    looks.add(Result(state=State.UNDECIDED, last_sent=ahead), NOON)
    assert not looks.is_due(NOON + timedelta(minutes=59))
    assert looks.is_due(NOON + timedelta(hours=1))
    looks.looked(ahead)
    looks.add(Result(state=State.UNDECIDED, last_sent=NOON), NOON)
    assert looks.is_due(NOON + timedelta(seconds=902))
    assert needs_person(Result(state=State.UNDECIDED, last_sent=ahead), NOON, 900)


def test_a_person_is_called_once_the_lists_should_have_told() -> None:
    lost = Result(state=State.UNDECIDED, last_sent=NOON)
    assert not needs_person(lost, NOON + timedelta(seconds=900), 900)
    assert needs_person(lost, NOON + timedelta(seconds=1300), 900)
    assert needs_person(Result(state=State.UNDECIDED), NOON, 900)
    assert not needs_person(Result(state=State.PENDING), NOON, 900)
