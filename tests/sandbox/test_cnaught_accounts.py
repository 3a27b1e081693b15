from __future__ import annotations

import pytest
from cnaught_driver import Driver, problem

from wren_async.sandbox.cnaught import CNaughtBehaviours
from wren_async.sandbox.exchange import SandboxAnswer, SandboxRequest


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer wrong",
        "Basic cnaught_sandbox_live_key",
        "cnaught_sandbox_live_key",
        "Bearer cnaught_sandbox_live_other",
        "Bearer CNAUGHT_SANDBOX_LIVE_KEY",
    ],
)
def test_other_keys_are_unauthorized_everywhere(authorization: str) -> None:
    sandbox = Driver()
    headers = {"authorization": authorization} if authorization else {}
    for operation in sandbox.api.operations:
        request = SandboxRequest(operation=operation, path={"id": "x"}, headers=headers)
        answer = sandbox.carry_out(request)
        assert answer.status == 401
        assert answer.body == {"title": "Unauthorized", "status": 401}
        assert answer.media_type == "application/problem+json"
        assert answer.headers == {"WWW-Authenticate": "Bearer"}
        refusal = sandbox.api.authenticate(request, required=True)
        assert isinstance(refusal, SandboxAnswer)
        assert refusal.status == 401


def test_both_keys_pass_and_the_scheme_is_written_as_one_likes() -> None:
    sandbox = Driver()
    for key in ("bearer cnaught_sandbox_live_key", "Bearer cnaught_sandbox_test_key"):
        request = SandboxRequest(operation="listOrders", headers={"authorization": key})
        for required in (True, False):
            known = sandbox.api.authenticate(request, required=required)
            assert isinstance(known, SandboxRequest)
            assert known.account is not None
    nobody = SandboxRequest(operation="listOrders")
    assert sandbox.api.authenticate(nobody, required=False) is nobody


def test_keys_of_another_pattern_cannot_be_configured() -> None:
    for name in ("live_key", "test_key"):
        with pytest.raises(ValueError, match="must be cnaught_sandbox_"):
            CNaughtBehaviours(**{name: "sk_live_real"})
        with pytest.raises(ValueError, match="must be cnaught_sandbox_"):
            setattr(CNaughtBehaviours(), name, "sk_live_real")


def test_keys_do_not_show_in_a_repr() -> None:
    assert "_key" not in repr(CNaughtBehaviours()).replace("homes_key", "")


def test_errors_may_be_typed_otherwise() -> None:
    sandbox = Driver(problem_media_type="application/json", unauthorized_type=True, conform=False)
    answer = sandbox.carry_out(SandboxRequest(operation="listPortfolios"))
    assert answer.media_type == "application/json"
    assert isinstance(answer.body, dict)
    assert str(answer.body["type"]).endswith("/unauthorized")


def test_the_server_can_refuse_with_any_status() -> None:
    api = Driver().api
    assert api.refuse(503).body == {"title": "Service Unavailable", "status": 503}
    assert api.refuse(429, detail="slowly").body == {"title": "Too Many Requests", "status": 429, "detail": "slowly"}
    assert problem(api.refuse(409).body) == ("idempotency-concurrent-requests", 409)
    assert problem(api.refuse(400, type="invalid-subaccount").body) == ("invalid-subaccount", 400)
    assert api.refuse(599, title="Odd").body == {"title": "Odd", "status": 599}
    assert api.refuse(599).body == {"title": "Status 599", "status": 599}


def test_what_the_contract_refuses_becomes_a_problem() -> None:
    api = Driver().api
    answer = api.invalid("createOrder", {"amount_kg": ["must be above 0"]})
    assert answer.status == 400
    assert isinstance(answer.body, dict)
    assert answer.body["errors"] == {"amount_kg": ["must be above 0"]}
    assert problem(api.invalid("createOrder", {"Content-Type": ["must be application/json"]}).body)[1] == 400


def test_the_contract_is_kept_as_the_behaviours_say() -> None:
    api = Driver().api
    assert (api.rules().closed, api.rules().unchecked) == (False, frozenset())
    api = Driver(unknown_attributes="refuse", limits="clamp", bare_dates="take").api
    assert (api.rules().closed, api.rules().unchecked) == (True, {"limit", "from", "to"})


# Subaccounts


