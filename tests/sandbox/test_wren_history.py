"""What Wren remembers: the ledger, the lists, purchases, certificates; and what test mode does not remember."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from wren_driver import WrenDriver

OFFSET, PROJECT, TREE = "/api/offset-orders", "/api/project-orders", "/api/tree-orders"


@pytest.fixture
async def wren() -> AsyncIterator[WrenDriver]:
    async with WrenDriver() as driver:
        yield driver


@pytest.fixture
async def in_test(wren: WrenDriver) -> WrenDriver:
    wren.token = wren.sandbox.wren.test_token
    return wren


async def test_a_top_up(wren: WrenDriver) -> None:
    before = await wren.balance()
    receipt = await wren.post("/api/credits/top-up", amountInUsdCents=10000)
    assert (receipt["amountCharged"], receipt["creditBalance"]) == (10000, before + 10000)
    (entry,) = (await wren.get("/api/credits/ledger"))["entries"]
    assert (entry["type"], entry["stripe_charge_id"], entry["order_group_id"]) == ("top_up", receipt["id"], None)
    await wren.refused(400, "/api/credits/top-up", amountInUsdCents=99)
    await wren.refused(400, "/api/credits/top-up")


async def test_a_refund_goes_back_to_the_wallet(wren: WrenDriver) -> None:
    before = await wren.balance()
    by_wallet = await wren.post(OFFSET, tons=1, paymentMethod="credits")
    by_card = await wren.post(OFFSET, tons=1)
    wren.sandbox.cancel(by_wallet["id"])
    wren.sandbox.cancel(by_card["id"])
    assert await wren.balance() == before
    refund, deduction = (await wren.get("/api/credits/ledger"))["entries"]
    assert (refund["type"], refund["amount_usd_cents"], refund["order_group_id"]) == ("refund", 2311, by_wallet["id"])
    assert deduction["type"] == "deduction"
    with pytest.raises(ValueError, match="refunded already"):
        wren.sandbox.cancel(by_card["id"])


async def test_pages_of_the_ledger(wren: WrenDriver) -> None:
    for number in range(1, 8):
        await wren.post("/api/credits/top-up", amountInUsdCents=100 * number)
    page = await wren.get("/api/credits/ledger", limit=3, offset=2)
    assert [entry["amount_usd_cents"] for entry in page["entries"]] == [500, 400, 300]
    assert (page["total"], page["limit"], page["offset"]) == (7, 3, 2)
    page = await wren.get("/api/credits/ledger")
    assert (len(page["entries"]), page["limit"], page["offset"]) == (7, 50, 0)
    assert (await wren.get("/api/credits/ledger", offset=6))["entries"][0]["amount_usd_cents"] == 100
    assert (await wren.get("/api/credits/ledger", offset=7))["entries"] == []
    assert (await wren.get("/api/credits/ledger", limit="2.0"))["limit"] == 2
    for query in ({"limit": 201}, {"limit": 0}, {"offset": -1}, {"limit": "many"}, {"offset": 10**50}):
        assert (await wren.send("GET", "/api/credits/ledger", params=query)).status_code == 400


async def test_the_public_feed_needs_no_token(wren: WrenDriver) -> None:
    await wren.post(OFFSET, tons=1, portfolioId=2, note="private")
    wren.token = None
    (row,) = (await wren.get("/api/offset-orders/public"))["offsetOrders"]
    assert row["tons"] == 1
    assert "note" not in row
    wren.token = "nonsense"
    assert (await wren.send("GET", "/api/offset-orders/public")).status_code == 200


async def test_portfolios_in_both_casings(wren: WrenDriver) -> None:
    wren.token = None
    plain = (await wren.get("/api/portfolios"))["portfolios"]
    assert [p["cost_per_ton"] for p in plain if p["name"] == "Wren Climate Fund"] == [23.11]
    trailblazer = next(p for p in plain if p["id"] == 21)
    assert trailblazer["cost_per_ton"] == 401.71
    assert trailblazer["projects"][0]["percentage"] == 0.2099
    assert all(abs(sum(project["percentage"] for project in p["projects"]) - 1) < 1e-9 for p in plain)
    for query in ("expanded", "expanded=", "expanded=false", "expanded=true"):
        answer = await wren.send("GET", f"/api/portfolios?{query}")
        full = answer.json()["portfolios"]
        assert full[0]["costPerTon"] == 23.11
        assert full[0]["projects"][0]["certificationStatus"]
    wren.token = "nonsense"
    assert (await wren.send("GET", "/api/portfolios")).status_code == 401


async def test_purchases_newest_first(wren: WrenDriver) -> None:
    wren.sandbox.clock.set(datetime(2026, 7, 1, 12, tzinfo=UTC))
    first = await wren.post(OFFSET, tons=1)
    wren.sandbox.clock.move(60)
    second = await wren.post(OFFSET, tons=2, paymentMethod="credits")
    purchases = (await wren.get("/api/purchases"))["purchases"]
    assert [p["stripeChargeId"] for p in purchases] == [second["id"], first["id"]]
    assert [p["createdAt"] for p in purchases] == ["2026-07-01T12:01:00.000Z", "2026-07-01T12:00:00.000Z"]
    assert [p["totalAmountPaidByCustomer"] for p in purchases] == [4622, 2311]
    assert purchases[0]["certificateUrl"].endswith(f"/_sandbox/wren/certificates/{second['id']}")
    page = await wren.send("GET", purchases[0]["certificateUrl"])
    assert "Impact certificate" in page.text


async def test_a_certificate_names_the_purchaser(wren: WrenDriver) -> None:
    receipt = await wren.post(OFFSET, tons=1, onBehalfOfName="Jane <Customer>", onBehalfOfEmail="jane@example.com")
    answer = await wren.send("GET", f"/api/offset-orders/certificate/by-group/{receipt['id']}")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Jane &lt;Customer&gt;" in answer.text
    wren.token = wren.sandbox.wren.personal_token
    hidden = await wren.send("GET", f"/api/offset-orders/certificate/by-group/{receipt['id']}")
    assert hidden.status_code == 404
    for group_id in ("test_oo_1", "a%2Fb", "%C3%A4"):
        assert (await wren.send("GET", f"/api/offset-orders/certificate/by-group/{group_id}")).status_code == 404


async def test_test_mode_is_canned(in_test: WrenDriver) -> None:
    assert await in_test.get("/api/credits/balance") == {"creditBalanceUsdCents": 100000, "test": True}
    for _ in range(2):
        receipt = await in_test.post(OFFSET, tons=0.45, paymentMethod="credits")
        assert (receipt["creditsRemaining"], receipt["test"], receipt["currency"]) == (98960, True, "USD")
        assert receipt["id"].startswith("test_oo_")
    assert (await in_test.post(PROJECT, projectId=18, amountInUsdCents=100))["id"].startswith("test_po_")
    assert (await in_test.post(TREE, amountOfTrees=1))["id"].startswith("test_to_")
    assert (await in_test.post(OFFSET, tons=1, dryRun=True))["id"] is None
    top_up = await in_test.post("/api/credits/top-up", amountInUsdCents=1000)
    assert (top_up["creditBalance"], top_up["test"]) == (101000, True)
    assert await in_test.balance() == 100000
    assert (await in_test.get("/api/credits/ledger"))["total"] == 3
    assert (await in_test.get("/api/credits/ledger", limit=1, offset=1))["entries"][0]["type"] == "deduction"
    assert (await in_test.get(OFFSET))["offsetOrders"] == []
    assert (await in_test.get(TREE))["treeOrders"] == []
    assert in_test.sandbox.orders == []
    assert all(not entry.changes for entry in in_test.sandbox.requests)


async def test_what_test_mode_refuses(in_test: WrenDriver) -> None:
    for path in ("/api/purchases", "/api/project-donations"):
        assert (await in_test.send("GET", path)).status_code == 403
    await in_test.refused(400, OFFSET, tons=0.01)
    await in_test.refused(402, OFFSET, tons=50, paymentMethod="credits")
    assert (await in_test.get("/api/portfolios"))["portfolios"]
    assert (await in_test.post("/api/tree-orders/preview", amountOfTrees=1))["test"] is True


async def test_everything_in_the_ledger(wren: WrenDriver) -> None:
    wren.sandbox.clock.set(datetime(2026, 7, 1, 12, tzinfo=UTC))
    await wren.post("/api/credits/top-up", amountInUsdCents=100)
    (entry,) = (await wren.get("/api/credits/ledger"))["entries"]
    assert (entry["id"], entry["created_at"]) == ("901", "2026-07-01T12:00:00.000Z")
