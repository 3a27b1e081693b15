"""Whom the sandbox answers, and what it makes of odd wishes at its control API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from wren_async.sandbox import Fault, FaultKind, Sandbox
from wren_async.sandbox.server import LARGEST_BODY


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as client:
        yield client


async def exchange(sandbox: Sandbox, request: str) -> str:
    """What a client reads that sends these bytes on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode()


# Hosts


@pytest.mark.parametrize("path", ["/api/portfolios", "/_sandbox/state", "/v1/portfolios"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "localhost.evil.example", "10.0.0.1", "", "[::1"]
)
async def test_a_foreign_host_is_refused(client: httpx.AsyncClient, sandbox: Sandbox, host: str, path: str) -> None:
    answer = await client.get(path, headers={"Host": host, "Authorization": f"Bearer {sandbox.cnaught.api_key}"})
    assert answer.status_code == 421
    assert "--allow-host" in answer.json()["message"]
    assert len(sandbox.requests) == 0


@pytest.mark.parametrize("host", ["localhost", "LocalHost:1", "api.localhost", "127.0.0.1:80", "[::1]:8765"])
async def test_every_name_of_this_machine_is_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/api/portfolios", headers={"Host": host})).status_code == 200


async def test_a_client_without_host_is_answered(sandbox: Sandbox) -> None:
    assert (await exchange(sandbox, "GET /_sandbox/clock HTTP/1.0\r\n\r\n")).startswith("HTTP/1.1 200 OK")


async def test_other_names_are_answered_when_told_so() -> None:
    async with (
        Sandbox(allowed_hosts=["Sandbox.Internal"]) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as client,
    ):
        assert (await client.get("/api/portfolios", headers={"Host": "sandbox.internal:80"})).status_code == 200
        assert (await client.get("/api/portfolios", headers={"Host": "other.internal"})).status_code == 421


async def test_listening_where_others_can_reach_it_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with Sandbox(host="0.0.0.0") as sandbox:
        assert "0.0.0.0" in caplog.text
        assert "can read and change everything" in caplog.text
        assert sandbox.url == f"http://127.0.0.1:{sandbox.port}"
        url = f"{sandbox.url}/api/portfolios"
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(url)).status_code == 200
            assert (await client.get(url, headers={"Host": "evil.example"})).status_code == 421
    caplog.clear()
    async with Sandbox():
        assert caplog.text == ""


# Pages of other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/json"])
async def test_no_page_of_another_site_resets_it(
    client: httpx.AsyncClient, sandbox: Sandbox, headers: Mapping[str, str], media_type: str
) -> None:
    sandbox.faults.add("status", operation="createOrder")
    answer = await client.post("/_sandbox/reset", content=b"{}", headers={"Content-Type": media_type, **headers})
    assert answer.status_code == 403
    assert len(sandbox.faults) == 1


async def test_no_page_of_another_site_reads_its_state(client: httpx.AsyncClient) -> None:
    fetched = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert (await client.get("/_sandbox/state", headers=fetched)).status_code == 403


async def test_its_own_pages_work_in_a_browser(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    urls = {"success_url": "https://shop.example.com/done", "cancel_url": "https://shop.example.com/left"}
    headers = {"Authorization": f"Bearer {sandbox.cnaught.api_key}"}
    session = (await client.post("/v1/checkout/sessions", json={"amount_kg": 100, **urls}, headers=headers)).json()
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert (await client.get(session["checkout_url"], headers=link)).status_code == 200
    button = {
        "Origin": sandbox.url,
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = await client.post(f"{session['checkout_url']}/complete", headers=button)
    assert (answer.status_code, answer.headers["Location"]) == (303, urls["success_url"])


# Bodies


@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded", ""])
async def test_json_as_curl_sends_it_is_understood(client: httpx.AsyncClient, media_type: str) -> None:
    answer = await client.post("/_sandbox/faults", content=b'{"kind": "reset"}', headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["kind"]) == (200, "reset")


@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        ("text/plain", b'{"kind": "reset"}', 415),
        ("multipart/form-data; boundary=x", b"x", 415),
        ("application/x-www-form-urlencoded", b"kind=reset", 400),
        ("application/json", b'["reset"]', 400),
        ("application/json", b"{", 400),
        ("application/json", b"[" * 5000, 400),
    ],
)
async def test_bodies_of_another_kind_are_refused(
    client: httpx.AsyncClient, sandbox: Sandbox, media_type: str, body: bytes, status: int
) -> None:
    answer = await client.post("/_sandbox/faults", content=body, headers={"Content-Type": media_type})
    assert answer.status_code == status
    assert answer.json()["message"]
    assert len(sandbox.faults) == 0


