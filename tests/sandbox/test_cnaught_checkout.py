from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cnaught_driver import Driver, problem, session_body

from wren_async.sandbox.cnaught import CNaughtRefusedError


def test_a_session_shows_what_was_asked_for() -> None:
    sandbox = Driver()
    extra = {"description": "On behalf of Jane Smith", "notification_config": {"url": "https://www.example.com/hook"}}
    answer = sandbox.answer("createCheckoutSession", body=session_body(**extra))
    assert answer.status == 201
    session = answer.body
    assert isinstance(session, dict)
    assert session == {
        "id": session["id"],
        "amount_kg": 100,
        "price_usd_cents": 200,
        "success_url": "https://shop.example.com/thanks?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example.com/cart",
        "checkout_url": f"https://checkout.cnaught.com/pay/{session['id']}",
        "state": "open",
        "created_on": "2026-07-01T12:00:00.000000Z",
        "expires_on": "2026-07-02T12:00:00.000000Z",
        "completed_on": None,
        "portfolio_id": "oH5hlq",
        "subaccount_id": None,
        "order_description": "On behalf of Jane Smith",
        "order_webhook_url": "https://www.example.com/hook",
    }
    assert sandbox.ok("getCheckoutSession", id=session["id"]) == session
    sandbox.behaviours.checkout_base_url = "http://127.0.0.1:8080/pay"
    assert sandbox.session()["checkout_url"].startswith("http://127.0.0.1:8080/pay/")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount_kg": 0}, "amount_kg"),
        ({"amount_kg": -5}, "amount_kg"),
        ({"amount_kg": 24}, "amount_kg"),
        ({"success_url": "http://shop.example.com"}, "success_url"),
        ({"success_url": "/thanks"}, "success_url"),
        ({"cancel_url": "http://shop.example.com"}, "cancel_url"),
        ({"cancel_url": None}, "cancel_url"),
        ({"notification_config": {"url": "here"}}, "notification_config.url"),
    ],
)
def test_what_is_not_fit_for_a_checkout_is_refused(change: dict[str, Any], field: str) -> None:
    refusal = Driver().refusal("createCheckoutSession", body=session_body(**change))
    assert problem(refusal) == ("invalid-parameters", 400)
    assert field in refusal["errors"]


def test_fifty_cents_are_enough() -> None:
    assert Driver().session(amount_kg=25)["price_usd_cents"] == 50


def test_the_least_of_a_checkout_may_be_more() -> None:
    sandbox = Driver(checkout_minimum_usd_cents=100)
    refusal = sandbox.refusal("createCheckoutSession", body=session_body(amount_kg=49))
    assert list(refusal["errors"]) == ["amount_kg"]
    assert sandbox.session(amount_kg=50)["price_usd_cents"] == 100


def test_completing_leads_to_an_order() -> None:
    sandbox = Driver()
    subaccount = sandbox.subaccount()["id"]
    body = session_body(description="For you", portfolio_id="ixmZSK")
    session = sandbox.ok("createCheckoutSession", body=body, subaccount=subaccount)
    sandbox.world.clock.move(60)
    order = sandbox.api.complete(session["id"])
    assert order["checkout_session_id"] == session["id"]
    assert (order["subaccount_id"], order["description"]) == (subaccount, "For you")
    assert (order["amount_kg"], order["price_usd_cents"], order["state"]) == (100, 200, "placed")
    assert sandbox.ok("listOrders", subaccount=subaccount)["data"] == [order]
    after = sandbox.ok("getCheckoutSession", id=session["id"])
    assert (after["state"], after["completed_on"]) == ("complete", "2026-07-01T12:01:00.000000Z")
    assert sandbox.api.return_url(session["id"]) == f"https://shop.example.com/thanks?session={session['id']}"
    for step in (sandbox.api.complete, sandbox.api.expire):
        with pytest.raises(CNaughtRefusedError, match="complete"):
            step(session["id"])
    held = sandbox.api.state()["production"]
    assert isinstance(held, dict)
    assert held["invoice"] == []


def test_a_session_expires_by_the_clock() -> None:
    sandbox = Driver()
    session = sandbox.session()["id"]
    sandbox.world.clock.move(86399)
    assert sandbox.ok("getCheckoutSession", id=session)["state"] == "open"
    sandbox.world.clock.move(1)
    assert sandbox.ok("getCheckoutSession", id=session)["state"] == "expired"
    with pytest.raises(CNaughtRefusedError, match="expired"):
        sandbox.api.complete(session)


