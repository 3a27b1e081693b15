from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cnaught_driver import Driver, problem, session_body


def keyed(sandbox: Driver, **parts: Any) -> Any:
    parts = {"body": {"amount_kg": 10}, "idempotency_key": "k", **parts}
    return sandbox.answer("createOrder", **parts)


def test_a_repeat_gets_the_first_answer_and_says_so() -> None:
    sandbox = Driver()
    first = keyed(sandbox)
    sandbox.api.fulfil(first.body["id"])
    again = keyed(sandbox)
    assert (again.status, again.body) == (201, first.body)
    assert first.headers == {}
    assert again.headers == {"X-Idempotent-Replay": "true"}
    assert len(sandbox.ok("listOrders")["data"]) == 1


def test_each_of_the_four_operations_replays() -> None:
    sandbox = Driver()
    order = sandbox.order()["id"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("createOrder", {"body": {"amount_kg": 1}}),
        ("createRideOrder", {"body": {"distance_km": 10}}),
        ("cancelOrder", {"id": order}),
        ("createSubaccount", {"body": {"name": "x"}}),
    ]
    for operation, parts in calls:
        first = sandbox.answer(operation, idempotency_key="same", **parts)
        again = sandbox.answer(operation, idempotency_key="same", **parts)
        assert (again.status, again.body) == (first.status, first.body)
        assert again.headers == {"X-Idempotent-Replay": "true"}


def test_elsewhere_the_header_means_nothing() -> None:
    sandbox = Driver()
    first = sandbox.answer("createCheckoutSession", body=session_body(), idempotency_key="k" * 600)
    again = sandbox.answer("createCheckoutSession", body=session_body(), idempotency_key="k" * 600)
    assert (first.status, again.status) == (201, 201)
    assert first.body != again.body


@pytest.mark.parametrize("change", [{"body": {"amount_kg": 11}}, {"subaccount": "theirs"}])
def test_another_payload_is_refused(change: dict[str, Any]) -> None:
    sandbox = Driver()
    if "subaccount" in change:
        change = {"subaccount": sandbox.subaccount()["id"]}
    keyed(sandbox)
    answer = keyed(sandbox, **change)
    assert problem(answer.body) == ("idempotency-changed-payload", 422)
    assert len(sandbox.ok("listOrders")["data"]) == 1


def test_a_key_may_have_512_characters() -> None:
    sandbox = Driver()
    assert keyed(sandbox, idempotency_key="k" * 512).status == 201
    assert problem(keyed(sandbox, idempotency_key="k" * 513).body) == ("idempotency-key-too-long", 400)


def test_an_empty_key_is_refused_and_buys_nothing() -> None:
    sandbox = Driver()
    answer = keyed(sandbox, idempotency_key="")
    assert problem(answer.body) == ("invalid-parameters", 400)
    assert set(answer.body["errors"]) == {"Idempotency-Key"}
    assert sandbox.ok("listOrders")["data"] == []


def test_without_a_key_cancelling_again_fails() -> None:
    sandbox = Driver()
    order = sandbox.order()["id"]
    assert sandbox.answer("cancelOrder", id=order, idempotency_key="c").status == 200
    assert sandbox.answer("cancelOrder", id=order, idempotency_key="c").status == 200
    assert sandbox.answer("cancelOrder", id=order, idempotency_key="d").status == 403
    assert sandbox.answer("cancelOrder", id=order).status == 403


def test_a_key_is_bound_to_its_path_and_mode() -> None:
    sandbox = Driver()
    first, second = sandbox.order()["id"], sandbox.order()["id"]
    assert sandbox.answer("cancelOrder", id=first, idempotency_key="k").status == 200
    assert sandbox.answer("cancelOrder", id=second, idempotency_key="k").body["id"] == second  # type: ignore[index,call-overload]
    assert keyed(sandbox).headers == {}
    assert keyed(sandbox, mode="test").headers == {}


def test_a_key_may_be_bound_to_the_account() -> None:
    sandbox = Driver(idempotency_scope="account")
    first, second = sandbox.order()["id"], sandbox.order()["id"]
    assert sandbox.answer("cancelOrder", id=first, idempotency_key="k").status == 200
    assert sandbox.answer("cancelOrder", id=second, idempotency_key="k").status == 422
    assert keyed(sandbox).status == 422
    assert keyed(sandbox, mode="test").status == 201


def test_keys_are_forgotten_in_time() -> None:
    sandbox = Driver(idempotency_retention=timedelta(hours=1))
    first = keyed(sandbox)
    keyed(sandbox, idempotency_key="other")
    sandbox.world.clock.move(3599)
    assert keyed(sandbox).body == first.body
    sandbox.world.clock.move(1)
    assert keyed(sandbox).body != first.body
    state = sandbox.api.state()["production"]
    assert isinstance(state, dict)
    assert state["idempotency_keys"] == 1


def test_a_clock_turned_back_does_not_revive_or_lose_keys() -> None:
    sandbox = Driver(idempotency_retention=timedelta(hours=1))
    keyed(sandbox, idempotency_key="late")
    sandbox.world.clock.move(-7200)
    first = keyed(sandbox)
    sandbox.world.clock.move(3600)
    assert keyed(sandbox).body != first.body


def test_refusals_are_not_stored_unless_set_so() -> None:
    for stores, status in ((False, 201), (True, 403)):
        sandbox = Driver(billing_set_up=False, idempotency_stores_errors=stores)
        assert keyed(sandbox).status == 403
        sandbox.behaviours.billing_set_up = True
        assert keyed(sandbox).status == status


def test_a_request_in_progress_blocks_its_key() -> None:
    sandbox = Driver()
    request = sandbox.request("createOrder", body={"amount_kg": 10}, idempotency_key="k")
    assert sandbox.api.begin(request) is None
    refusal = sandbox.api.begin(request)
    assert refusal is not None
    assert problem(refusal.body) == ("idempotency-concurrent-requests", 409)
    assert problem(keyed(sandbox).body) == ("idempotency-concurrent-requests", 409)
    assert keyed(sandbox, idempotency_key="other").status == 201
    sandbox.api.end(request)
    assert sandbox.carry_out(request).status == 201
    assert sandbox.api.begin(request) is None
    assert keyed(sandbox).status == 409
    sandbox.api.end(request)
    assert keyed(sandbox).headers == {"X-Idempotent-Replay": "true"}


def test_only_good_keys_are_marked() -> None:
    sandbox = Driver()
    plain = sandbox.request("createOrder", body={"amount_kg": 10})
    assert sandbox.api.begin(plain) is None
    assert sandbox.api.begin(plain) is None
    sandbox.api.end(plain)
    long = sandbox.request("createOrder", idempotency_key="k" * 513)
    refusal = sandbox.api.begin(long)
    assert refusal is not None
    assert refusal.status == 400
    sandbox.api.end(long)
