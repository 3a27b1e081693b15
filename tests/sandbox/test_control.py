"""The control API, as another language would use it."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.loop_time import until
from wren_async.sandbox import FaultKind, Sandbox


class Remote:
    """A sandbox, its control API, and a client of each API."""

    def __init__(self, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self._http = http

    async def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        answer = await self._http.request(method, f"/_sandbox{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def wren(self, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.sandbox.wren.live_token}"}
        return await self._http.request(method, path, json=body or None, headers=headers)

    async def cnaught(self, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.sandbox.cnaught.api_key}"}
        return await self._http.request(method, f"/v1{path}", json=body or None, headers=headers)

    async def page(self, method: str, url: str, **headers: str) -> httpx.Response:
        return await self._http.request(method, url, headers=headers)


@pytest.fixture
async def control() -> AsyncIterator[Remote]:
    sandbox = Sandbox(check_answers=True)
    transport = httpx.ASGITransport(sandbox.asgi)
    async with httpx.AsyncClient(transport=transport, base_url=sandbox.wren.base_url) as client:
        yield Remote(sandbox, client)


async def test_the_overview_says_how_to_get_in(control: Remote) -> None:
    overview = await control("GET", "/")
    assert overview["wren"]["live_token"] == control.sandbox.wren.live_token
    assert overview["cnaught"]["api_key"] == control.sandbox.cnaught.api_key


async def test_the_log_says_what_each_request_changed(control: Remote) -> None:
    await control.wren("POST", "/api/offset-orders", tons=1, note="ref 1")
    await control.wren("GET", "/api/offset-orders")
    await control.cnaught("POST", "/orders", amount_kg=10)
    wrote, read, third = (await control("GET", "/requests"))["requests"]
    assert wrote["body"] == {"tons": 1, "note": "ref 1"}
    assert len(wrote["changes"]) == 1
    assert (read["changes"], read["operation"], read["target"]) == ([], "listOffsetOrders", "/api/offset-orders")
    assert wrote["headers"]["authorization"] == "Bearer …"
    assert third["api"] == "cnaught"
    assert "10 kg" in third["changes"][0]
    assert len((await control("GET", "/requests?operation=createOrder"))["requests"]) == 1
    assert await control("DELETE", "/requests") == []
    assert (await control("GET", "/requests"))["requests"] == []


async def test_whoever_asks_again_meets_the_end_of_a_request_that_was_in_flight(control: Remote) -> None:
    control.sandbox.faults.add("latency", operation="createOffsetOrder", seconds=0.05)
    order = asyncio.create_task(control.wren("POST", "/api/offset-orders", tons=1))
    await until(lambda: len(control.sandbox.requests) == 1)
    await control.wren("GET", "/api/portfolios")
    first = await control("GET", "/requests")
    assert [(entry["number"], entry["status"], entry["took_ms"] is None) for entry in first["requests"]] == [
        (1, None, True),
        (2, 200, False),
    ]
    await order
    await until(lambda: control.sandbox.requests[0].took is not None)
    second = await control("GET", f"/requests?since={first['revision']}")
    (ended,) = second["requests"]
    assert (ended["number"], ended["status"], ended["fault"]) == (1, 200, "latency")
    assert ended["took_ms"] >= 50
    assert (await control("GET", f"/requests?since={second['revision']}"))["requests"] == []


async def test_the_log_comes_in_pages(control: Remote) -> None:
    for _ in range(5):
        await control.wren("GET", "/api/portfolios")
    latest = await control("GET", "/requests?limit=2")
    assert [entry["number"] for entry in latest["requests"]] == [4, 5]
    numbers, revision, more = [], 0, True
    while more:
        page = await control("GET", f"/requests?since={revision}&limit=2")
        numbers += [entry["number"] for entry in page["requests"]]
        assert len(page["requests"]) <= 2
        revision, more = page["revision"], page["more"]
    assert numbers == [1, 2, 3, 4, 5]
    assert revision == latest["revision"]
    await control("GET", "/requests?limit=1001", status=400)


async def test_the_log_without_bodies_and_one_request_with_them(control: Remote) -> None:
    await control.wren("POST", "/api/offset-orders", tons=1, note="x" * 1000)
    (brief,) = (await control("GET", "/requests?bodies=false"))["requests"]
    (whole,) = (await control("GET", "/requests"))["requests"]
    assert {name: value for name, value in whole.items() if name in brief} == brief
    assert set(whole) - set(brief) == {"headers", "body", "answer"}
    assert await control("GET", "/requests/1") == whole
    await control("GET", "/requests/2", status=404)
    said = await control("GET", "/requests?bodies=no", status=400)
    assert said["message"] == "bodies must be true or false, not 'no'"


async def test_an_emptied_log_is_another_log(control: Remote) -> None:
    await control.wren("GET", "/api/portfolios")
    before = await control("GET", "/requests")
    await control("POST", "/reset")
    after = await control("GET", f"/requests?since={before['revision']}")
    assert after["log"] != before["log"]
    assert after["requests"] == []


async def test_the_newest_of_the_state_alone(control: Remote) -> None:
    for kilograms in (10, 20, 30):
        await control.cnaught("POST", "/orders", amount_kg=kilograms)
        await control.wren("POST", "/api/offset-orders", tons=kilograms, paymentMethod="credits")
    state = await control("GET", "/state?latest=2")
    assert [order["amount_kg"] for order in state["cnaught"]["production"]["orders"]] == [20, 30]
    assert [order["tons"] for order in state["wren"]["orders"]] == [20, 30]
    assert [len(account["ledger"]) for account in state["wren"]["accounts"]] == [2, 0, 0]
    said = await control("GET", "/state?latest=0", status=400)
    assert said["message"] == "latest must be a whole number from 1 to 1000, not '0'"


async def test_a_queued_notification_is_a_change_of_its_request(control: Remote) -> None:
    await control("PATCH", "/behaviours/cnaught", {"fulfil_after": 0})
    hook = {"notification_config": {"url": "https://shop.example.com/"}}
    order = (await control.cnaught("POST", "/orders", amount_kg=10, **hook)).json()
    await control.cnaught("GET", f"/orders/{order['id']}")
    read = (await control("GET", "/requests?operation=getOrder"))["requests"][0]
    assert f"notification queued: order {order['id']} is fulfilled" in read["changes"]


async def test_the_clock(control: Remote) -> None:
    stopped = await control("PUT", "/clock", {"set": "2026-07-01T12:00:00+02:00"})
    assert stopped == {"now": "2026-07-01T10:00:00+00:00", "stopped": True}
    assert (await control("PUT", "/clock", {"move": 1.5}))["now"] == "2026-07-01T10:00:01.500000+00:00"
    order = await control.wren("GET", "/api/portfolios")
    assert order.headers["Date"] == "Wed, 01 Jul 2026 10:00:01 GMT"
    assert (await control("PUT", "/clock", {"run": True}))["stopped"] is False
    assert (await control("GET", "/clock"))["stopped"] is False
    for wrong in ({"set": "2026-07-01T12:00:00"}, {"set": "noon"}, {"set": 1}, {"move": "far"}, {"move": True}):
        await control("PUT", "/clock", wrong, status=400)


async def test_faults(control: Remote) -> None:
    rule = await control("POST", "/faults", {"kind": "status", "times": 1, "probability": 1.0, "status": 500})
    assert (rule["kind"], rule["probability"], rule["applied"]) == ("status", 1, 0)
    assert (await control.wren("GET", "/api/portfolios")).status_code == 500
    (rule,) = await control("GET", "/faults")
    assert rule["applied"] == 1
    assert await control("DELETE", f"/faults/{rule['id']}") == {}
    await control("DELETE", f"/faults/{rule['id']}", status=404)
    await control("POST", "/faults", {"kind": "latency", "seconds": 0.5})
    assert await control("DELETE", "/faults") == []
    for wrong in ({"kind": "flood"}, {"when": "after"}, {"kind": "reset", "colour": "red"}):
        await control("POST", "/faults", wrong, status=400)


async def test_the_kinds_of_faults_are_told_with_what_each_takes(control: Remote) -> None:
    told = await control("GET", "/faults/kinds")
    by_name = {kind["kind"]: kind for kind in told["kinds"]}
    assert set(by_name) == {kind.value for kind in FaultKind}
    assert by_name["reset"]["when"] == ["after", "unread", "before", "mid_body"]
    assert by_name["slow_drip"]["options"] == ["seconds", "size"]
    assert "operation" not in by_name["close_on_accept"]["which"]
    assert all(kind["means"].endswith(".") for kind in told["kinds"])
    assert "createOffsetOrder" in told["operations"]["wren"]
    assert len(told["operations"]["wren"] + told["operations"]["cnaught"]) == 43


OPTIONS: dict[str, Any] = {
    "seconds": 0.5,
    "size": 1,
    "status": 503,
    "retry_after": 1,
    "retry_after_date": True,
    "location": "/elsewhere",
    "content_type": "text/html",
    "when": "before",
    "api": "wren",
    "operation": "createOffsetOrder",
    "token": "t",
    "nth": 1,
    "probability": 0.5,
    "times": 1,
}


async def test_an_option_counts_for_its_kind_or_is_refused(control: Remote) -> None:
    for kind in (await control("GET", "/faults/kinds"))["kinds"]:
        for name, value in OPTIONS.items():
            fits = name in kind["options"] + kind["which"] or (name == "when" and value in kind["when"])
            said = await control("POST", "/faults", {"kind": kind["kind"], name: value}, status=200 if fits else 400)
            assert fits or name in said["message"], said
            assert fits or name == "when" or kind["which"][0] in said["message"], "the choices are listed"


async def test_behaviours_by_name(control: Remote) -> None:
    behaviours = await control("GET", "/behaviours/wren")
    assert (behaviours["stripe_minimum_cents"], behaviours["list_lag"], behaviours["exchange_rate"]) == (100, 0, 1)
    changed = await control(
        "PATCH",
        "/behaviours/wren",
        {"stripe_minimum_cents": 50, "list_lag": 1.5, "exchange_rate": 0.91, "extra_members": {"v": [1]}},
    )
    assert (changed["stripe_minimum_cents"], changed["list_lag"], changed["exchange_rate"]) == (50, 1.5, 0.91)
    assert (await control.wren("GET", "/api/credits/balance")).json()["v"] == [1]
    assert (await control("GET", "/behaviours/cnaught"))["default_limit"] == 20
    await control("PATCH", "/behaviours/cnaught", {"fulfil_after": 5, "unit_prices": {"oH5hlq": {"api": 3}}})
    assert (await control.cnaught("POST", "/quotes", amount_kg=10)).json()["price_usd_cents"] == 30
    for wrong in (
        {"colour": "red"},
        {"stripe_minimum_cents": 75},
        {"bare_arrays": "yes"},
        {"currency": 1},
        {"list_lag": "long"},
        {"extra_members": 1},
    ):
        await control("PATCH", "/behaviours/wren", wrong, status=400)
    await control("PATCH", "/behaviours/wren", {"bare_arrays": True, "currency": 1}, status=400)
    assert (await control("GET", "/behaviours/wren"))["bare_arrays"] is False, "all or nothing"
    await control("GET", "/behaviours/others", status=404)


async def test_accounts(control: Remote) -> None:
    token = "5a4db0c5-0000-4000-8000-00000000abcd"
    account = await control("POST", "/wren/accounts", {"token": token, "balance_cents": 500, "name": "Poor"})
    assert (account["balance_cents"], account["card"]) == (500, "fine")
    changes = {"card": "declined", "may_write": False, "auto_refill": {"below_cents": 1, "amount_cents": 100}}
    changed = await control("PATCH", f"/wren/accounts/{token}", changes)
    assert (changed["card"], changed["may_write"], changed["auto_refill"]["amount_cents"]) == ("declined", False, 100)
    assert (await control("PATCH", f"/wren/accounts/{token}", {"auto_refill": None}))["auto_refill"] is None
    mate = token.replace("abcd", "abce")
    joined = await control("POST", "/wren/accounts", {"token": mate, "team": token, "balance_cents": 70})
    assert (joined["team"], joined["name"], joined["card"]) == (token, "Poor", "declined")
    assert (await control("PATCH", f"/wren/accounts/{token}", {}))["balance_cents"] == 70
    await control("POST", "/wren/accounts", {"token": mate, "team": "unknown"}, status=404)
    answer = await control.page("GET", "/api/credits/balance")
    assert answer.status_code == 403
    await control("POST", "/wren/accounts", {"token": "0b1f7f7e-3c1a-4a55-9d56-5a8f0e1c2d3e"}, status=400)
    await control("POST", "/wren/accounts", {}, status=400)
    await control("PATCH", "/wren/accounts/unknown", {}, status=404)
    for wrong in ({"card": "gold"}, {"auto_refill": 1}, {"auto_refill": {}}, {"balance_cents": "1"}, {"colour": "red"}):
        said = await control("PATCH", f"/wren/accounts/{token}", wrong, status=400)
        assert next(iter(wrong)) in said["message"]


async def test_a_wallet_is_topped_up_and_the_ledger_says_so(control: Remote) -> None:
    path = f"/wren/accounts/{control.sandbox.wren.live_token}"
    await control("PATCH", path, {"balance_cents": 0})
    refused = await control.wren("POST", "/api/offset-orders", tons=1, paymentMethod="credits")
    assert refused.status_code == 402
    assert (await control("POST", f"{path}/top-up", {"cents": 5000}))["balance_cents"] == 5000
    assert (await control.wren("POST", "/api/offset-orders", tons=1, paymentMethod="credits")).status_code == 200
    assert [(entry.kind, entry.amount_cents) for entry in control.sandbox.ledger] == [
        ("top_up", 5000),
        ("deduction", -2311),
    ]
    for wrong in ({"cents": 0}, {"cents": "5"}, {"dollars": 1}):
        said = await control("POST", f"{path}/top-up", wrong, status=400)
        assert next(iter(wrong)) in said["message"]
    await control("POST", "/wren/accounts/unknown/top-up", status=404)


async def test_orders_of_wren(control: Remote) -> None:
    receipt = (await control.wren("POST", "/api/offset-orders", tons=1, paymentMethod="credits")).json()
    assert (await control("POST", f"/wren/orders/{receipt['id']}/fulfil"))["state"] == "fulfilled"
    assert (await control("POST", f"/wren/orders/{receipt['id']}/refund"))["state"] == "refunded"
    await control("POST", f"/wren/orders/{receipt['id']}/refund", status=400)
    await control("POST", f"/wren/orders/{receipt['id']}/burn", status=404)
    await control("POST", "/wren/orders/unknown/fulfil", status=404)
    await control("GET", "/wren/certificates/unknown", status=404)


async def test_orders_of_cnaught(control: Remote) -> None:
    first = (await control.cnaught("POST", "/orders", amount_kg=10, metadata="ref 1")).json()
    second = (await control.cnaught("POST", "/orders", amount_kg=10)).json()
    assert (await control("POST", f"/cnaught/orders/{first['id']}/fulfil"))["state"] == "fulfilled"
    assert (await control("POST", f"/cnaught/orders/{second['id']}/cancel"))["state"] == "cancelled"
    await control("POST", f"/cnaught/orders/{second['id']}/fulfil", status=409)
    await control("POST", "/cnaught/orders/unknown/fulfil", status=404)
    assert [(o.api, o.reference, o.state) for o in control.sandbox.orders] == [
        ("cnaught", "ref 1", "fulfilled"),
        ("cnaught", None, "cancelled"),
    ]


@pytest.mark.parametrize(("act", "state", "back"), [("complete", "complete", "done"), ("expire", "expired", "left")])
async def test_a_checkout_page(control: Remote, act: str, state: str, back: str) -> None:
    urls = {"success_url": "https://shop.example.com/done", "cancel_url": "https://shop.example.com/left"}
    session = (await control.cnaught("POST", "/checkout/sessions", amount_kg=100, **urls)).json()
    page = await control.page("GET", session["checkout_url"])
    assert page.headers["Content-Type"].startswith("text/html")
    answer = await control.page("POST", f"{session['checkout_url']}/{act}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"https://shop.example.com/{back}")
    shown = (await control.cnaught("GET", f"/checkout/sessions/{session['id']}")).json()
    assert shown["state"] == state
    assert len(control.sandbox.orders) == (1 if act == "complete" else 0)


@pytest.mark.parametrize(("act", "state"), [("complete", "placed"), ("expire", "expired")])
async def test_who_takes_json_learns_what_became_of_a_checkout(control: Remote, act: str, state: str) -> None:
    urls = {"success_url": "https://shop.example.com/done", "cancel_url": "https://shop.example.com/left"}
    session = (await control.cnaught("POST", "/checkout/sessions", amount_kg=100, **urls)).json()
    answer = await control.page("POST", f"{session['checkout_url']}/{act}", Accept="application/json")
    assert (answer.status_code, answer.json()["state"]) == (200, state)


async def test_state_and_reset(control: Remote) -> None:
    await control.wren("POST", "/api/offset-orders", tons=1, paymentMethod="credits")
    await control("PATCH", "/behaviours/wren", {"bare_arrays": True})
    await control("PUT", "/clock", {"set": "2020-01-01T00:00:00Z"})
    state = await control("GET", "/state")
    assert state["wren"]["orders"][0]["cents"] == 2311
    assert state["wren"]["accounts"][0]["ledger"][0]["amount_cents"] == -2311
    assert set(state["cnaught"]) == {"production", "sandbox", "outbox"}
    first = control.sandbox.orders[0].id
    assert await control("POST", "/reset") == {}
    assert (await control("GET", "/state"))["wren"]["orders"] == []
    assert (await control("GET", "/clock"))["stopped"] is False
    assert (await control("GET", "/behaviours/wren"))["bare_arrays"] is False
    await control.wren("POST", "/api/offset-orders", tons=1, paymentMethod="credits")
    assert control.sandbox.orders[0].id == first, "the ids depend on the seed alone"


async def test_what_is_not_there(control: Remote) -> None:
    assert (await control.page("GET", "/_sandbox/nothing")).status_code == 404
    assert (await control.page("GET", "/_sandbox")).status_code in (200, 307)
    answer = await control.page("POST", "/_sandbox/checkout/unknown/complete")
    assert answer.status_code == 404
    await control("PUT", "/clock", [], status=400)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("GET", "/request", None, 404, "did you mean /_sandbox/requests?"),
        ("GET", "/x/y/z", None, 404, "the paths are /_sandbox/, /_sandbox/behaviours/{api}"),
        ("PUT", "/faults", None, 405, "PUT is not for /_sandbox/faults; it takes DELETE, GET, POST"),
        ("GET", "/requests?after=1", None, 400, "'after' is not known; it may be since, limit, operation"),
        ("GET", "/requests?sinc=1", None, 400, "did you mean since?"),
        ("GET", "/requests?operation=createOrders", None, 400, "did you mean createOrder"),
        ("GET", "/requests?since=x", None, 400, "since must be a revision that the log told, not 'x'"),
        ("GET", "/clock?now=1", None, 400, "'now' is not known; no parameter is taken here"),
        ("POST", "/reset", {"all": True}, 400, "'all' is not known; no name is taken here"),
        ("POST", "/faults", {"kind": "rest"}, 400, "did you mean reset?"),
        ("POST", "/faults", {"kind": "latency", "size": 1}, 400, "size means nothing for latency, which takes seconds"),
        ("POST", "/faults", {"kind": "close_on_accept", "api": "wren"}, 400, "api means nothing for close_on_accept"),
    ],
)
async def test_an_odd_wish_is_answered_with_the_choices(
    control: Remote, method: str, path: str, body: Any, status: int, said: str
) -> None:
    assert said in (await control(method, path, body, status=status))["message"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("headers", [[], ["-H", "Content-Type:"], ["-H", "Content-Type: application/json"]])
def test_plain_curl_is_understood(headers: list[str]) -> None:
    with Sandbox() as sandbox:

        def curl(body: str) -> Any:
            command = ["curl", "-s", "--noproxy", "*", *headers, "-d", body, f"{sandbox.url}/_sandbox/faults"]
            return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

        assert curl('{"kind": "status", "status": 500}')["status"] == 500
        assert curl("kind=status")["message"].startswith("the body must be a JSON object, such as -d '{")
        assert [rule.status for rule in sandbox.faults] == [500]
