"""Reconciling against the sandbox's Wren: every kind of order, and lists that lag, fail or hide their notes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from reconcile_scene import Scene

from tests.loop_time import outlast, pass_time, until
from wren_async import Call, InvalidArgument, OutcomeUnknown, WrenClient
from wren_async._generated.wren.operations.offset_orders import create_offset_order
from wren_async._generated.wren.operations.project_orders import create_project_order
from wren_async._generated.wren.operations.tree_orders import create_tree_order
from wren_async.reconcile import CannotTell, Checkpoint, FoundOrder, How, NotPlaced, Placed, Unsettled, Verdict

FOREST, POLICY = 3, 31

ORDERS: dict[str, Callable[..., Call[Any]]] = {
    "offset": lambda **more: create_offset_order(**{"tons": Decimal("1.5"), "payment_method": "credits", **more}),
    "offset and donations": lambda **more: create_offset_order(
        **{"tons": Decimal("1.5"), "portfolio_id": 30, "payment_method": "credits", **more}
    ),
    "project": lambda **more: create_project_order(
        **{"project_id": FOREST, "amount_in_usd_cents": 2500, "payment_method": "credits", **more}
    ),
    "donation": lambda **more: create_project_order(
        **{"project_id": POLICY, "amount_in_usd_cents": 2500, "payment_method": "credits", **more}
    ),
    "tree": lambda **more: create_tree_order(**{"amount_of_trees": 3, "payment_method": "credits", **more}),
}

every_order = pytest.mark.parametrize("kind", ORDERS)


async def lose(scene: Scene, call: Call[Any], *, client: WrenClient | None = None, **how: Any) -> OutcomeUnknown:
    return await scene.lose((client or scene.wren).send(call), operation=call.operation.id, **how)


def placed(verdict: Verdict[FoundOrder]) -> FoundOrder:
    assert isinstance(verdict, Placed), str(verdict.evidence)
    assert verdict.how is How.FOUND
    return verdict.order


def why(verdict: Verdict[FoundOrder]) -> str:
    assert isinstance(verdict, CannotTell), verdict
    return str(verdict.evidence)


@every_order
@pytest.mark.parametrize("fault", ["reset", "status", "never_answer", "malformed_json", "truncated_json"])
async def test_an_order_whose_answer_was_lost_is_found_at_once(scene: Scene, kind: str, fault: str):
    checkpoint = await scene.wren.checkpoint()
    losing = asyncio.create_task(lose(scene, ORDERS[kind](timeout=20), fault=fault, when="after"))
    await until(lambda: scene.sandbox.orders)
    error = await outlast(20, losing)

    order = placed(await scene.wren.reconcile(attrs_with_cents(error), checkpoint=checkpoint))

    [truth] = scene.sandbox.orders
    assert order.reference == error.reference
    assert (order.id, order.cents) == (truth.id, truth.cents)
    assert scene.reads(error.call.operation.id) == 1


def attrs_with_cents(error: OutcomeUnknown) -> Unsettled[Any]:
    """A tree order's price is in no documented attribute of its row; a plan would know it."""
    lost = Unsettled.of(error)
    return attrs.evolve(lost, cents=1500) if error.call.operation.id == "createTreeOrder" else lost


async def test_the_rows_of_an_order_make_up_the_whole(scene: Scene):
    offset = placed(await scene.wren.reconcile(await lose(scene, ORDERS["offset"](), when="after")))
    mixed = placed(await scene.wren.reconcile(await lose(scene, ORDERS["offset and donations"](), when="after")))
    trees = placed(await scene.wren.reconcile(await lose(scene, ORDERS["tree"](), when="after")))

    assert (offset.tons, len(offset.rows)) == (Decimal("1.5"), 4)
    assert (mixed.tons, len(mixed.rows), mixed.cents) == (Decimal("1.5"), 3, scene.sandbox.orders[1].cents)
    assert (trees.trees, trees.tons) == (3, None)
    assert all(order.created_at is not None for order in (offset, mixed, trees))


