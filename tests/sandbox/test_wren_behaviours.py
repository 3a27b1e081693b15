"""The other reading of each question that Wren's documents leave open. The usual readings are shown elsewhere."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from wren_driver import WrenDriver

OFFSET, PROJECT, TREE = "/api/offset-orders", "/api/project-orders", "/api/tree-orders"
LEDGER = "/api/credits/ledger"
TEAMMATE = "5a4db0c5-0000-4000-8000-00000000000a"


async def test_statuses_of_bad_tokens() -> None:
    async with WrenDriver(unknown_token_status=403, missing_token_status=401) as wren:
        wren.token = "nonsense"
        assert (await wren.send("GET", OFFSET)).status_code == 403
        wren.token = None
        answer = await wren.send("GET", OFFSET)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


async def test_no_card_and_no_credits() -> None:
    async with WrenDriver(no_wallet_status=402, insufficient_credits_status=400) as wren:
        account = wren.sandbox.wren_api.accounts[wren.sandbox.wren.live_token]
        account.card, account.wallet.balance_cents = type(account.card).NONE, 0
        await wren.refused(402, OFFSET, tons=1)
        await wren.refused(400, OFFSET, tons=1, paymentMethod="credits")
        assert wren.sandbox.orders == []


async def test_a_preview_without_a_token() -> None:
    for public, status in ((True, 200), (False, 403)):
        async with WrenDriver(preview_is_public=public) as wren:
            wren.token = None
            answer = await wren.send("POST", "/api/tree-orders/preview", json={"amountOfTrees": 1})
            assert answer.status_code == status


async def test_a_minimum_of_fifty_cents() -> None:
    async with WrenDriver(stripe_minimum_cents=50) as wren:
        assert (await wren.post(OFFSET, tons=0.03))["amountCharged"] == 70
        await wren.refused(400, OFFSET, tons=0.02)


async def test_credits_as_the_default() -> None:
    async with WrenDriver(default_payment_method="credits") as wren:
        assert (await wren.post(OFFSET, tons=1))["paymentMethod"] == "credits"
        assert "paymentMethod" not in await wren.post(OFFSET, tons=1, paymentMethod="stripe")


async def test_dry_runs() -> None:
    async with WrenDriver(dry_run_checks_minimum=False, dry_run_credits="hypothetical") as wren:
        receipt = await wren.post(OFFSET, tons=0.001, dryRun=True)
        assert receipt["amountCharged"] == 3
        receipt = await wren.post(OFFSET, tons=1, dryRun=True, paymentMethod="credits")
        assert receipt["creditsRemaining"] == await wren.balance() - 2311
    async with WrenDriver() as wren:
        await wren.refused(400, OFFSET, tons=0.001, dryRun=True)
        wren.sandbox.wren_api.accounts[wren.sandbox.wren.live_token].wallet.balance_cents = 0
        assert (await wren.post(OFFSET, tons=1, dryRun=True, paymentMethod="credits"))["creditsRemaining"] == 0
    async with WrenDriver(dry_run_checks_balance=True) as wren:
        wren.sandbox.wren_api.accounts[wren.sandbox.wren.live_token].wallet.balance_cents = 0
        await wren.refused(402, OFFSET, tons=1, dryRun=True, paymentMethod="credits")


async def test_another_currency() -> None:
    async with WrenDriver(currency="EUR", exchange_rate=Decimal("0.91")) as wren:
        receipt = await wren.post(OFFSET, tons=1)
        assert (receipt["amountCharged"], receipt["currency"]) == (2104, "EUR")
        assert (await wren.post(OFFSET, tons=1, paymentMethod="credits"))["currency"] == "USD"
        receipt = await wren.post(PROJECT, projectId=18, amountInUsdCents=1000)
        assert (receipt["amountCharged"], receipt["currency"]) == (910, "EUR")
        assert (await wren.post("/api/credits/top-up", amountInUsdCents=1000))["amountCharged"] == 910
        preview = await wren.post("/api/tree-orders/preview", amountOfTrees=1)
        assert (preview["priceInUSD"], preview["priceInUserCurrency"]) == (5, 4.55)
        wren.token = wren.sandbox.wren.test_token
        assert (await wren.post(OFFSET, tons=1))["currency"] == "USD"
    async with WrenDriver(currency="EUR", exchange_rate=Decimal("0.91"), convert_project_orders=False) as wren:
        assert (await wren.post(PROJECT, projectId=18, amountInUsdCents=1000))["amountCharged"] == 1000


async def test_previews_in_cents() -> None:
    async with WrenDriver(preview_unit="cents") as wren:
        assert (await wren.post("/api/tree-orders/preview", amountOfTrees=10))["priceInUSD"] == 5000


async def test_refunds_below_zero() -> None:
    async with WrenDriver(refund_sign=-1) as wren:
        before = await wren.balance()
        receipt = await wren.post(OFFSET, tons=1, paymentMethod="credits")
        wren.sandbox.cancel(receipt["id"])
        assert (await wren.get(LEDGER))["entries"][0]["amount_usd_cents"] == -2311
        assert await wren.balance() == before


@pytest.mark.parametrize(("reading", "price"), [("camel", "costPerTon"), ("snake", "cost_per_ton"), ("none", None)])
async def test_the_embedded_portfolio(reading: str, price: str | None) -> None:
    async with WrenDriver(embedded_portfolio=reading) as wren:
        receipt = await wren.post(OFFSET, tons=1)
        assert receipt.get("portfolio", {}).get(price or "costPerTon") == (None if price is None else 23.11)


async def test_the_other_test_mode() -> None:
    other: dict[str, Any] = {
        "test_flag_everywhere": False,
        "test_balance_checked": False,
        "test_dry_run_id": "prefixed",
        "test_top_up_adds": False,
        "unsupported_in_test_mode_status": 400,
    }
    async with WrenDriver(**other) as wren:
        wren.token = wren.sandbox.wren.test_token
        assert "test" not in await wren.get("/api/credits/balance")
        assert "test" not in await wren.get(OFFSET)
        assert "test" not in await wren.post("/api/tree-orders/preview", amountOfTrees=1)
        assert (await wren.post(OFFSET, tons=50, paymentMethod="credits"))["creditsRemaining"] == 100000 - 115550
        assert (await wren.post(OFFSET, tons=1, dryRun=True))["id"].startswith("test_oo_")
        top_up = await wren.post("/api/credits/top-up", amountInUsdCents=1000)
        assert (top_up["creditBalance"], "test" in top_up) == (100000, False)
        assert (await wren.send("GET", "/api/purchases")).status_code == 400


async def test_lists_that_lag() -> None:
    async with WrenDriver(list_lag=timedelta(seconds=30), ledger_lag=timedelta(seconds=60)) as wren:
        wren.sandbox.clock.set(wren.sandbox.clock.now())
        await wren.post(OFFSET, tons=1, portfolioId=30, paymentMethod="credits")
        await wren.post(TREE, amountOfTrees=1)

        async def shown() -> list[int]:
            return [
                len((await wren.get(OFFSET))["offsetOrders"]),
                len((await wren.get("/api/offset-orders/public"))["offsetOrders"]),
                len((await wren.get(TREE))["treeOrders"]),
                len((await wren.get("/api/purchases"))["purchases"]),
                len(await wren.get("/api/project-donations")),
                (await wren.get(LEDGER))["total"],
            ]

        assert await shown() == [0, 0, 0, 0, 0, 0]
        wren.sandbox.clock.move(30)
        assert await shown() == [1, 1, 1, 2, 2, 0]
        wren.sandbox.clock.move(30)
        assert await shown() == [1, 1, 1, 2, 2, 1]
        assert await wren.balance() < 1_000_000_000


async def test_rows_without_note_and_with_group() -> None:
    async with WrenDriver(rows_with_note=False, tree_rows_with_note=False, rows_with_group_id=True) as wren:
        receipt = await wren.post(OFFSET, tons=1, portfolioId=2, note="n")
        tree = await wren.post(TREE, amountOfTrees=1, note="n")
        (row,) = (await wren.get(OFFSET))["offsetOrders"]
        assert ("note" in row, row["order_group_id"]) == (False, receipt["id"])
        (row,) = (await wren.get(TREE))["treeOrders"]
        assert ("note" in row, row["orderGroupId"]) == (False, tree["id"])


async def test_rows_in_camel_case_and_integer_ids() -> None:
    async with WrenDriver(row_casing="camel", row_ids="integer", ledger_casing="camel") as wren:
        await wren.post(OFFSET, tons=1, portfolioId=2, paymentMethod="credits")
        (row,) = (await wren.get(OFFSET))["offsetOrders"]
        assert (row["amountPaidByCustomer"], row["portfolioId"], row["projectId"], row["id"]) == (1563, 2, 2, 1001)
        wren.sandbox.server.check_answers = False  # the contract knows only the documented names
        assert (await wren.get(LEDGER))["entries"][0]["amountUsdCents"] == -1563


async def test_ledger_entries_without_id_and_time() -> None:
    async with WrenDriver(ledger_details=False) as wren:
        await wren.post("/api/credits/top-up", amountInUsdCents=100)
        (entry,) = (await wren.get(LEDGER))["entries"]
        assert set(entry) == {"amount_usd_cents", "type", "order_group_id", "stripe_charge_id"}


async def test_bare_arrays() -> None:
    async with WrenDriver(bare_arrays=True, public_list="array") as wren:
        await wren.post(OFFSET, tons=1, portfolioId=2)
        await wren.post(TREE, amountOfTrees=1)
        assert len(await wren.get(OFFSET)) == len(await wren.get(TREE)) == 1
        assert len(await wren.get("/api/offset-orders/public")) == 1


@pytest.mark.parametrize(("reading", "shown"), [("null", [None]), ("left_out", [])])
async def test_purchases_paid_by_the_wallet(reading: str, shown: list[None]) -> None:
    async with WrenDriver(credits_in_purchases=reading) as wren:
        await wren.post(OFFSET, tons=1, paymentMethod="credits")
        assert [p["stripeChargeId"] for p in (await wren.get("/api/purchases"))["purchases"]] == shown


async def test_limits_that_are_clamped() -> None:
    async with WrenDriver(ledger_limits="clamp") as wren:
        assert (await wren.get(LEDGER, limit=1000))["limit"] == 200
        assert (await wren.get(LEDGER, limit=0, offset=-3))["limit"] == 1
        assert (await wren.send("GET", LEDGER, params={"limit": "many"})).status_code == 400
        assert (await wren.send("GET", LEDGER, params={"limit": 10**50})).status_code == 400


@pytest.mark.parametrize(
    ("form", "status", "media_type"),
    [("json", 200, "application/json"), ("pdf", 200, "application/pdf"), ("redirect", 302, None)],
)
async def test_other_certificates(form: str, status: int, media_type: str | None) -> None:
    async with WrenDriver(certificate=form, certificate_base_url="https://certificates.example.com") as wren:
        receipt = await wren.post(OFFSET, tons=1)
        answer = await wren.send("GET", f"/api/offset-orders/certificate/by-group/{receipt['id']}")
        assert (answer.status_code, answer.headers.get("Content-Type")) == (status, media_type)
        if status == 302:
            assert answer.headers["Location"] == f"https://certificates.example.com/{receipt['id']}"


async def test_a_certificate_that_takes_its_time() -> None:
    async with WrenDriver(certificate_delay=timedelta(seconds=10)) as wren:
        wren.sandbox.clock.set(wren.sandbox.clock.now())
        path = f"/api/offset-orders/certificate/by-group/{(await wren.post(OFFSET, tons=1))['id']}"
        assert (await wren.send("GET", path)).status_code == 404
        wren.sandbox.clock.move(10)
        assert (await wren.send("GET", path)).status_code == 200


async def orders_of_a_teammate(**behaviours: Any) -> dict[str, list[int]]:
    """What one token of a team sees of an order that another has placed."""
    async with WrenDriver(**behaviours) as wren:
        accounts = wren.sandbox.wren_api.accounts
        accounts.add(accounts.teammate(wren.sandbox.wren.live_token, TEAMMATE))
        placed = await wren.post(OFFSET, tons=1, portfolioId=30, paymentMethod="credits")
        await wren.post(TREE, amountOfTrees=1)
        balance, wren.token = await wren.balance(), TEAMMATE
        assert await wren.balance() == balance
        assert (await wren.get(LEDGER))["entries"][0]["order_group_id"] == placed["id"]
        certificate = await wren.send("GET", f"/api/offset-orders/certificate/by-group/{placed['id']}")
        assert certificate.status_code == 200
        offsets = await wren.get(OFFSET)
        lists = [offsets["offsetOrders"], (await wren.get(TREE))["treeOrders"]]
        lists += [(await wren.get("/api/purchases"))["purchases"], await wren.get("/api/project-donations")]
        return {"rows": [len(rows) for rows in lists], "stats": [offsets["stats"]["totalTons"]]}


async def test_a_token_lists_the_orders_of_its_team() -> None:
    assert await orders_of_a_teammate() == {"rows": [1, 1, 2, 2], "stats": [1]}


async def test_a_token_lists_only_its_own_orders() -> None:
    assert await orders_of_a_teammate(team_lists="token") == {"rows": [0, 0, 0, 0], "stats": [0]}


@pytest.mark.parametrize(
    ("portfolio_id", "name", "cents"),
    [(1, "Wren Climate Fund", 2311), (77, "Wren Climate Fund", 2311), (21, "Trailblazer", 40171)],
)
async def test_the_default_portfolio(portfolio_id: int, name: str, cents: int) -> None:
    async with WrenDriver(default_portfolio_id=portfolio_id) as wren:
        receipt = await wren.post(OFFSET, tons=1)
        assert (receipt["portfolio"]["id"], receipt["portfolio"]["name"]) == (portfolio_id, name)
        assert (await wren.post(OFFSET, tons=1, portfolioId=portfolio_id))["amountCharged"] == cents
        assert {row["portfolio_id"] for row in (await wren.get(OFFSET))["offsetOrders"]} == {portfolio_id}
        shown = {each["id"]: each["name"] for each in (await wren.get("/api/portfolios"))["portfolios"]}
        assert (shown[portfolio_id], len(shown)) == (name, 5)
        if portfolio_id == 77:
            await wren.refused(400, OFFSET, tons=1, portfolioId=1)
        wren.token = None
        assert portfolio_id in [each["id"] for each in (await wren.get("/api/portfolios"))["portfolios"]]


async def test_sizes_that_no_document_bounds() -> None:
    async with WrenDriver() as wren:
        await wren.post(OFFSET, tons=1_000_000.123456789, note="n" * 100_000, paymentMethod="credits", dryRun=True)
    async with WrenDriver(tons_limit=Decimal("2.5"), tons_decimals=2, note_limit=10) as wren:
        await wren.post(OFFSET, tons=2.5, note="n" * 10)
        await wren.post(OFFSET, tons=1.25)
        assert "at most 2.5" in await wren.refused(400, OFFSET, tons=2.51)
        assert "2 decimals" in await wren.refused(400, OFFSET, tons=1.251)
        for path, body in (
            (OFFSET, {"tons": 1}),
            (PROJECT, {"projectId": 18, "amountInUsdCents": 100}),
            (TREE, {"amountOfTrees": 1}),
        ):
            assert "10 characters" in await wren.refused(400, path, **body, note="n" * 11)
        assert len(wren.sandbox.orders) == 2


async def test_long_texts_of_a_certificate() -> None:
    long = {"onBehalfOfName": "n" * 201, "onBehalfOfEmail": f"{'m' * 320}@example.com"}
    async with WrenDriver() as wren:
        for name, text in long.items():
            assert name in await wren.refused(400, OFFSET, tons=1, **{name: text})
        await wren.post(OFFSET, tons=1, onBehalfOfName="n" * 200)
    async with WrenDriver(long_on_behalf_of="take") as wren:
        await wren.post(OFFSET, tons=1, **long)
        assert wren.sandbox.wren_api.orders[0].on_behalf_of_name == long["onBehalfOfName"]
        assert "onBehalfOfName" in await wren.refused(400, OFFSET, tons=1, onBehalfOfName=1)


async def test_forms_of_nothing_but_texts() -> None:
    async with WrenDriver(form_values="strict") as wren:
        for path, form in (
            (OFFSET, {"tons": "1", "dryRun": "true"}),
            (PROJECT, {"projectId": "18", "amountInUsdCents": "100"}),
            ("/api/credits/top-up", {"amountInUsdCents": "100"}),
        ):
            answer = await wren.send("POST", path, data=form)
            assert answer.status_code == 400
            assert all(f"{name} must be of type" in answer.json()["message"] for name in form)
        assert (await wren.post(OFFSET, tons=1))["id"]


async def test_errors_and_attributes_of_another_api() -> None:
    async with WrenDriver(error_key="error", unknown_attributes="refuse", extra_members={"apiVersion": 9}) as wren:
        answer = await wren.send("POST", OFFSET, json={"tons": 1, "clientReference": "x"})
        assert (answer.status_code, answer.json()) == (400, {"error": "clientReference is not known"})
        assert (await wren.post(OFFSET, tons=1))["apiVersion"] == 9
