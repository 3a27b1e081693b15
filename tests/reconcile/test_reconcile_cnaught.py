"""Reconciling against the sandbox's CNaught: by key while it is trusted, then by the reference in the orders."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs
import pytest
from reconcile_scene import Scene

from tests.loop_time import outlast, until
from wren_async import Call, CNaughtClient, IdempotencyKeyReused, OutcomeUnknown, RetryPolicy
from wren_async._generated.cnaught.operations.checkout_sessions import create_checkout_session
from wren_async._generated.cnaught.operations.orders import (
    cancel_order,
    create_order_by_amount,
    create_order_by_price,
    create_ride_order,
)
from wren_async._generated.cnaught.operations.subaccounts import create_subaccount, update_subaccount
from wren_async.reconcile import CannotTell, How, NotPlaced, Placed, Unsettled, Verdict

ONCE = RetryPolicy(retries=0)

ORDERS: dict[str, Callable[..., Call[Any]]] = {
    "mass": lambda **more: create_order_by_amount(amount_kg=10, retries=ONCE, **more),
    "price": lambda **more: create_order_by_price(total_price_usd_cents=20, retries=ONCE, **more),
    "ride": lambda **more: create_ride_order(distance_km=10, retries=ONCE, **more),
}

every_order = pytest.mark.parametrize("kind", ORDERS)


async def lose(scene: Scene, call: Call[Any], **how: Any) -> OutcomeUnknown:
    return await scene.lose(scene.cnaught.send(call), operation=call.operation.id, **how)


def placed(verdict: Verdict[Any], how: How) -> Any:
    assert isinstance(verdict, Placed), str(verdict.evidence)
    assert verdict.how is how, str(verdict.evidence)
    return verdict.order


def why(verdict: Verdict[Any]) -> str:
    assert isinstance(verdict, CannotTell), verdict
    return str(verdict.evidence)


@every_order
async def test_while_the_key_is_trusted_the_first_answer_comes_again(scene: Scene, kind: str):
    error = await lose(scene, ORDERS[kind](), when="after")
    scene.later(minutes=9)

    order = placed(await scene.cnaught.reconcile(error, search_only=False), How.REPLAYED)

    assert [order.id] == [each.id for each in scene.sandbox.orders]


@every_order
async def test_while_the_key_is_trusted_what_never_arrived_is_placed_now_and_once(scene: Scene, kind: str):
    error = await lose(scene, ORDERS[kind](), when="before")

    first = placed(await scene.cnaught.reconcile(error, search_only=False), How.SENT)
    again = placed(await scene.cnaught.reconcile(error, search_only=False), How.REPLAYED)

    assert first.id == again.id == scene.sandbox.orders[0].id
    assert len(scene.sandbox.orders) == 1


@every_order
async def test_searching_only_sends_nothing_though_the_key_is_trusted(scene: Scene, kind: str):
    error = await lose(scene, ORDERS[kind](reference="ride-7"), when="before")

    verdict = await scene.cnaught.reconcile(error, search_only=True)

    assert isinstance(verdict, CannotTell), verdict
    assert scene.reads(error.call.operation.id) == 1, "the first sending"
    assert scene.sandbox.orders == []


@every_order
async def test_after_that_nothing_is_sent_and_the_reference_finds_it(scene: Scene, kind: str):
    error = await lose(scene, ORDERS[kind](reference="ride-7"), when="after")
    scene.later(minutes=11)

    order = placed(await scene.cnaught.reconcile(error, search_only=False), How.FOUND)

    assert order.id == scene.sandbox.orders[0].id
    assert scene.reads(error.call.operation.id) == 1


@every_order
async def test_what_never_arrived_is_not_placed_once_the_list_has_proven_itself(scene: Scene, kind: str):
    await scene.cnaught.orders.create(amount_kg=1, reference="other")
    error = await lose(scene, ORDERS[kind](reference="ride-7"), when="before")
    scene.later(minutes=11)

    assert "have passed" in why(await scene.cnaught.reconcile(error, search_only=False))
    scene.later(minutes=5)

    verdict = await scene.cnaught.reconcile(error, search_only=False)
    assert isinstance(verdict, NotPlaced), str(verdict.evidence)
    assert "its key is too old to be trusted" in verdict.evidence.reason
    assert len(scene.sandbox.orders) == 1


@pytest.mark.parametrize("metadata", [None, "lunch"])
async def test_a_list_that_never_showed_a_reference_proves_nothing(scene: Scene, metadata: str | None):
    await scene.cnaught.orders.create(amount_kg=1, metadata=metadata)
    error = await lose(scene, ORDERS["mass"](reference="ride-7"), when="before")
    scene.later(minutes=60)

    assert "has not shown that it carries references" in why(await scene.cnaught.reconcile(error, search_only=False))


async def test_a_list_that_lags_hides_the_order_and_nothing_is_said_too_early(scene: Scene):
    await scene.cnaught.orders.create(amount_kg=1, reference="other")
    scene.sandbox.cnaught_api.behaviours.order_list_lag = timedelta(minutes=14)
    scene.later(minutes=15)
    error = await lose(scene, ORDERS["mass"](reference="ride-7"), when="after")

    for _ in range(3):
        scene.later(minutes=4)
        scene.ahead = timedelta(hours=1)
        why(await scene.cnaught.reconcile(error, search_only=False))

    scene.later(minutes=3)
    assert placed(await scene.cnaught.reconcile(error, search_only=False), How.FOUND).id == scene.sandbox.orders[-1].id


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
async def test_a_clock_that_jumps_neither_settles_nor_prolongs_anything(scene: Scene, ahead: timedelta):
    await scene.cnaught.orders.create(amount_kg=1, reference="other")
    error = await lose(scene, ORDERS["mass"](reference="ride-7"), when="before")
    scene.later(minutes=11)
    scene.ahead = ahead

    why(await scene.cnaught.reconcile(error, search_only=False))
    assert len(scene.sandbox.orders) == 1


async def test_without_a_reference_an_old_key_leaves_nothing_to_go_by(scene: Scene):
    error = await lose(scene, ORDERS["mass"](), when="after")
    scene.later(minutes=60)

    assert "no reference" in why(await scene.cnaught.reconcile(error, search_only=False))
    assert len(scene.sandbox.orders) == 1


async def test_a_key_of_unknown_age_is_not_trusted(scene: Scene):
    error = await lose(scene, ORDERS["mass"](reference="ride-7"), when="before")

    why(await scene.cnaught.reconcile(attrs.evolve(Unsettled.of(error), first_sent=None)))

    assert scene.sandbox.orders == []


async def test_a_repeat_that_is_lost_too_starts_the_settle_time_anew(scene: Scene):
    await scene.cnaught.orders.create(amount_kg=1, reference="other")
    error = await lose(scene, ORDERS["mass"](reference="ride-7"), when="before")
    scene.later(minutes=8)
    scene.sandbox.faults.add("late_commit", operation="createOrder", seconds=3600)

    verdict = await scene.cnaught.reconcile(error, settle_time=300, search_only=False)

    assert "sent again with its key" in why(verdict)
    assert "have passed" in why(verdict)


async def test_a_key_that_stands_for_something_else_is_never_called_not_placed(scene: Scene):
    await scene.cnaught.orders.create(amount_kg=1, reference="other")
    async with CNaughtClient(
        scene.sandbox.cnaught.api_key, base_url=scene.sandbox.cnaught.base_url, timing=scene.timing
    ) as another:
        await another.orders.create(amount_kg=5, idempotency_key="k1")
    error = await lose(scene, ORDERS["mass"](reference="ride-7", idempotency_key="k1"), when="before")

    assert "knows its idempotency key" in why(await scene.cnaught.reconcile(error, settle_time=0, search_only=False))


async def test_a_refusal_of_the_repeat_does_not_clear_the_first_sending(scene: Scene):
    error = await lose(scene, ORDERS["mass"](reference="ride-7"), when="after")
    scene.sandbox.cnaught_api.behaviours.idempotency_retention = timedelta()
    scene.sandbox.cnaught_api.behaviours.billing_set_up = False

    assert placed(await scene.cnaught.reconcile(error, search_only=False), How.FOUND).id == scene.sandbox.orders[0].id


async def test_a_mistake_of_the_program_comes_as_itself(scene: Scene):
    await scene.cnaught.orders.create(amount_kg=1, idempotency_key="k1")
    now = scene.utc()
    mistaken = Unsettled(call=ORDERS["mass"](), key="k1", first_sent=now, last_sent=now)

    with pytest.raises(IdempotencyKeyReused):
        await scene.cnaught.reconcile(mistaken, search_only=False)


async def test_a_server_out_of_reach_is_evidence_and_no_error(scene: Scene):
    error = await lose(scene, ORDERS["mass"](reference="ride-7"), when="after")
    scene.sandbox.faults.add("reset", api="cnaught")

    assert "GET /orders: 0 rows, then" in why(await scene.cnaught.reconcile(error, search_only=False))


async def test_a_repeat_ends_while_the_key_is_trusted(scene: Scene):
    error = await lose(scene, ORDERS["mass"](reference="ride-7", timeout=None, deadline=None), when="before")
    scene.later(minutes=9.99)
    scene.sandbox.faults.add("never_answer", operation="createOrder", when="before")

    reconciling = asyncio.create_task(scene.cnaught.reconcile(error, search_only=False))
    before = scene.reads("createOrder")
    await until(lambda: scene.reads("createOrder") > before)
    assert "sent again with its key" in why(await outlast(1, reconciling))


async def test_time_that_passes_while_the_list_is_asked_for_settles_nothing(scene: Scene):
    await scene.cnaught.orders.create(amount_kg=1, reference="other")
    error = await lose(scene, ORDERS["mass"](reference="ride-7"), when="before")
    scene.later(minutes=11)
    scene.minutes_a_wait = 16
    scene.sandbox.faults.add("status", operation="listOrders", nth=2)

    assert "have passed" in why(await scene.cnaught.reconcile(error, search_only=False))


# --- cancelling, subaccounts and the rest ---


async def test_a_cancellation_is_repeated_by_its_key_and_later_seen_on_the_order(scene: Scene):
    order = await scene.cnaught.orders.create(amount_kg=1)
    error = await lose(scene, cancel_order(order.id, retries=ONCE), when="after")

    assert placed(await scene.cnaught.reconcile(error, search_only=False), How.REPLAYED).state == "cancelled"
    scene.later(minutes=60)
    assert placed(await scene.cnaught.reconcile(error, search_only=False), How.FOUND).state == "cancelled"


async def test_a_cancellation_that_never_arrived_stays_undecided(scene: Scene):
    order = await scene.cnaught.orders.create(amount_kg=1)
    error = await lose(scene, cancel_order(order.id, retries=ONCE), when="before")
    scene.later(minutes=60)

    assert "the order is placed" in why(await scene.cnaught.reconcile(error, search_only=False))


async def test_a_subaccount_is_made_by_its_key_and_later_only_hinted_at_by_name(scene: Scene):
    call = create_subaccount(name="Acme", retries=ONCE)
    error = await lose(scene, call, when="before")
    made = placed(await scene.cnaught.reconcile(error, search_only=False), How.SENT)
    await scene.cnaught.subaccounts.create(name="Other")
    scene.later(minutes=60)

    verdict = await scene.cnaught.reconcile(error, search_only=False)

    why(verdict)
    assert [each.id for each in verdict.evidence.candidates] == [made.id]


async def test_what_leaves_no_trace_cannot_be_told(scene: Scene):
    session = create_checkout_session(
        amount_kg=100, success_url="https://example.com/a", cancel_url="https://example.com/b"
    )
    error = await lose(scene, session, when="after")

    assert "no list shows" in why(await scene.cnaught.reconcile(error, search_only=False))


async def test_what_may_be_repeated_is_said_to_be(scene: Scene):
    made = await scene.cnaught.subaccounts.create(name="Acme")
    error = await lose(scene, update_subaccount(made.id, name="Acme 2", retries=ONCE), when="after")

    assert "send it again" in why(await scene.cnaught.reconcile(error, search_only=False))


# --- many ---


async def test_many_are_settled_with_one_walk_of_each_list(scene: Scene):
    scene.sandbox.cnaught_api.behaviours.page_clamp = 5
    subaccount = (await scene.cnaught.subaccounts.create(name="Acme")).id
    await scene.cnaught.orders.create(amount_kg=1, reference="other")
    await scene.cnaught.orders.create(amount_kg=1, reference="other", subaccount_id=subaccount)
    lost = [
        await lose(scene, ORDERS[kind](reference=f"{kind}-{when}-{owner}", subaccount_id=owner), when=when)
        for kind in ORDERS
        for owner in (None, subaccount)
        for when in ("after", "before")
    ]
    scene.later(minutes=16)
    scene.sandbox.requests.clear()

    verdicts = await scene.cnaught.reconcile_many(lost, search_only=False)

    assert [type(verdict) for verdict in verdicts] == [Placed, NotPlaced] * 6
    for error, verdict in zip(lost[::2], verdicts[::2], strict=True):
        assert error.reference is not None
        assert error.reference in placed(verdict, How.FOUND).metadata
    # A glance for the time; then 8 orders of the account in pages of 5, the subaccount's 4, and the empty pages.
    assert scene.reads("listOrders") == 1 + 3 + 2


async def test_the_walk_ends_a_day_before_the_sending(scene: Scene):
    scene.sandbox.cnaught_api.behaviours.page_clamp = 2
    for _ in range(10):
        await scene.cnaught.orders.create(amount_kg=1, reference="old")
    scene.later(minutes=60 * 25)
    error = await lose(scene, ORDERS["mass"](reference="ride-7"), when="before")
    scene.later(minutes=60)
    scene.sandbox.requests.clear()

    assert isinstance(await scene.cnaught.reconcile(error, search_only=False), NotPlaced)
    assert scene.reads("listOrders") == 2


async def test_keys_are_repeated_side_by_side(scene: Scene):
    lost = [await lose(scene, ORDERS["mass"](), when=when) for when in ("after", "before") * 10]

    verdicts = await scene.cnaught.reconcile_many(lost, search_only=False)

    assert [verdict.how for verdict in verdicts if isinstance(verdict, Placed)] == [How.REPLAYED, How.SENT] * 10
    assert len(scene.sandbox.orders) == 20


async def test_a_reference_used_twice_is_found_with_a_word_of_warning(scene: Scene):
    first = await scene.cnaught.orders.create(amount_kg=10, reference="ride-7")
    second = await scene.cnaught.orders.create(amount_kg=10, reference="ride-7")

    verdict = await scene.cnaught.reconcile(Unsettled(call=ORDERS["mass"](), reference="ride-7"))

    assert placed(verdict, How.FOUND).id == first.id
    assert f"so does that of {second.id}" in verdict.evidence.reason


async def test_the_deprecated_ride_warns_only_when_it_is_called_by_its_resource(scene: Scene):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await scene.cnaught.send(ORDERS["ride"]())
    with pytest.warns(DeprecationWarning, match="Quotes.ground_transport"):
        await scene.cnaught.orders.create_ride(distance_km=10)
    assert len(scene.sandbox.orders) == 2