def test_a_session_expires_on_request() -> None:
    sandbox = Driver(checkout_lifetime=timedelta(days=2))
    session = sandbox.session()["id"]
    assert sandbox.api.expire(session)["state"] == "expired"
    assert sandbox.api.return_url(session) == "https://shop.example.com/cart"
    with pytest.raises(CNaughtRefusedError, match="expired"):
        sandbox.api.complete(session)
    assert sandbox.ok("listOrders") == {"data": []}


def test_a_session_of_a_deleted_subaccount_leads_nowhere() -> None:
    sandbox = Driver()
    subaccount = sandbox.subaccount()["id"]
    session = sandbox.ok("createCheckoutSession", body=session_body(), subaccount=subaccount)["id"]
    sandbox.ok("deleteSubaccount", id=subaccount)
    with pytest.raises(CNaughtRefusedError, match="Invalid subaccount"):
        sandbox.api.complete(session)


def test_unknown_sessions() -> None:
    sandbox = Driver()
    assert problem(sandbox.refusal("getCheckoutSession", id="nothing")) == ("not-found", 404)
    assert problem(sandbox.refusal("getCheckoutSession", id=sandbox.session()["id"], mode="test"))[1] == 404
    with pytest.raises(CNaughtRefusedError, match="Could not find checkout session"):
        sandbox.api.complete("nothing")


def test_the_page_offers_to_pay_while_it_is_open() -> None:
    sandbox = Driver()
    session = sandbox.session(description="<b>bold</b> & bright")["id"]
    page = sandbox.api.checkout_page(session)
    assert f'action="{session}/complete"' in page
    assert f'action="{session}/expire"' in page
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; bright" in page
    assert "100 kg of CO2e for 2.00 US dollars" in page
    sandbox.api.complete(session)
    page = sandbox.api.checkout_page(session)
    assert "<form" not in page
    assert f"https://shop.example.com/thanks?session={session}" in page


# Notifications


def watched(sandbox: Driver, **parts: Any) -> str:
    body = {"amount_kg": 10, "notification_config": {"url": "https://www.example.com/hook"}}
    order_id = sandbox.ok("createOrder", body=body, **parts)["id"]
    assert isinstance(order_id, str)
    return order_id


def test_changes_of_state_are_put_in_the_outbox() -> None:
    sandbox = Driver()
    order_id = watched(sandbox)
    sandbox.ok("cancelOrder", id=sandbox.order()["id"])
    assert sandbox.api.outbox.due(sandbox.world.clock.now()) == []
    fulfilled = sandbox.api.fulfil(order_id)
    cancelled = sandbox.ok("cancelOrder", id=order_id)
    notes = sandbox.api.outbox.due(sandbox.world.clock.now())
    assert [(note.url, note.body) for note in notes] == [
        ("https://www.example.com/hook", {"order": fulfilled}),
        ("https://www.example.com/hook", {"order": cancelled}),
    ]
    assert [(note.order_id, note.state) for note in notes] == [(order_id, "fulfilled"), (order_id, "cancelled")]


def test_a_checkouts_url_is_that_of_its_order() -> None:
    sandbox = Driver()
    session = sandbox.session(notification_config={"url": "https://www.example.com/hook"})["id"]
    order = sandbox.api.complete(session)
    assert order["callback_url"] == "https://www.example.com/hook"
    sandbox.api.fulfil(str(order["id"]))
    assert len(sandbox.api.outbox.waiting) == 1


def test_only_200_ends_the_sending() -> None:
    sandbox = Driver()
    sandbox.api.fulfil(watched(sandbox))
    outbox, now = sandbox.api.outbox, sandbox.world.clock.now()
    (note,) = outbox.due(now)
    for status in (None, 500, 204):
        outbox.attempted(note.id, status)
        assert outbox.due(now) == [note]
    outbox.attempted(note.id, 200)
    assert outbox.due(now) == []
    assert outbox.delivered == [note]
    assert note.attempts == [None, 500, 204, 200]
    outbox.attempted(note.id, 500)
    assert note.attempts == [None, 500, 204, 200]
    state = sandbox.api.state()["outbox"]
    assert isinstance(state, dict)
    assert state["delivered"] == [note.plain()]


def test_notifications_are_given_up_after_a_day() -> None:
    sandbox = Driver()
    sandbox.api.fulfil(watched(sandbox))
    sandbox.world.clock.move(86400)
    assert sandbox.api.outbox.due(sandbox.world.clock.now()) == []
    assert len(sandbox.api.outbox.given_up) == 1


def test_a_notification_may_be_the_bare_order() -> None:
    sandbox = Driver(notification_body="bare")
    order = sandbox.api.fulfil(watched(sandbox))
    (note,) = sandbox.api.outbox.waiting.values()
    assert note.body == order