@every_order
async def test_an_order_that_never_arrived_is_not_placed_once_the_list_has_proven_itself(scene: Scene, kind: str):
    await scene.wren.send(ORDERS[kind]())
    error = await lose(scene, ORDERS[kind](), when="before")

    assert "have passed" in why(await scene.wren.reconcile(error))
    scene.later(minutes=16)

    verdict = await scene.wren.reconcile(error)
    assert isinstance(verdict, NotPlaced), str(verdict.evidence)
    assert len(scene.sandbox.orders) == 1


@every_order
async def test_a_list_that_never_showed_a_reference_proves_nothing(scene: Scene, kind: str):
    await scene.wren.send(attrs.evolve(ORDERS[kind](note="lunch"), reference=None))
    error = await lose(scene, ORDERS[kind](), when="before")
    scene.later(minutes=60)

    assert "has not shown that it carries references" in why(await scene.wren.reconcile(error))


@every_order
async def test_rows_without_note_prove_nothing(scene: Scene, kind: str):
    settings = scene.sandbox.wren_api.behaviours
    settings.rows_with_note = settings.tree_rows_with_note = False
    await scene.wren.send(ORDERS[kind]())
    error = await lose(scene, ORDERS[kind](), when="after")
    scene.later(minutes=60)

    verdict = await scene.wren.reconcile(error)

    if kind in ("donation", "offset and donations"):
        assert isinstance(verdict, Placed), "donations always show their note"
    else:
        why(verdict)


@every_order
async def test_a_list_that_lags_hides_the_order_and_nothing_is_said_too_early(scene: Scene, kind: str):
    await scene.wren.send(ORDERS[kind]())
    scene.sandbox.wren_api.behaviours.list_lag = timedelta(minutes=10)
    scene.later(minutes=11)
    error = await lose(scene, ORDERS[kind](), when="after")

    for _ in range(10):
        why(await scene.wren.reconcile(error))
        scene.later(minutes=1)

    assert placed(await scene.wren.reconcile(error)).reference == error.reference


async def test_a_commit_after_the_connection_died_is_found(scene: Scene):
    await scene.wren.send(ORDERS["offset"]())
    error = await lose(scene, ORDERS["offset"](), fault="late_commit", seconds=30)

    why(await scene.wren.reconcile(error))
    pass_time(30)
    await until(lambda: len(scene.sandbox.orders) == 2)

    assert placed(await scene.wren.reconcile(error)).reference == error.reference
    assert len(scene.sandbox.orders) == 2, "and reconciling has sent nothing"


async def test_a_clock_that_jumps_ahead_settles_nothing(scene: Scene):
    await scene.wren.send(ORDERS["offset"]())
    error = await lose(scene, ORDERS["offset"](), when="before")
    scene.ahead = timedelta(hours=2)

    assert "have passed" in why(await scene.wren.reconcile(error))


async def test_time_that_passes_while_the_list_is_asked_for_settles_nothing(scene: Scene):
    await scene.wren.send(ORDERS["offset"]())
    error = await lose(scene, ORDERS["offset"](), when="before")
    scene.minutes_a_wait = 16
    scene.sandbox.faults.add("status", operation="listOffsetOrders", times=1)

    assert "have passed" in why(await scene.wren.reconcile(error))


async def test_the_settle_time_can_be_set(scene: Scene):
    await scene.wren.send(ORDERS["offset"]())
    error = await lose(scene, ORDERS["offset"](), when="before")
    scene.later(minutes=2)

    assert isinstance(await scene.wren.reconcile(error, settle_time=60), NotPlaced)


async def test_a_list_that_fails_is_evidence_and_no_error(scene: Scene):
    error = await lose(scene, ORDERS["tree"](), when="after")
    scene.sandbox.faults.add("status", operation="listTreeOrders")
    scene.later(minutes=60)

    assert "GET /api/tree-orders: 0 rows, then" in why(await scene.wren.reconcile(error))


