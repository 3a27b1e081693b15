"""Find or place: an order for each reference, however often its message comes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import attrs
import pytest
from reconcile_scene import Scene

from tests.loop_time import outlast, until
from wren_async import Call, CNaughtClient, InvalidArgument, OutcomeUnknown, PaymentRequired, WrenClient
from wren_async._generated.cnaught.operations.orders import cancel_order, create_order_by_amount
from wren_async._generated.wren.operations.offset_orders import create_offset_order
from wren_async._generated.wren.operations.project_orders import create_project_order
from wren_async._generated.wren.operations.tree_orders import create_tree_order
from wren_async.reconcile import How, NotFindable

WREN_ORDERS: dict[str, Call[Any]] = {
    "offset": create_offset_order(tons=1, payment_method="credits", reference="ride-7"),
    "project": create_project_order(
        project_id=3, amount_in_usd_cents=500, payment_method="credits", reference="ride-7"
    ),
    "donation": create_project_order(
        project_id=31, amount_in_usd_cents=500, payment_method="credits", reference="ride-7"
    ),
    "tree": create_tree_order(amount_of_trees=1, payment_method="credits", reference="ride-7"),
}
OFFSET = WREN_ORDERS["offset"]
ORDER = create_order_by_amount(amount_kg=10, reference="ride-7")

every_wren_order = pytest.mark.parametrize("kind", WREN_ORDERS)


def other_wren(scene: Scene, token: str | None = None) -> WrenClient:
    """A client of another process."""
    address = scene.sandbox.wren
    return WrenClient(token or address.live_token, base_url=address.base_url, timing=scene.timing)


def other_cnaught(scene: Scene) -> CNaughtClient:
    address = scene.sandbox.cnaught
    return CNaughtClient(address.api_key, base_url=address.base_url, timing=scene.timing)


@every_wren_order
async def test_wren_places_the_first_message_and_finds_the_second(scene: Scene, kind: str):
    first = await scene.wren.find_or_place(WREN_ORDERS[kind])
    async with other_wren(scene) as another:
        second = await another.find_or_place(WREN_ORDERS[kind])
    third = await scene.wren.find_or_place(WREN_ORDERS[kind])

    [truth] = scene.sandbox.orders
    assert [first.how, second.how, third.how] == [How.SENT, How.FOUND, How.FOUND]
    assert (first.order.id, first.order.cents) == (truth.id, truth.cents)
    assert first.order.receipt is not None
    assert (second.order.reference, second.order.tons, second.order.trees) == (
        "ride-7",
        first.order.tons,
        first.order.trees,
    )


async def test_cnaught_places_the_first_message_and_finds_the_second(scene: Scene):
    first = await scene.cnaught.find_or_place(ORDER)
    scene.later(minutes=60 * 48)
    async with other_cnaught(scene) as another:
        second = await another.find_or_place(ORDER)

    assert [first.how, second.how] == [How.SENT, How.FOUND]
    assert [first.order.id, second.order.id] == [scene.sandbox.orders[0].id] * 2


@pytest.mark.parametrize("tasks", [2, 20])
async def test_tasks_of_one_client_place_a_reference_once(scene: Scene, tasks: int):
    scene.sandbox.wren_api.behaviours.list_lag = timedelta(hours=1)
    scene.sandbox.cnaught_api.behaviours.order_list_lag = timedelta(hours=1)

    results = await asyncio.gather(
        *(scene.wren.find_or_place(OFFSET) for _ in range(tasks)),
        *(scene.cnaught.find_or_place(ORDER) for _ in range(tasks)),
    )

    assert [result.how for result in results].count(How.SENT) == 2
    assert len(scene.sandbox.orders) == 2


async def test_processes_that_race_over_cnaught_place_it_once(scene: Scene):
    scene.sandbox.cnaught_api.behaviours.order_list_lag = timedelta(hours=1)
    async with other_cnaught(scene) as another, other_cnaught(scene) as third:
        results = await asyncio.gather(*(client.find_or_place(ORDER) for client in (scene.cnaught, another, third)))

    assert sorted(result.how.value for result in results) == ["replayed", "replayed", "sent"]
    assert len({result.order.id for result in results}) == len(scene.sandbox.orders) == 1


async def test_a_key_of_the_callers_own_is_kept(scene: Scene):
    placed = await scene.cnaught.find_or_place(attrs.evolve(ORDER, idempotency_key="mine"))
    again = await scene.cnaught.send_raw(attrs.evolve(ORDER, idempotency_key="mine"))

    assert again.replayed
    assert again.value.id == placed.order.id


async def test_subaccounts_do_not_share_references(scene: Scene):
    ids = [(await scene.cnaught.subaccounts.create(name=name)).id for name in ("a", "b")]

    results = [await scene.cnaught.for_subaccount(id).find_or_place(ORDER) for id in ids]

    assert [result.how for result in results] == [How.SENT, How.SENT]
    assert [result.order.subaccount_id for result in results] == ids


@every_wren_order
async def test_rows_without_note_stop_it_before_anything_is_sent(scene: Scene, kind: str):
    settings = scene.sandbox.wren_api.behaviours
    settings.rows_with_note = settings.tree_rows_with_note = False
    await scene.wren.send(attrs.evolve(WREN_ORDERS[kind], reference="ride-1"))
    sent = scene.reads(WREN_ORDERS[kind].operation.id)

    if kind == "donation":
        # Donations always show their note, and this project's money is known to go there.
        assert (await scene.wren.find_or_place(WREN_ORDERS[kind])).how is How.SENT
        return
    with pytest.raises(NotFindable, match=r"nothing was sent: .*would not be recognised"):
        await scene.wren.find_or_place(WREN_ORDERS[kind])
    assert scene.reads(WREN_ORDERS[kind].operation.id) == sent


async def test_orders_of_old_without_a_note_are_no_hindrance(scene: Scene):
    await scene.wren.send(attrs.evolve(OFFSET, reference=None))
    await scene.cnaught.orders.create(amount_kg=1)

    assert (await scene.wren.find_or_place(OFFSET)).how is How.SENT
    assert (await scene.cnaught.find_or_place(ORDER)).how is How.SENT


async def test_a_list_that_fails_stops_it(scene: Scene):
    scene.sandbox.faults.add("status", operation="listOffsetOrders")
    scene.sandbox.faults.add("status", operation="listOrders")

    with pytest.raises(NotFindable, match="GET /api/offset-orders"):
        await scene.wren.find_or_place(OFFSET)
    with pytest.raises(NotFindable, match="GET /orders"):
        await scene.cnaught.find_or_place(ORDER)
    assert scene.sandbox.orders == []


async def test_after_a_lost_answer_the_same_client_looks_before_it_places(scene: Scene):
    await scene.wren.send(attrs.evolve(OFFSET, reference="other"))
    scene.sandbox.wren_api.behaviours.list_lag = timedelta(minutes=5)
    scene.later(minutes=6)
    scene.sandbox.faults.add("reset", operation="createOffsetOrder", when="after", times=1)
    with pytest.raises(OutcomeUnknown):
        await scene.wren.find_or_place(OFFSET)

    with pytest.raises(NotFindable, match="have passed"):
        await scene.wren.find_or_place(OFFSET)
    scene.later(minutes=6)

    assert (await scene.wren.find_or_place(OFFSET)).how is How.FOUND
    assert len(scene.sandbox.orders) == 2


async def test_what_was_lost_and_is_proven_absent_is_placed(scene: Scene):
    await scene.wren.send(attrs.evolve(OFFSET, reference="other"))
    scene.sandbox.faults.add("reset", operation="createOffsetOrder", when="before", times=1)
    with pytest.raises(OutcomeUnknown):
        await scene.wren.find_or_place(OFFSET)
    scene.later(minutes=16)

    assert (await scene.wren.find_or_place(OFFSET)).how is How.SENT
    assert len(scene.sandbox.orders) == 2


async def test_a_cancelled_placing_is_not_repeated(scene: Scene):
    scene.sandbox.wren_api.behaviours.list_lag = timedelta(hours=1)
    scene.sandbox.faults.add("latency", operation="createOffsetOrder", seconds=20)
    placing = asyncio.create_task(scene.wren.find_or_place(OFFSET))
    await until(lambda: scene.reads("createOffsetOrder"))
    placing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await placing

    found = await outlast(20, scene.wren.find_or_place(OFFSET))

    assert found.how is How.FOUND
    assert found.order.id == scene.sandbox.orders[0].id
    assert len(scene.sandbox.orders) == 1


async def test_a_refusal_is_the_callers_and_leaves_nothing_behind(scene: Scene):
    dear = attrs.evolve(create_offset_order(tons=10**6, payment_method="credits"), reference="ride-7")
    with pytest.raises(PaymentRequired):
        await scene.wren.find_or_place(dear)

    assert (await scene.wren.find_or_place(OFFSET)).how is How.SENT


async def test_the_search_goes_back_as_far_as_it_is_told(scene: Scene):
    scene.sandbox.cnaught_api.behaviours.page_clamp = 1
    for reference in ("ride-7", "ride-6", "ride-5"):
        await scene.cnaught.orders.create(amount_kg=10, reference=reference)
    scene.later(minutes=60 * 48)
    await scene.cnaught.orders.create(amount_kg=1, reference="other")

    async with other_cnaught(scene) as another:
        ten_hours = await another.find_or_place(
            attrs.evolve(ORDER, reference="ride-6"), since=scene.utc() - timedelta(hours=10)
        )
    async with other_cnaught(scene) as another:
        # A day more than was told is looked through, because clocks differ.
        two_days = await another.find_or_place(ORDER, since=scene.utc() - timedelta(hours=25))

    assert [ten_hours.how, two_days.how] == [How.SENT, How.FOUND]


async def test_a_rehearsal_with_a_test_token_places(scene: Scene):
    async with other_wren(scene, scene.sandbox.wren.test_token) as rehearsal:
        assert (await rehearsal.find_or_place(OFFSET)).how is How.SENT
    assert scene.sandbox.orders == []


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (create_offset_order(tons=1, payment_method="credits"), "your own mark"),
        (create_offset_order(tons=1, payment_method="credits", reference=None), "your own mark"),
        (create_offset_order(tons=1, payment_method="credits", reference="r", dry_run=True), "dry run"),
    ],
)
async def test_what_cannot_be_found_again_is_refused(scene: Scene, call: Call[Any], says: str):
    with pytest.raises(InvalidArgument, match=says):
        await scene.wren.find_or_place(call)


async def test_a_call_without_a_field_for_references_is_refused(scene: Scene):
    with pytest.raises(InvalidArgument, match="no field"):
        await scene.cnaught.find_or_place(attrs.evolve(cancel_order("x"), reference="r"))