def test_a_subaccount_lives_from_create_to_delete() -> None:
    sandbox = Driver()
    made = sandbox.answer("createSubaccount", body={"name": "Marketing Department", "email": "jane.doe@example.com"})
    assert made.status == 201
    assert isinstance(made.body, dict)
    subaccount_id = made.body["id"]
    assert made.body == {
        "id": subaccount_id,
        "created_on": "2026-07-01T12:00:00.000000Z",
        "name": "Marketing Department",
        "email": "jane.doe@example.com",
        "default_portfolio_id": None,
        "logo_url": None,
    }
    assert sandbox.ok("getSubaccount", id=subaccount_id) == made.body
    assert sandbox.ok("listSubaccounts")["data"] == [made.body]
    deleted = sandbox.answer("deleteSubaccount", id=subaccount_id)
    assert (deleted.status, deleted.body) == (204, None)
    assert problem(sandbox.refusal("getSubaccount", id=subaccount_id)) == ("not-found", 404)
    assert sandbox.ok("listSubaccounts") == {"data": []}
    assert problem(sandbox.refusal("listOrders", subaccount=subaccount_id)) == ("invalid-subaccount", 400)


def test_replacing_clears_what_is_left_out_but_the_logo() -> None:
    sandbox = Driver()
    before = sandbox.subaccount(
        email="a@example.com", default_portfolio_id="ixmZSK", logo_url="http://example.com/logo.png"
    )
    after = sandbox.ok("updateSubaccount", id=before["id"], body={"name": "Sales"})
    assert after == {**before, "name": "Sales", "email": None, "default_portfolio_id": None}
    assert after["logo_url"] is not None


def test_a_refused_replacement_changes_nothing() -> None:
    sandbox = Driver()
    before = sandbox.subaccount()
    refusal = sandbox.refusal("updateSubaccount", id=before["id"], body={"name": "X", "default_portfolio_id": "none"})
    assert list(refusal["errors"]) == ["default_portfolio_id"]
    assert sandbox.ok("getSubaccount", id=before["id"]) == before


def test_bad_subaccounts_are_not_made() -> None:
    sandbox = Driver()
    for body, fields in (
        ({"logo_url": "logo.png"}, {"name", "logo_url"}),
        (
            {"name": "Sales", "logo_url": "ftp://example.com/logo.png", "default_portfolio_id": "mHvNvWbq"},
            {"logo_url", "default_portfolio_id"},
        ),
    ):
        refusal = sandbox.refusal("createSubaccount", body=body)
        assert problem(refusal) == ("invalid-parameters", 400)
        assert set(refusal["errors"]) == fields
    assert sandbox.ok("listSubaccounts") == {"data": []}


def test_its_default_portfolio_is_that_of_its_orders() -> None:
    sandbox = Driver()
    subaccount = sandbox.subaccount(default_portfolio_id="ixmZSK")
    order = sandbox.api.fulfil(sandbox.order(100, subaccount=subaccount["id"])["id"])
    assert order["subaccount_id"] == subaccount["id"]
    parts = order["project_allocations"]
    assert isinstance(parts, list)
    assert [part["amount_kg"] for part in parts] == [50, 50]  # type: ignore[index,call-overload]


def test_the_header_scopes_orders() -> None:
    sandbox = Driver()
    mine, other = sandbox.subaccount()["id"], sandbox.subaccount()["id"]
    parents, owned = sandbox.order()["id"], sandbox.order(subaccount=mine)["id"]
    assert [order["id"] for order in sandbox.ok("listOrders", subaccount=mine)["data"]] == [owned]
    assert sandbox.ok("listOrders", subaccount=other) == {"data": []}
    assert [order["id"] for order in sandbox.ok("listOrders")["data"]] == [owned, parents]
    assert sandbox.ok("getOrder", id=owned, subaccount=mine)["id"] == owned
    assert sandbox.ok("getOrder", id=owned)["id"] == owned
    for operation in ("getOrder", "cancelOrder"):
        assert problem(sandbox.refusal(operation, id=owned, subaccount=other)) == ("not-found", 404)
        assert problem(sandbox.refusal(operation, id=parents, subaccount=mine)) == ("not-found", 404)
    assert sandbox.ok("cancelOrder", id=owned, subaccount=mine)["state"] == "cancelled"


def test_without_the_header_orders_may_be_the_parents_alone() -> None:
    sandbox = Driver(orders_without_header="parent")
    subaccount = sandbox.subaccount()["id"]
    parents, owned = sandbox.order()["id"], sandbox.order(subaccount=subaccount)["id"]
    assert [order["id"] for order in sandbox.ok("listOrders")["data"]] == [parents]
    assert problem(sandbox.refusal("getOrder", id=owned)) == ("not-found", 404)


@pytest.mark.parametrize(("status", "kind"), [(400, "invalid-subaccount"), (403, "forbidden")])
def test_anothers_order_may_be_refused_otherwise(status: int, kind: str) -> None:
    sandbox = Driver(foreign_order_status=status)
    mine, order = sandbox.subaccount()["id"], sandbox.order()["id"]
    assert problem(sandbox.refusal("cancelOrder", id=order, subaccount=mine)) == (kind, status)
    assert problem(sandbox.refusal("cancelOrder", id="nothing", subaccount=mine)) == ("not-found", 404)


