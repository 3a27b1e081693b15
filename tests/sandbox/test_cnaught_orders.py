from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from cnaught_driver import START, Driver, contract_operations, problem

from wren_async.sandbox.cnaught import CNaughtRefusedError, UnitPrices


def test_plays_every_operation_of_the_contract() -> None:
    assert set(Driver().api.operations) == set(contract_operations()) != set()


def test_a_new_order_is_placed_with_everything_it_was_given() -> None:
    sandbox = Driver()
    body = {
        "amount_kg": 10,
        "metadata": "example metadata",
        "description": "On behalf of Jane Smith",
        "notification_config": {"url": "https://www.example.com/callback"},
    }
    answer = sandbox.answer("createOrder", body=body)
    assert answer.status == 201
    order = answer.body
    assert isinstance(order, dict)
    order_id = order["id"]
    assert order == {
        "id": order_id,
        "order_number": order["order_number"],
        "created_on": "2026-07-01T12:00:00.000000Z",
        "metadata": "example metadata",
        "description": "On behalf of Jane Smith",
        "amount_kg": 10,
        "state": "placed",
        "price_usd_cents": 20,
        "callback_url": "https://www.example.com/callback",
        "certificate_public_url": f"https://registry.cnaught.com/orders/{order_id}",
        "certificate_download_public_url": f"https://registry.cnaught.com/api/certificates/{order_id}/pdf",
        "project_allocations": [],
        "subaccount_id": None,
        "checkout_session_id": None,
    }
    assert [len(part) for part in str(order["order_number"]).split("-")] == [5, 5, 5, 5, 4]
    assert sandbox.ok("getOrder", id=order_id) == order
    assert sandbox.api.orders[0].id == order_id
    assert sandbox.world.changes == [f"order {order_id} placed: 10 kg for 20 cents"]


def test_ids_depend_on_the_seed_alone_and_sandbox_mode_shows_in_them() -> None:
    assert Driver().order()["id"] == Driver().order()["id"]
    assert not Driver().order()["id"].endswith("_sandbox")
    assert Driver().order(mode="test")["id"].endswith("_sandbox")


def test_the_modes_share_nothing() -> None:
    sandbox = Driver(sample_order=False)
    order = sandbox.order(mode="test")
    assert sandbox.ok("listOrders") == {"data": []}
    assert problem(sandbox.refusal("getOrder", id=order["id"])) == ("not-found", 404)


@pytest.mark.parametrize(("cents", "amount_kg", "price"), [(3190, 1595, 3190), (3191, 1595, 3190), (2, 1, 2)])
def test_an_order_by_price_is_whole_kilograms(cents: int, amount_kg: int, price: int) -> None:
    order = Driver().ok("createOrder", body={"total_price_usd_cents": cents})
    assert (order["amount_kg"], order["price_usd_cents"]) == (amount_kg, price)


def test_a_fractional_unit_price_is_rounded_up_to_whole_cents() -> None:
    sandbox = Driver(unit_prices={"oH5hlq": UnitPrices(api=Decimal("1.6"))})
    assert sandbox.order(7)["price_usd_cents"] == 12
    by_price = sandbox.ok("createOrder", body={"total_price_usd_cents": 12})
    assert (by_price["amount_kg"], by_price["price_usd_cents"]) == (7, 12)