async def test_a_body_beyond_all_measure_is_refused(sandbox: Sandbox) -> None:
    transport = httpx.ASGITransport(sandbox.asgi)
    async with httpx.AsyncClient(transport=transport, base_url=sandbox.url) as client:
        headers = {"Authorization": f"Bearer {sandbox.wren.live_token}"}
        for path in ("/api/offset-orders", "/_sandbox/reset"):
            answer = await client.post(path, content=bytes(LARGEST_BODY + 1), headers=headers)
            assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/_sandbox/reset", "/v1/orders"])
async def test_a_client_may_leave_in_the_middle_of_its_body(
    sandbox: Sandbox, client: httpx.AsyncClient, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    sandbox.faults.add("status", operation="createQuote")
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    writer.write(head.encode() + b"{")
    await writer.drain()
    await client.get("/nowhere")  # answered after the other connection was read, for it came later
    writer.close()
    await writer.wait_closed()
    await client.get("/nowhere")
    assert caplog.records == []
    assert len(sandbox.faults) == 1, "nothing was done"


async def test_the_log_drops_the_oldest_bodies(sandbox: Sandbox) -> None:
    transport = httpx.ASGITransport(sandbox.asgi)
    async with httpx.AsyncClient(transport=transport, base_url=sandbox.url) as client:
        for _ in range(4):
            await client.post("/api/offset-orders", content=bytes(LARGEST_BODY // 2))
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_body_survives_the_offer_of_http_2(
    sandbox: Sandbox, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    key, wanted = f"Bearer {sandbox.cnaught.api_key}", '{"name": "Marketing"}'
    made = await exchange(sandbox, offering_http_2("POST", "/v1/subaccounts", key, wanted))
    path = "/v1/subaccounts"
    if method == "PUT":
        path += "/" + made.partition('"id":"')[2].partition('"')[0]
        wanted = '{"name": "Sales"}'
        made = await exchange(sandbox, offering_http_2("PUT", path, key, wanted))
    assert made.startswith("HTTP/1.1 20")
    assert wanted[10:-2] in made
    assert caplog.records == [], "nobody wants to hear of it with each request"


def offering_http_2(method: str, path: str, key: str, body: str) -> str:
    """A request as Java's default client sends each of its first ones."""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {key}\r\nContent-Type: application/json\r\n"
        "Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


# Odd rules


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "kind is required: one of latency"),
        ({"kind": "flood"}, "kind must be one of latency, slow_drip"),
        ({"kind": ["reset"]}, "kind must be one of"),
        ({"kind": "reset", "colour": "red"}, "'colour' is not known; it may be kind, api"),
        ({"kind": "reset", "time": 1}, "did you mean times?"),
        ({"kind": "reset", "seen": 1}, "'seen' is not known"),
        ({"kind": "reset", "api": "stripe"}, "api must be one of wren, cnaught, not 'stripe'"),
        ({"kind": "reset", "operation": "createOfsetOrder"}, "did you mean createOffsetOrder"),
        ({"kind": "reset", "operation": {}}, "operation must be a text"),
        ({"kind": "reset", "token": 1}, "token must be a text"),
        ({"kind": "reset", "times": "1"}, "times must be a whole number from 0"),
        ({"kind": "reset", "times": True}, "times must be"),
        ({"kind": "reset", "times": 1.5}, "times must be"),
        ({"kind": "reset", "nth": 0}, "nth must be a whole number from 1"),
        ({"kind": "reset", "probability": "0.5"}, "probability must be a number from 0 to 1"),
        ({"kind": "reset", "probability": 2}, "probability must be a number from 0 to 1"),
        ({"kind": "latency", "seconds": 1e300}, "seconds must be a number from 0 to 86400"),
        ({"kind": "latency", "seconds": "1"}, "seconds must be"),
        ({"kind": "latency", "when": "before"}, "when must be one of after for latency, not 'before'"),
        ({"kind": "reset", "when": 1}, "when must be one of unread, before, after, mid_body, not 1"),
        ({"kind": "status", "status": 600}, "status must be a whole number from 200 to 599"),
        ({"kind": "status", "status": 101}, "status must be"),
        ({"kind": "status", "status": "503"}, "status must be"),
        ({"kind": "rate_limit", "retry_after": "1\r\nX-Evil: 1"}, "retry_after must be a text of printable"),
        ({"kind": "rate_limit", "retry_after": -1}, "retry_after must be"),
        ({"kind": "rate_limit", "retry_after": 10**15, "retry_after_date": True}, "retry_after must be"),
        ({"kind": "rate_limit", "retry_after_date": "yes"}, "retry_after_date must be true or false"),
        ({"kind": "redirect", "location": "\u2603"}, "location must be a text of printable"),
        ({"kind": "wrong_content_type", "content_type": ""}, "content_type must be"),
        ({"kind": "slow_drip", "size": 0}, "size must be a whole number from 1"),
    ],
)
async def test_an_odd_rule_is_refused_by_name(
    client: httpx.AsyncClient, sandbox: Sandbox, rule: dict[str, Any], said: str
) -> None:
    answer = await client.post("/_sandbox/faults", json=rule)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert len(sandbox.faults) == 0


@pytest.mark.parametrize("status", [200, 204, 205, 304, 402, 599])
@pytest.mark.parametrize("kind", [FaultKind.STATUS, FaultKind.PROXY_ERROR, FaultKind.REDIRECT])
async def test_any_status_can_be_sent(
    client: httpx.AsyncClient, sandbox: Sandbox, kind: FaultKind, status: int
) -> None:
    sandbox.faults.add(kind, status=status)
    answer = await client.get("/api/portfolios")
    assert answer.status_code == status
    assert not (status in (204, 205, 304) and answer.content)


def test_a_rule_in_python_is_as_strict() -> None:
    for wrong in ({"times": "1"}, {"kind": "flood"}, {"when": "never"}, {"status": 99}, {"seconds": float("nan")}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Fault(**{"kind": "reset", **wrong})


@pytest.mark.parametrize(
    ("api", "change", "said"),
    [
        ("wren", {"team_list": "team"}, "did you mean team_lists?"),
        ("wren", {"team_lists": "mine"}, "team_lists must be one of team, token, not 'mine'"),
        ("wren", {"missing_token_status": 401.0}, "missing_token_status must be one of 401, 403"),
        ("wren", {"refund_sign": True}, "refund_sign must be one of 1, -1"),
        ("wren", {"exchange_rate": 0}, "exchange_rate must be a number from 0.000001"),
        ("wren", {"exchange_rate": "1"}, "exchange_rate must be a number"),
        ("wren", {"tons_decimals": 10**9}, "tons_decimals must be a whole number from 0 to 40"),
        ("wren", {"note_limit": "1"}, "note_limit must be a whole number, or null"),
        ("wren", {"list_lag": -1}, "list_lag must be from 0"),
        ("wren", {"list_lag": 10**30}, "list_lag must be a number of seconds"),
        ("wren", {"certificate_base_url": "https://x.example/\r\nX: 1"}, "certificate_base_url must be"),
        ("wren", {"bare_arrays": 1}, "bare_arrays must be true or false"),
        ("wren", {"extra_members": [1]}, "extra_members must be an object"),
        ("cnaught", {"portfolio_ids": "oH5hlq"}, "portfolio_ids must be a list of texts"),
        ("cnaught", {"page_clamp": 0}, "page_clamp must be a whole number from 1 to 100"),
        ("cnaught", {"default_limit": -1}, "default_limit must be"),
        ("cnaught", {"unit_prices": {"oH5hlq": {"api": 0}}}, "unit_prices must be"),
        ("cnaught", {"unit_prices": {"oH5hlq": {"colour": 1}}}, "unit_prices must be"),
        ("cnaught", {"success_status": {"createOrder": 9999}}, "success_status must be statuses from 200 to 299"),
        ("cnaught", {"live_key": "a-real-key"}, "live_key must be cnaught_sandbox_live_"),
    ],
)
async def test_an_odd_behaviour_is_refused_by_name(
    client: httpx.AsyncClient, api: str, change: dict[str, Any], said: str
) -> None:
    before = (await client.get(f"/_sandbox/behaviours/{api}")).json()
    answer = await client.patch(f"/_sandbox/behaviours/{api}", json=change)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert (await client.get(f"/_sandbox/behaviours/{api}")).json() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"card": "gold"}, "card must be one of fine, declined, none"),
        ({"balance": 1}, "did you mean balance_cents?"),
        ({"balance_cents": 10**16}, "balance_cents must be a whole number of cents"),
        ({"may_write": "no"}, "may_write must be true or false"),
        ({"name": 1}, "name must be a text"),
        ({"auto_refill": {"below_cents": 1}}, "auto_refill must be null or an object of below_cents, amount_cents"),
        ({"auto_refill": {"below_cents": 1, "amount_cents": 0}}, "amount_cents must be at least 1"),
    ],
)
async def test_an_odd_account_is_refused_by_name(
    client: httpx.AsyncClient, sandbox: Sandbox, change: dict[str, Any], said: str
) -> None:
    path = f"/_sandbox/wren/accounts/{sandbox.wren.live_token}"
    answer = await client.patch(path, json={"name": "Poor", **change})
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert sandbox.wren_api.accounts[sandbox.wren.live_token].name == "Sandbox team"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "give one of set, move, run"),
        ({"set": "2026-07-01T12:00:00Z", "run": True}, "give one of"),
        ({"jump": 1}, "'jump' is not known; it may be set, move, run"),
        ({"run": "yes"}, "run must be true"),
        ({"set": "noon"}, "set must be a time such as"),
        ({"set": "2026-07-01T12:00:00"}, "offset from UTC"),
        ({"set": "9999-12-31T23:59:59Z"}, "from 1970 to 8999"),
        ({"move": 1e16}, "move must be a number of seconds"),
        ({"move": 1e12}, "cannot be moved"),
        ({"move": -3e9}, "from 1970 to 8999"),
    ],
)
async def test_an_odd_time_is_refused_by_name(client: httpx.AsyncClient, change: dict[str, Any], said: str) -> None:
    answer = await client.put("/_sandbox/clock", json=change)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert (await client.get("/_sandbox/clock")).json()["stopped"] is False


@pytest.mark.parametrize("path", ["/requests?since=x", "/requests?since=" + "9" * 5000, "/faults/" + "9" * 5000])
async def test_odd_numbers_in_a_path_are_refused(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.request("DELETE" if "faults" in path else "GET", f"/_sandbox{path}")
    assert answer.status_code == (404 if "faults" in path else 400)


# Secrets


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("Authorization", "cnaught_secret", "…"),
        ("Authorization", "cnaught_secret and more", "…"),
        ("Authorization", "Bearer cnaught_secret", "Bearer …"),
        ("Authorization", "Bearer", "…"),
        ("Proxy-Authorization", "cnaught_secret", "…"),
        ("Cookie", "session=secret", "…"),
    ],
)
async def test_no_token_is_logged_with_or_without_a_scheme(
    client: httpx.AsyncClient, sandbox: Sandbox, name: str, value: str, kept: str
) -> None:
    await client.get("/api/portfolios", headers={name: value})
    assert sandbox.requests[0].headers[name.lower()] == kept