async def test_donations_that_fail_leave_what_was_found_found_but_its_cost_unknown(scene: Scene):
    error = await lose(scene, ORDERS["offset and donations"](), when="after")
    scene.sandbox.faults.add("status", operation="listProjectDonations")

    order = placed(await scene.wren.reconcile(error))

    assert (order.tons, order.cents, order.id) == (Decimal("1.5"), None, None)


async def test_an_order_without_a_reference_cannot_be_told_but_its_charge_is_shown(scene: Scene):
    await scene.wren.send(ORDERS["offset"]())
    checkpoint = await scene.wren.checkpoint()
    error = await lose(scene, attrs.evolve(ORDERS["project"](), reference=None), when="after")
    scene.later(minutes=60)

    verdict = await scene.wren.reconcile(error, checkpoint=checkpoint)

    assert "no reference" in why(verdict)
    assert [each.id for each in verdict.evidence.candidates] == [scene.sandbox.orders[1].id]


@pytest.mark.parametrize("kind", ["offset", "project", "donation"])
async def test_an_order_by_card_gets_its_id_from_the_purchases(scene: Scene, kind: str):
    await scene.wren.send(ORDERS[kind](payment_method="stripe", reference="other"))
    scene.later(minutes=10)
    error = await lose(scene, ORDERS[kind](payment_method="stripe"), when="after")

    order = placed(await scene.wren.reconcile(error))

    assert (order.id, order.cents) == (scene.sandbox.orders[1].id, scene.sandbox.orders[1].cents)


async def test_equal_charges_leave_the_id_unknown_unless_the_others_are_accounted_for(scene: Scene):
    checkpoint = await scene.wren.checkpoint()
    other = await scene.wren.send(ORDERS["offset"](reference="other"))
    error = await lose(scene, ORDERS["offset"](), when="after")

    ambiguous = await scene.wren.reconcile(error, checkpoint=checkpoint)
    told = await scene.wren.reconcile(error, checkpoint=checkpoint, known=[other.id])

    assert placed(ambiguous).id is None
    assert len(ambiguous.evidence.candidates) == 2
    assert placed(told).id == scene.sandbox.orders[1].id


async def test_rows_that_name_their_group_need_no_ledger(scene: Scene):
    scene.sandbox.wren_api.behaviours.rows_with_group_id = True
    error = await lose(scene, ORDERS["offset"](), when="after")

    assert placed(await scene.wren.reconcile(error)).id == scene.sandbox.orders[0].id
    assert scene.reads("listCreditLedger") == 0


@pytest.mark.parametrize("details", [True, False])
async def test_the_ledger_is_read_back_to_the_checkpoint(scene: Scene, details: bool):
    scene.sandbox.wren_api.behaviours.ledger_details = details
    for cents in (300, 500, 500):
        await scene.wren.credits.top_up(amount_in_usd_cents=cents)
    await scene.wren.send(ORDERS["project"]())
    checkpoint = Checkpoint.from_json((await scene.wren.checkpoint()).to_json())
    await scene.wren.credits.top_up(amount_in_usd_cents=500)
    error = await lose(scene, ORDERS["project"](), when="after")

    assert placed(await scene.wren.reconcile(error, checkpoint=checkpoint)).id == scene.sandbox.orders[1].id


async def test_a_checkpoint_taken_after_the_sending_tells_nothing(scene: Scene):
    error = await lose(scene, ORDERS["project"](), when="after")
    scene.later(minutes=0.2)
    checkpoint = await scene.wren.checkpoint()
    scene.later(minutes=0.2)
    await scene.wren.send(ORDERS["project"]())

    assert placed(await scene.wren.reconcile(error, checkpoint=checkpoint)).id is None


async def test_without_checkpoint_the_times_of_the_entries_serve(scene: Scene):
    await scene.wren.send(ORDERS["project"]())
    scene.later(minutes=10)
    error = await lose(scene, ORDERS["project"](), when="after")

    assert placed(await scene.wren.reconcile(error)).id == scene.sandbox.orders[1].id
    scene.sandbox.wren_api.behaviours.ledger_details = False
    assert placed(await scene.wren.reconcile(error)).id is None


