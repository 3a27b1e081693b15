"""What a client knows of a reference: by whatever method it was sent, it stands for one order, of one amount."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from reconcile_scene import Scene

from tests.loop_time import outlast, pass_time, turns, until
from wren_async import (
    Call,
    CannotTell,
    CNaughtClient,
    InvalidArgument,
    NotPlaced,
    OutcomeUnknown,
    Placed,
    ReferenceReused,
    Unsettled,
    WrenClient,
)
from wren_async._generated.cnaught.operations.orders import create_order_by_amount, create_order_by_price
from wren_async._generated.wren.operations.offset_orders import create_offset_order
from wren_async._generated.wren.operations.project_orders import create_project_order
from wren_async._generated.wren.operations.tree_orders import create_tree_order
from wren_async.reconcile import How, NotFindable


def offset(tons: Any = 1, **more: Any) -> Call[Any]:
    return create_offset_order(
        **{"tons": tons, "payment_method": "credits", "reference": "ride-1", "retries": 0, **more}
    )


def mass(kilograms: Any = 10, **more: Any) -> Call[Any]:
    return create_order_by_amount(**{"amount_kg": kilograms, "reference": "ride-1", "retries": 0, **more})


ORDERS = {"wren": offset, "cnaught": mass}
both = pytest.mark.parametrize("api", ORDERS)


def client_of(scene: Scene, api: str) -> Any:
    return scene.wren if api == "wren" else scene.cnaught


def another(scene: Scene, api: str) -> Any:
    """A client of another process."""
    if api == "wren":
        return WrenClient(scene.sandbox.wren.live_token, base_url=scene.sandbox.wren.base_url, timing=scene.timing)
    return CNaughtClient(scene.sandbox.cnaught.api_key, base_url=scene.sandbox.cnaught.base_url, timing=scene.timing)


async def show_references(scene: Scene) -> None:
    """Let the lists show that they carry references."""
    await scene.wren.send(offset(reference="shown"))
    await scene.cnaught.send(mass(reference="shown"))


async def give_up_once_sent(scene: Scene, delivery: Coroutine[Any, Any, Any], operation: str) -> None:
    """Cancel a delivery when its order is on the wire."""
    before = scene.reads(operation)
    task = asyncio.create_task(delivery)
    await until(lambda: scene.reads(operation) > before)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def placed_with(scene: Scene, reference: str) -> list[Any]:
    return [order for order in scene.sandbox.orders if f"[ref:{reference}]" in (order.reference or "")]


# --- by whatever method it was sent -----------------------------------------------------------------------------------


@both
async def test_an_order_that_a_plain_call_lost_is_not_placed_again(scene: Scene, api: str) -> None:
    client, order = client_of(scene, api), ORDERS[api]()
    # The lists lag, so only the client can know.
    scene.sandbox.wren_api.behaviours.list_lag = timedelta(hours=1)
    scene.sandbox.cnaught_api.behaviours.order_list_lag = timedelta(hours=1)
    await scene.lose(client.send(order), operation=order.operation.id, when="after")

    if api == "wren":
        with pytest.raises(NotFindable):
            await client.find_or_place(order)
    else:
        assert (await client.find_or_place(order)).how is How.REPLAYED
    assert len(placed_with(scene, "ride-1")) == 1


@both
async def test_an_order_of_a_plain_call_on_the_wire_is_waited_for(scene: Scene, api: str) -> None:
    client, order = client_of(scene, api), ORDERS[api]()
    scene.sandbox.faults.add("latency", operation=order.operation.id, seconds=20)
    plain = asyncio.create_task(client.send(order))
    await until(lambda: scene.reads(order.operation.id))
    finding = asyncio.create_task(client.find_or_place(order))
    await turns()
    assert not finding.done()
    pass_time(20)
    found = await finding

    assert found.how is How.FOUND
    assert found.order.id == (await plain).id
    assert len(placed_with(scene, "ride-1")) == 1


@both
async def test_an_order_that_a_cancelled_delivery_has_on_the_wire_is_waited_for(scene: Scene, api: str) -> None:
    client, order = client_of(scene, api), ORDERS[api]()
    scene.sandbox.faults.add("latency", operation=order.operation.id, seconds=20, times=1)
    await give_up_once_sent(scene, client.find_or_place(order), order.operation.id)

    assert (await outlast(20, client.find_or_place(order))).how is How.FOUND
    assert len(placed_with(scene, "ride-1")) == 1


async def test_a_doubt_that_was_settled_hides_no_later_sending(scene: Scene) -> None:
    await show_references(scene)
    await scene.lose(scene.wren.find_or_place(offset()), operation="createOffsetOrder", when="before")
    scene.later(minutes=16)
    scene.sandbox.wren_api.behaviours.list_lag = timedelta(minutes=10)
    scene.sandbox.faults.add("latency", operation="createOffsetOrder", seconds=20, times=1)
    # The doubt is settled, *not placed*, and the order is on the wire when the delivery is given up.
    await give_up_once_sent(scene, scene.wren.find_or_place(offset()), "createOffsetOrder")

    assert (await outlast(20, scene.wren.find_or_place(offset()))).how is How.FOUND
    assert len(placed_with(scene, "ride-1")) == 1


async def test_keys_of_their_own_are_not_sent_again_side_by_side(scene: Scene) -> None:
    await show_references(scene)
    for _ in range(2):
        await scene.lose(scene.cnaught.send(mass()), operation="createOrder", when="before")

    with pytest.raises(NotFindable):
        await scene.cnaught.find_or_place(mass())

    assert placed_with(scene, "ride-1") == []


# --- one order, one amount --------------------------------------------------------------------------------------------


@both
async def test_the_same_client_refuses_a_reference_for_another_order_and_names_both(scene: Scene, api: str) -> None:
    client = client_of(scene, api)
    await client.find_or_place(ORDERS[api](1))
    with pytest.raises(ReferenceReused, match=r"is 1 there and 5 here"):
        await client.find_or_place(ORDERS[api](5))
    assert len(placed_with(scene, "ride-1")) == 1


@both
async def test_another_process_refuses_a_reference_for_another_amount_and_names_both(scene: Scene, api: str) -> None:
    await client_of(scene, api).send(ORDERS[api](1))
    async with another(scene, api) as other:
        with pytest.raises(ReferenceReused, match=r"is one of 1 .* asks for 5 "):
            await other.find_or_place(ORDERS[api](5))
    assert len(placed_with(scene, "ride-1")) == 1


DIFFERENT = [
    (offset(1), offset(5), "t"),
    (create_tree_order(amount_of_trees=1, payment_method="credits", reference="ride-1"),
     create_tree_order(amount_of_trees=5, payment_method="credits", reference="ride-1"), "trees"),
    (create_project_order(project_id=3, amount_in_usd_cents=500, payment_method="credits", reference="ride-1"),
     create_project_order(project_id=3, amount_in_usd_cents=900, payment_method="credits", reference="ride-1"),
     "US cents"),
    (mass(10), mass(11), "kg"),
    (create_order_by_price(total_price_usd_cents=20, reference="ride-1"),
     create_order_by_price(total_price_usd_cents=40, reference="ride-1"), "US cents"),
]  # fmt: skip


@pytest.mark.parametrize(("there", "here", "unit"), DIFFERENT)
async def test_a_found_order_of_another_amount_cannot_tell_and_names_both(
    scene: Scene, there: Call[Any], here: Call[Any], unit: str
) -> None:
    client: Any = scene.wren if there.operation.path.startswith("/api") else scene.cnaught
    await client.send(there)

    verdict = await client.reconcile(Unsettled(call=here))

    assert isinstance(verdict, CannotTell)
    assert len(re.findall(rf"[\d.]+ {unit}\b", verdict.evidence.reason)) == 2


async def test_a_fraction_that_the_server_cuts_is_the_same_order(scene: Scene) -> None:
    order = await scene.cnaught.send(mass(Decimal("100.5")))
    verdict = await scene.cnaught.reconcile(Unsettled(call=mass(Decimal("100.5"))))
    assert isinstance(verdict, Placed)
    assert verdict.order.id == order.id


@both
@pytest.mark.parametrize("text", ["[ref:ride-1]", "lunch [ref:ride-1] and more"])
async def test_text_of_the_users_that_carries_a_reference_is_refused_before_anything_is_sent(
    scene: Scene, api: str, text: str
) -> None:
    field = {"wren": "note", "cnaught": "metadata"}[api]
    for reference in (None, "ride-2"):
        with pytest.raises(InvalidArgument, match=r"must not carry '\[ref:ride-1\]'"):
            await client_of(scene, api).send(ORDERS[api](reference=reference, **{field: text}))
    raw = attrs.evolve(ORDERS[api](reference=None), body=b'{"tons": 1, "%s": "\\u005bref:ride-1]"}' % field.encode())
    with pytest.raises(InvalidArgument):
        await client_of(scene, api).send(raw)
    assert list(scene.sandbox.requests) == []


# --- searching only ---------------------------------------------------------------------------------------------------


async def test_reconciling_buys_nothing_unless_it_is_told_to(scene: Scene) -> None:
    await show_references(scene)
    error = await scene.lose(scene.cnaught.send(mass()), operation="createOrder", when="before")

    verdict = await scene.cnaught.reconcile(error)

    assert isinstance(verdict, CannotTell)
    assert "nothing was sent" in verdict.evidence.reason
    assert placed_with(scene, "ride-1") == []
    assert isinstance(await scene.cnaught.reconcile(error, search_only=False), Placed)
    assert len(placed_with(scene, "ride-1")) == 1


# --- when its last byte was sent --------------------------------------------------------------------------------------


async def test_a_clock_that_is_set_after_the_sending_makes_no_absence_older(scene: Scene) -> None:
    await show_references(scene)
    scene.ahead = timedelta(hours=-1)
    error = await scene.lose(scene.wren.send(offset()), operation="createOffsetOrder", when="before")
    scene.ahead = timedelta()
    assert isinstance(await scene.wren.reconcile(error), CannotTell)
    scene.later(minutes=16)
    assert isinstance(await scene.wren.reconcile(error), NotPlaced)


async def test_so_it_is_where_no_answer_had_told_the_servers_time(scene: Scene) -> None:
    async with another(scene, "wren") as first:
        scene.ahead = timedelta(hours=-1)
        error = await scene.lose(first.send(offset()), operation="createOffsetOrder", when="before")
        scene.ahead = timedelta()
        await show_references(scene)
        assert isinstance(await first.reconcile(error), CannotTell)
        scene.later(minutes=16)
        assert isinstance(await first.reconcile(error), NotPlaced)


@both
async def test_the_settle_time_counts_from_the_last_sending_and_not_from_that_of_the_error_at_hand(
    scene: Scene, api: str
) -> None:
    await show_references(scene)
    client, order = client_of(scene, api), ORDERS[api]()
    first = await scene.lose(client.send(order), operation=order.operation.id, when="before")
    scene.later(minutes=14)
    await scene.lose(client.send(first.call), operation=order.operation.id, when="before")
    scene.later(minutes=2)

    assert isinstance(await client.reconcile(first), CannotTell)
    with pytest.raises(NotFindable):
        await client.find_or_place(order)
    scene.later(minutes=14)
    assert isinstance(await client.reconcile(first), NotPlaced)


async def test_an_order_that_is_placed_under_the_callers_eyes_is_found_without_a_list(scene: Scene) -> None:
    scene.sandbox.wren_api.behaviours.list_lag = timedelta(hours=1)
    await scene.wren.send(offset())
    assert (await scene.wren.find_or_place(offset())).how is How.FOUND
    assert len(placed_with(scene, "ride-1")) == 1


async def test_a_refused_order_leaves_its_reference_free(scene: Scene) -> None:
    scene.sandbox.faults.add("rate_limit", operation="createOffsetOrder", times=1)
    with pytest.raises(Exception, match="429"):
        await scene.wren.send(offset())
    assert (await scene.wren.find_or_place(offset(2))).how is How.SENT


async def test_an_unknown_outcome_says_what_is_known(scene: Scene) -> None:
    error = await scene.lose(scene.wren.send(offset()), operation="createOffsetOrder", when="after")
    assert isinstance(error, OutcomeUnknown)
    assert error.reference == "ride-1"