def test_a_fractional_amount_is_rounded_down_as_documented_or_kept() -> None:
    order = Driver().order(Decimal("100.5"))
    assert (order["amount_kg"], order["price_usd_cents"]) == (100, 200)
    order = Driver(fractional_amounts="keep").order(Decimal("100.5"))
    assert (order["amount_kg"], order["price_usd_cents"]) == (Decimal("100.5"), 201)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"amount_kg": -1}, "amount_kg"),
        ({"amount_kg": Decimal("0.5")}, "amount_kg"),
        ({"amount_kg": 10**16}, "amount_kg"),
        ({"amount_kg": "ten"}, "amount_kg"),
        ({}, "amount_kg"),
        ({"amount_kg": 1, "total_price_usd_cents": 2}, "body"),
        ({"amount_kg": 1, "total_price_usd_cents": "two"}, "amount_kg"),
        ({"total_price_usd_cents": 1}, "total_price_usd_cents"),
        ({"amount_kg": 1, "metadata": 7}, "metadata"),
        ({"amount_kg": 1, "notification_config": {}}, "notification_config.url"),
        ({"amount_kg": 1, "notification_config": {"url": "ftp://example.com"}}, "notification_config.url"),
        ({"amount_kg": 1, "notification_config": {"url": "https://[oops"}}, "notification_config.url"),
        ({"amount_kg": 1, "notification_config": {"url": "https://example.com/a b"}}, "notification_config.url"),
    ],
)
def test_what_does_not_validate_is_refused_by_field(body: dict[str, object], field: str) -> None:
    sandbox = Driver()
    refusal = sandbox.refusal("createOrder", body=body)
    assert problem(refusal) == ("invalid-parameters", 400)
    assert refusal["title"] == "Your request parameters didn't validate"
    assert list(refusal["errors"]) == [field]
    assert sandbox.ok("listOrders") == {"data": []}


def test_placing_is_forbidden_without_billing_or_with_another_portfolio() -> None:
    refusal = Driver(billing_set_up=False).refusal("createOrder", body={"amount_kg": 1})
    assert problem(refusal) == ("forbidden", 403)
    refusal = Driver().refusal("createOrder", body={"amount_kg": 1, "portfolio_id": "mHvNvWbq"})
    assert problem(refusal) == ("forbidden", 403)
    refusal = Driver(portfolio_ids=("oH5hlq",)).refusal("createOrder", body={"amount_kg": 1, "portfolio_id": "ixmZSK"})
    assert problem(refusal) == ("forbidden", 403)


def test_an_unknown_order_is_not_found() -> None:
    refusal = Driver().refusal("getOrder", id="nothing")
    assert refusal["title"] == "Could not find order"
    assert problem(refusal) == ("not-found", 404)


def test_fulfilling_retires_credits_of_each_project() -> None:
    sandbox = Driver()
    order_id = sandbox.order(3000)["id"]
    sandbox.api.fulfil(order_id)
    order = sandbox.ok("getOrder", id=order_id)
    assert order["state"] == "fulfilled"
    shares = [(part["project"]["name"], part["amount_kg"]) for part in order["project_allocations"]]
    assert shares == [
        ("Sandbox Project A", 1050),
        ("Sandbox Project B", 1050),
        ("Sandbox Project C", 600),
        ("Sandbox Project D", 300),
    ]
    assert order["project_allocations"][0]["retirements"][0]["serial_number_range"] == "I0UbDH-2023-1-1050"
    with pytest.raises(CNaughtRefusedError, match="already fulfilled"):
        sandbox.api.fulfil(order_id)


def test_the_parts_of_an_odd_order_add_up() -> None:
    sandbox = Driver()
    order = sandbox.api.fulfil(sandbox.order(7)["id"])
    parts = order["project_allocations"]
    assert isinstance(parts, list)
    assert sum(part["amount_kg"] for part in parts) == 7  # type: ignore[index,misc,call-overload]


def test_the_well_known_order_is_there_in_sandbox_mode() -> None:
    order = Driver().ok("getOrder", id="2FhU3B0F36_sandbox", mode="test")
    assert (order["state"], order["amount_kg"]) == ("fulfilled", 3000)
    assert [part["amount_kg"] for part in order["project_allocations"]] == [1050, 1050, 600, 300]
    assert Driver(sample_order=False).ok("listOrders", mode="test") == {"data": []}


@pytest.mark.parametrize("fulfilled", [False, True])
def test_a_placed_or_fulfilled_order_can_be_cancelled_once(fulfilled: bool) -> None:
    sandbox = Driver()
    order_id = sandbox.order()["id"]
    if fulfilled:
        sandbox.api.fulfil(order_id)
    order = sandbox.ok("cancelOrder", id=order_id)
    assert order["state"] == "cancelled"
    assert order["certificate_public_url"] is None
    assert order["certificate_download_public_url"] is None
    assert problem(sandbox.refusal("cancelOrder", id=order_id)) == ("forbidden", 403)
    with pytest.raises(CNaughtRefusedError):
        sandbox.api.cancel(order_id)
    with pytest.raises(CNaughtRefusedError):
        sandbox.api.fulfil(order_id)