async def test_a_top_up_is_never_told_and_its_candidates_are_shown(scene: Scene):
    checkpoint = await scene.wren.checkpoint()
    error = await scene.lose(scene.wren.credits.top_up(amount_in_usd_cents=500), operation="topUpCredits", when="after")
    scene.later(minutes=60)

    verdict = await scene.wren.reconcile(error, checkpoint=checkpoint)

    assert "perhaps ch_" in why(verdict)
    assert [each.cents for each in verdict.evidence.candidates] == [500]
    assert scene.reads("topUpCredits") == 1


async def test_a_success_nobody_could_read_is_never_called_not_placed(scene: Scene):
    await scene.wren.send(ORDERS["offset"]())
    scene.sandbox.wren_api.behaviours.list_lag = timedelta(days=1)
    scene.later(minutes=60 * 25)
    error = await lose(scene, ORDERS["offset"](), fault="malformed_json")
    scene.later(minutes=60)

    assert error.accepted
    assert "answered with a success" in why(await scene.wren.reconcile(error))


@every_order
async def test_a_test_token_meets_the_same_rules_and_is_told_why_nothing_is_found(scene: Scene, kind: str):
    async with WrenClient(
        scene.sandbox.wren.test_token, base_url=scene.sandbox.wren.base_url, timing=scene.timing
    ) as rehearsal:
        error = await lose(scene, ORDERS[kind](), client=rehearsal, when="after")
        scene.later(minutes=60)

        assert "a test token keeps nothing" in why(await rehearsal.reconcile(error))


async def test_many_are_settled_with_one_walk_of_each_list(scene: Scene):
    checkpoint = await scene.wren.checkpoint()
    await scene.wren.send(ORDERS["donation"]())
    lost = [
        await lose(scene, ORDERS[kind](note=f"number {number}"), when=when)
        for number in range(3)
        for kind in ORDERS
        for when in ("after", "before")
    ]
    scene.sandbox.requests.clear()
    scene.later(minutes=16)

    verdicts = await scene.wren.reconcile_many(lost, checkpoint=checkpoint)

    assert [type(verdict) for verdict in verdicts] == [Placed, NotPlaced] * 15
    assert [placed(verdict).reference for verdict in verdicts[::2]] == [error.reference for error in lost[::2]]
    for read in ("listOffsetOrders", "listProjectDonations", "listTreeOrders", "listCreditLedger"):
        assert scene.reads(read) == 1


async def test_nothing_to_settle_asks_nothing(scene: Scene):
    assert await scene.wren.reconcile_many([]) == []
    assert len(list(scene.sandbox.requests)) == 0


async def test_what_a_journal_remembers_is_enough(scene: Scene):
    await scene.wren.send(ORDERS["offset"]())
    error = await lose(scene, ORDERS["offset"](), when="after")
    remembered = Unsettled(call=ORDERS["offset"](), reference=error.reference)
    never_sent = Unsettled(call=ORDERS["offset"](), reference="never-sent", last_sent=scene.utc())

    placed(await scene.wren.reconcile(remembered))
    scene.later(minutes=16)
    assert isinstance(await scene.wren.reconcile(never_sent), NotPlaced)


async def test_a_reference_of_several_orders_cannot_tell_of_one_of_them(scene: Scene):
    for _ in range(2):
        await scene.wren.send(ORDERS["offset"](reference="ride-7"))

    verdict = await scene.wren.reconcile(Unsettled(call=ORDERS["offset"](), reference="ride-7"))

    assert isinstance(verdict, CannotTell)
    assert "one of 3 t, and the call asks for 1.5 t" in verdict.evidence.reason
    assert "several orders" in verdict.evidence.reason


async def test_what_another_server_was_sent_is_not_asked_here(scene: Scene):
    error = await lose(scene, ORDERS["offset"](), when="after")

    with pytest.raises(InvalidArgument, match="ask the client that sent it"):
        await scene.cnaught.reconcile(error)
