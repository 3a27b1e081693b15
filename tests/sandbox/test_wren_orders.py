"""Wren's orders: what they cost, who pays, what they leave behind."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from decimal import Decimal, localcontext

import pytest
from wren_driver import WrenDriver

from wren_async.sandbox.wren import AutoRefill, Card

OFFSET, PROJECT, TREE = "/api/offset-orders", "/api/project-orders", "/api/tree-orders"


@pytest.fixture
async def wren() -> AsyncIterator[WrenDriver]:
    async with WrenDriver() as driver:
        yield driver


async def test_a_card_pays_an_offset_order(wren: WrenDriver) -> None:
    before = await wren.balance()
    receipt = await wren.post(OFFSET, tons=0.45)
    assert receipt["id"].startswith("ch_")
    assert (receipt["amountCharged"], receipt["currency"], receipt["tons"]) == (1040, "USD", 0.45)
    assert receipt["portfolio"]["name"] == "Wren Climate Fund"
    assert not {"paymentMethod", "creditsRemaining", "test", "dryRun"} & set(receipt)
    assert await wren.balance() == before


async def test_the_wallet_pays_an_offset_order(wren: WrenDriver) -> None:
    before = await wren.balance()
    receipt = await wren.post(OFFSET, tons=0.45, paymentMethod="credits")
    assert receipt["paymentMethod"] == "credits"
    assert receipt["creditsRemaining"] == before - 1040 == await wren.balance()
    (entry,) = (await wren.get("/api/credits/ledger"))["entries"]
    assert (entry["type"], entry["amount_usd_cents"], entry["order_group_id"]) == ("deduction", -1040, receipt["id"])
    assert entry["stripe_charge_id"] is None


async def test_one_order_makes_a_row_for_each_project_of_its_portfolio(wren: WrenDriver) -> None:
    await wren.post(OFFSET, tons=1.000001, note="ref 1")
    rows = (await wren.get(OFFSET))["offsetOrders"]
    assert {row["project_id"] for row in rows} == {2, 3, 7, 18}
    assert {row["note"] for row in rows} == {"ref 1"}
    assert {row["portfolio_id"] for row in rows} == {1}
    assert sum(Decimal(str(row["tons"])) for row in rows) == Decimal("1.000001")
    assert sum(row["amount_paid_by_customer"] for row in rows) == 2312
    assert len({row["id"] for row in rows}) == 4


async def test_the_stats_of_the_list(wren: WrenDriver) -> None:
    await wren.post(OFFSET, tons=2)
    await wren.post(TREE, amountOfTrees=1)
    stats = (await wren.get(OFFSET))["stats"]
    assert (stats["totalTons"], stats["rank"], stats["percentile"]) == (2, 1, 100)


async def test_fractions_of_a_cent_go_up(wren: WrenDriver) -> None:
    receipt = await wren.post(OFFSET, tons=0.0000001, paymentMethod="credits")
    assert receipt["amountCharged"] == 1


@pytest.mark.parametrize("tons", ["1e39", "1e-399", "123456789012345678901234567890.123456789"])
@pytest.mark.parametrize("portfolio", [1, 21, 30])
async def test_amounts_of_any_size_add_up(wren: WrenDriver, tons: str, portfolio: int) -> None:
    json = f'{{"tons": {tons}, "portfolioId": {portfolio}, "x": 1e9999}}'.encode()
    answer = await wren.send("POST", f"{OFFSET}?x=1e9999", content=json, headers={"Content-Type": "application/json"})
    assert answer.status_code == (200 if "e-" not in tons else 400)
    for group in wren.sandbox.wren_api.orders:
        with localcontext(prec=500):
            assert sum(share.tons for share in group.basket.offsets) == Decimal(tons)
            cents = sum(row.share.cents for row in group.rows)
            assert cents == group.basket.cents


@pytest.mark.parametrize(("tons", "status"), [(0.0428, 400), (0.0429, 200)])
async def test_a_card_has_a_minimum(wren: WrenDriver, tons: float, status: int) -> None:
    answer = await wren.send("POST", OFFSET, json={"tons": tons})
    assert answer.status_code == status
    assert (await wren.send("POST", OFFSET, json={"tons": tons, "paymentMethod": "credits"})).status_code == 200


async def test_a_dry_run_changes_nothing(wren: WrenDriver) -> None:
    before = await wren.balance()
    receipt = await wren.post(OFFSET, tons=1, dryRun=True, paymentMethod="credits")
    assert (receipt["id"], receipt["amountCharged"], receipt["creditsRemaining"]) == (None, 2311, before)
    assert await wren.balance() == before
    assert wren.sandbox.orders == []
    assert all(not entry.changes for entry in wren.sandbox.requests)


async def test_an_empty_wallet_is_refused_with_402(wren: WrenDriver) -> None:
    account = wren.sandbox.wren_api.accounts[wren.sandbox.wren.live_token]
    account.wallet.balance_cents = 2310
    for path, body in (
        (OFFSET, {"tons": 1}),
        (PROJECT, {"projectId": 18, "amountInUsdCents": 2400}),
        (TREE, {"amountOfTrees": 5}),
    ):
        assert await wren.refused(402, path, **body, paymentMethod="credits") == "Insufficient credits"
    assert await wren.balance() == 2310
    assert wren.sandbox.orders == []
    account.wallet.balance_cents = 2311
    await wren.post(OFFSET, tons=1, paymentMethod="credits")
    assert await wren.balance() == 0


async def test_a_wallet_can_refill_itself(wren: WrenDriver) -> None:
    account = wren.sandbox.wren_api.accounts[wren.sandbox.wren.live_token]
    account.wallet.balance_cents, account.auto_refill = 0, AutoRefill(below_cents=500, amount_cents=2000)
    receipt = await wren.post(OFFSET, tons=1, paymentMethod="credits")
    kinds = [(entry.kind, entry.amount_cents) for entry in wren.sandbox.ledger]
    assert kinds == [("top_up", 4000), ("deduction", -2311)]
    assert receipt["creditsRemaining"] == 1689
    await wren.post(OFFSET, tons=0.6, paymentMethod="credits")
    assert [entry.kind for entry in wren.sandbox.ledger] == ["top_up", "deduction", "deduction", "top_up"]
    account.card, account.wallet.balance_cents = Card.DECLINED, 0
    await wren.refused(402, OFFSET, tons=1, paymentMethod="credits")


async def test_a_declined_card_is_a_400(wren: WrenDriver) -> None:
    account = wren.sandbox.wren_api.accounts[wren.sandbox.wren.live_token]
    account.card = Card.DECLINED
    assert "declined" in await wren.refused(400, OFFSET, tons=1)
    assert "declined" in await wren.refused(400, "/api/credits/top-up", amountInUsdCents=1000)
    account.card = Card.NONE
    assert "no payment method" in await wren.refused(400, OFFSET, tons=1)
    assert wren.sandbox.orders == []


async def test_a_token_without_an_account_reads_only(wren: WrenDriver) -> None:
    wren.sandbox.wren_api.accounts[wren.sandbox.wren.live_token].may_write = False
    before = await wren.balance()
    await wren.refused(403, OFFSET, tons=1)
    await wren.refused(403, "/api/credits/top-up", amountInUsdCents=1000)
    assert (await wren.get(OFFSET))["offsetOrders"] == []
    assert await wren.balance() == before


async def test_a_project_sold_by_the_tonne(wren: WrenDriver) -> None:
    receipt = await wren.post(PROJECT, projectId=18, amountInUsdCents=2500, note="q1")
    assert receipt["impact"] == {"tons": 0.102939}
    (row,) = (await wren.get(OFFSET))["offsetOrders"]
    assert (row["project_id"], row["amount_paid_by_customer"], row["portfolio_id"]) == (18, 2500, None)
    assert await wren.get("/api/project-donations") == []


async def test_a_project_that_sells_nothing_gets_a_donation(wren: WrenDriver) -> None:
    receipt = await wren.post(PROJECT, projectId=31, amountInUsdCents=2500, note="q1", paymentMethod="credits")
    assert "impact" not in receipt
    (donation,) = await wren.get("/api/project-donations")
    assert (donation["projectId"], donation["amountPaidByCustomer"], donation["note"]) == (31, 2500, "q1")
    assert (donation["userId"], donation["source"]) == (42, "public-api")
    assert (await wren.get(OFFSET))["offsetOrders"] == []
    (purchase,) = (await wren.get("/api/purchases"))["purchases"]
    assert (purchase["hasOffsetOrders"], purchase["hasProjectDonations"], purchase["totalTons"]) == (False, True, 0)


async def test_less_than_a_dollar_is_divided_into_fractions_of_a_cent(wren: WrenDriver) -> None:
    receipt = await wren.post(OFFSET, tons=0.008, portfolioId=30, paymentMethod="credits")
    assert receipt["amountCharged"] == 25
    assert [donation["amountPaidByCustomer"] for donation in await wren.get("/api/project-donations")] == [7.5, 7.5]
    (row,) = (await wren.get(OFFSET))["offsetOrders"]
    assert (row["amount_paid_by_customer"], row["tons"]) == (10, 0.008)


async def test_what_project_orders_refuse(wren: WrenDriver) -> None:
    assert "sold by the tree" in await wren.refused(400, PROJECT, projectId=40, amountInUsdCents=2500)
    assert "no such project" in await wren.refused(400, PROJECT, projectId=4711, amountInUsdCents=2500)
    for method in ("credits", "stripe"):
        await wren.refused(400, PROJECT, projectId=18, amountInUsdCents=99, paymentMethod=method)


async def test_trees(wren: WrenDriver) -> None:
    receipt = await wren.post(TREE, amountOfTrees=10, note="grove", paymentMethod="credits")
    assert (receipt["amountCharged"], receipt["impact"]) == (5000, {"trees": 10})
    (row,) = (await wren.get(TREE))["treeOrders"]
    assert (row["amountOfTrees"], row["note"], row["fulfillmentStatus"]) == (10, "grove", "pending")
    wren.sandbox.fulfil(receipt["id"])
    (row,) = (await wren.get(TREE))["treeOrders"]
    assert row["fulfillmentStatus"] == "fulfilled"
    assert await wren.post("/api/tree-orders/preview", amountOfTrees=3) == {
        "amountOfTrees": 3,
        "priceInUSD": 15,
        "priceInUserCurrency": 15,
    }


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        (OFFSET, {}, "tons is required"),
        (OFFSET, {"tons": 0}, "tons must be greater than 0"),
        (OFFSET, {"tons": "1"}, "tons must be of type number"),
        (OFFSET, {"tons": True}, "tons must be of type number"),
        (OFFSET, {"tons": 1, "portfolioId": 4711}, "no such portfolio"),
        (OFFSET, {"tons": 1, "portfolioId": 1.5}, "portfolioId must be of type integer"),
        (OFFSET, {"tons": 1, "paymentMethod": "cash"}, "paymentMethod must be one of stripe, credits"),
        (OFFSET, {"tons": 1, "onBehalfOfName": "n" * 201}, "onBehalfOfName must have at most 200 characters"),
        (OFFSET, {"tons": 1, "onBehalfOfEmail": "n" * 321}, "onBehalfOfEmail must have at most 320 characters"),
        (OFFSET, {"tons": 1, "dryRun": "true"}, "dryRun must be of type boolean"),
        (OFFSET, {"tons": 10**50}, "out of range"),
        (PROJECT, {"projectId": 0, "amountInUsdCents": 100}, "projectId must be greater than 0"),
        (TREE, {"amountOfTrees": 0}, "amountOfTrees must be greater than 0"),
    ],
)
@pytest.mark.parametrize("mode", ["live", "test"])
async def test_bad_input_is_a_400_in_both_modes(
    wren: WrenDriver, path: str, body: dict[str, object], complaint: str, mode: str
) -> None:
    wren.token = wren.sandbox.wren.live_token if mode == "live" else wren.sandbox.wren.test_token
    assert complaint in await wren.refused(400, path, **body)


async def test_whole_numbers_may_have_a_point(wren: WrenDriver) -> None:
    json = b'{"tons": 1.0, "portfolioId": 2.0}'
    answer = await wren.send("POST", OFFSET, content=json, headers={"Content-Type": "application/json"})
    assert answer.json()["amountCharged"] == 1563


async def test_forms(wren: WrenDriver) -> None:
    form = {"tons": "0.5", "portfolioId": "12", "dryRun": "true", "note": "12", "paymentMethod": "credits"}
    answer = await wren.send("POST", OFFSET, data=form)
    assert (answer.json()["amountCharged"], answer.json()["id"]) == (620, None)
    answer = await wren.send("POST", OFFSET, data={**form, "dryRun": "false"})
    assert answer.json()["id"]
    assert wren.sandbox.orders[0].reference == "12"
    refused = await wren.send("POST", OFFSET, data={"tons": "much"})
    assert (refused.status_code, refused.json()["message"]) == (400, "tons must be of type number")


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"Content-Type": "text/plain"}, b'{"tons": 1}'),
        ({}, b'{"tons": 1}'),
        ({"Content-Type": "application/json"}, b'{"tons": '),
        ({"Content-Type": "application/json"}, b'{"tons": NaN}'),
        ({"Content-Type": "application/json"}, b'{"tons": 1, "note": "\\ud800"}'),
        ({"Content-Type": "application/json"}, b"[" * 100_000),
        ({"Content-Type": "application/json"}, b"[]"),
        ({"Content-Type": "application/json"}, b""),
        ({"Content-Type": "application/json"}, b"\xff"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"tons=1&note=%ff"),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"tons"),
    ],
)
async def test_bodies_that_cannot_be_read(wren: WrenDriver, headers: dict[str, str], content: bytes) -> None:
    answer = await wren.send("POST", OFFSET, content=content, headers=headers)
    assert answer.status_code == 400
    assert wren.sandbox.orders == []


async def test_basic_and_bearer(wren: WrenDriver) -> None:
    token = wren.sandbox.wren.live_token
    basic = base64.b64encode(f"{token}:".encode()).decode()
    for header in (f"Basic {basic}", f"basic {basic}", f"Bearer {token}", f"bearer {token}"):
        assert (await wren.send("GET", OFFSET, headers={"Authorization": header})).status_code == 200


@pytest.mark.parametrize(
    ("header", "status", "complaint"),
    [
        (None, 403, "No token"),
        ("Bearer 5a4db0c5-0000-4000-8000-00000000ffff", 401, "not recognised"),
        ("Bearer 0b1f7f7e-3c1a-4a55-9d56-5a8f0e1c2d3e", 401, "no token of the real API"),
        ("Bearer wren_test_0b1f7f7e-3c1a-4a55-9d56-5a8f0e1c2d3e", 401, "no token of the real API"),
        ("Bearer 5a4db0c5-0000-4000-8000-000000000001 ", 401, "white space"),
        ("Basic !", 401, "holds no token"),
        ("Basic /w==", 401, "holds no token"),
        ("Digest x", 401, "holds no token"),
    ],
)
async def test_bad_tokens(wren: WrenDriver, header: str | None, status: int, complaint: str) -> None:
    wren.token = None
    headers = {} if header is None else {"Authorization": header}
    for method, path in (("GET", OFFSET), ("POST", OFFSET), ("GET", "/api/credits/balance")):
        answer = await wren.send(method, path, headers=headers)
        assert answer.status_code == status
        assert complaint in answer.json()["message"]


async def test_a_personal_token_has_its_own_wallet_and_orders(wren: WrenDriver) -> None:
    await wren.post(OFFSET, tons=1, paymentMethod="credits")
    wren.token = wren.sandbox.wren.personal_token
    assert (await wren.get(OFFSET))["offsetOrders"] == []
    assert (await wren.get(OFFSET))["stats"]["rank"] == 2
    assert (await wren.get("/api/credits/ledger"))["total"] == 0
    await wren.post(OFFSET, tons=1, portfolioId=501)
    assert 501 in [portfolio["id"] for portfolio in (await wren.get("/api/portfolios"))["portfolios"]]
    wren.token = wren.sandbox.wren.live_token
    await wren.refused(400, OFFSET, tons=1, portfolioId=501)


async def test_unknown_paths_and_methods(wren: WrenDriver) -> None:
    assert (await wren.send("GET", "/api/nothing")).status_code == 404
    assert (await wren.send("GET", "/elsewhere")).json() == {"message": "Not Found"}
    answer = await wren.send("DELETE", OFFSET)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