def test_cancelling_credits_the_invoice_of_its_own_month() -> None:
    sandbox = Driver()
    order_id = sandbox.order()["id"]
    sandbox.world.clock.move(40 * 86400)
    sandbox.ok("cancelOrder", id=order_id)
    production = sandbox.api.state()["production"]
    assert isinstance(production, dict)
    assert production["invoice"] == [
        {"order_id": order_id, "usd_cents": 20, "period": "2026-07"},
        {"order_id": order_id, "usd_cents": -20, "period": "2026-08"},
    ]


def test_sandbox_mode_costs_nothing() -> None:
    sandbox = Driver()
    sandbox.order(mode="test")
    held = sandbox.api.state()["sandbox"]
    assert isinstance(held, dict)
    assert held["invoice"] == []


def test_cnaught_itself_may_cancel() -> None:
    sandbox = Driver()
    order = sandbox.api.cancel(sandbox.order()["id"])
    assert order["state"] == "cancelled"
    assert sandbox.ok("getOrder", id=order["id"]) == order


def test_tests_cannot_step_on_unknown_orders() -> None:
    with pytest.raises(CNaughtRefusedError, match="Could not find order"):
        Driver().api.fulfil("nothing")


def test_ride_orders_buy_what_the_ride_quote_says() -> None:
    sandbox = Driver()
    order = sandbox.ok("createRideOrder", body={"distance_km": 30, "metadata": "ride"})
    assert (order["amount_kg"], order["price_usd_cents"], order["metadata"]) == (Decimal("7.2342"), 14, "ride")
    assert "type" not in order


@pytest.mark.parametrize("status", [404, 410])
def test_ride_operations_may_be_gone(status: int) -> None:
    sandbox = Driver(ride_operations=status)
    assert sandbox.answer("createRideOrder", body={"distance_km": 30}).status == status
    sandbox.conform = False
    assert sandbox.answer("createRideQuote", body={"distance_km": 30}).status == status


def test_certificates_may_come_with_fulfilment_only() -> None:
    sandbox = Driver(certificates_while_placed=False)
    order = sandbox.order()
    assert order["certificate_public_url"] is None
    assert sandbox.api.fulfil(order["id"])["certificate_public_url"] is not None


def test_orders_may_be_fulfilled_by_themselves() -> None:
    sandbox = Driver(fulfil_after=timedelta(minutes=5))
    first, second = sandbox.order()["id"], sandbox.order()["id"]
    sandbox.ok("cancelOrder", id=first)
    sandbox.world.clock.move(299)
    assert sandbox.ok("getOrder", id=second)["state"] == "placed"
    sandbox.world.clock.move(1)
    assert sandbox.ok("getOrder", id=second)["state"] == "fulfilled"
    third = sandbox.order()["id"]
    sandbox.world.clock.move(300)
    sandbox.ok("listOrders")
    assert sandbox.world.changes[-1] == f"order {third} fulfilled"


def test_the_state_may_be_spelt_with_one_l() -> None:
    sandbox = Driver(cancelled_spelling="canceled", conform=False)
    assert sandbox.ok("cancelOrder", id=sandbox.order()["id"])["state"] == "canceled"


def test_nulls_may_be_left_out_and_unknown_members_added() -> None:
    sandbox = Driver(leave_out_nulls=True, extra_members={"vintage_preference": "2024"})
    order = sandbox.order()
    assert "metadata" not in order
    assert order["vintage_preference"] == "2024"
    assert sandbox.ok("listOrders")["data"] == [order]


def test_success_statuses_can_be_others() -> None:
    sandbox = Driver(success_status={"cancelOrder": 202}, conform=False)
    assert sandbox.answer("cancelOrder", id=sandbox.order()["id"]).status == 202


def test_times_are_those_of_the_clock() -> None:
    sandbox = Driver()
    sandbox.world.clock.set(START + timedelta(microseconds=7))
    assert sandbox.order()["created_on"] == "2026-07-01T12:00:00.000007Z"