def test_an_unknown_subaccount_is_invalid() -> None:
    sandbox = Driver()
    refusal = sandbox.refusal("createOrder", body={"amount_kg": 1}, subaccount="nobody")
    assert problem(refusal) == ("invalid-subaccount", 400)
    assert problem(sandbox.refusal("createQuote", body={"amount_kg": 1}, subaccount="nobody"))[1] == 400


def test_the_feature_may_be_off() -> None:
    sandbox = Driver(subaccounts_enabled=False)
    assert problem(sandbox.refusal("listOrders", subaccount="any")) == ("forbidden", 403)
    for operation in ("listSubaccounts", "createSubaccount", "getSubaccount", "deleteSubaccount"):
        refusal = sandbox.refusal(operation, id="any", body={"name": "x"})
        assert problem(refusal) == ("forbidden", 403)
        assert "contact support" in refusal["title"]


@pytest.mark.parametrize(("status", "kind"), [(409, None), (400, "invalid-parameters"), (403, "forbidden")])
def test_a_subaccount_with_orders_cannot_be_deleted(status: int, kind: str | None) -> None:
    sandbox = Driver(delete_with_orders_status=status)
    subaccount = sandbox.subaccount()["id"]
    sandbox.ok("cancelOrder", id=sandbox.order(subaccount=subaccount)["id"])
    assert problem(sandbox.refusal("deleteSubaccount", id=subaccount)) == (kind, status)
    assert sandbox.ok("getSubaccount", id=subaccount)["id"] == subaccount


# Logos


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp", "image/svg+xml; charset=utf-8"])
def test_a_logo_can_be_uploaded_and_removed(media_type: str) -> None:
    sandbox = Driver()
    subaccount = sandbox.subaccount()
    upload = {"id": subaccount["id"], "raw": b"picture", "headers": {"content-type": media_type}}
    assert sandbox.ok("uploadSubaccountLogo", **upload)["logo_url"].startswith("https://logos.cnaught.com/")
    assert sandbox.ok("removeSubaccountLogo", id=subaccount["id"]) == subaccount
    assert sandbox.ok("removeSubaccountLogo", id=subaccount["id"]) == subaccount


def test_bad_uploads_are_refused() -> None:
    sandbox = Driver(logo_bytes_limit=5)
    subaccount = sandbox.subaccount()["id"]
    for headers in ({"content-type": "image/gif"}, {}):
        assert sandbox.answer("uploadSubaccountLogo", id=subaccount, raw=b"x", headers=headers).status == 415
    png = {"content-type": "image/png"}
    assert sandbox.answer("uploadSubaccountLogo", id=subaccount, raw=b"123456", headers=png).status == 413
    assert sandbox.answer("uploadSubaccountLogo", id=subaccount, raw=b"", headers=png).status == 400
    assert sandbox.answer("uploadSubaccountLogo", id="nobody", raw=b"1", headers=png).status == 404


def test_a_logo_can_come_from_a_url() -> None:
    sandbox = Driver()
    subaccount = sandbox.subaccount()["id"]
    found = sandbox.ok("setSubaccountLogoFromUrl", id=subaccount, body={"logo_url": "http://example.com/a.svg"})
    assert found["logo_url"].endswith(".svg")
    for url in ("", "logo.png", "https://nowhere.invalid/a.png", "https://example.com/a.pdf"):
        refusal = sandbox.refusal("setSubaccountLogoFromUrl", id=subaccount, body={"logo_url": url})
        assert list(refusal["errors"]) == ["logo_url"]
    assert problem(sandbox.refusal("setSubaccountLogoFromUrl", id=subaccount, body={}))[1] == 400
    assert sandbox.ok("getSubaccount", id=subaccount)["logo_url"] == found["logo_url"]


def test_logo_urls_may_be_signed_and_change() -> None:
    sandbox = Driver(signed_logo_urls=True)
    first = sandbox.subaccount(logo_url="https://example.com/a")
    sandbox.world.clock.move(1)
    second = sandbox.ok("getSubaccount", id=first["id"])
    assert first["logo_url"] != second["logo_url"]
    assert first["logo_url"].partition("?")[0] == second["logo_url"].partition("?")[0]


def test_impact_does_not_begin_later_than_what_it_counts() -> None:
    sandbox = Driver()
    impact = sandbox.ok("getImpactData", mode="test")
    order = sandbox.ok("getOrder", id="2FhU3B0F36_sandbox", mode="test")
    assert impact["total_offset_kgs"] == order["amount_kg"]
    assert impact["since_date"] == order["created_on"]
