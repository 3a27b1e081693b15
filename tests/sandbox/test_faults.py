"""Each fault, as a client on a real connection meets it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.loop_time import outlast, pass_time, turns, until
from wren_async.sandbox import Fault, FaultKind, Faults, Sandbox, When

ORDER = {"tons": 1, "note": "ref 1"}
OFFSET = "/api/offset-orders"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(check_answers=True) as running:
        yield running


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {sandbox.wren.live_token}"}
    async with httpx.AsyncClient(base_url=sandbox.wren.base_url, headers=headers, trust_env=False) as client:
        yield client


async def order(client: httpx.AsyncClient, **changes: Any) -> httpx.Response:
    return await client.post(OFFSET, json={**ORDER, **changes})


async def test_latency(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.faults.add("latency", seconds=30)
    client.timeout = httpx.Timeout(None)
    ordering = asyncio.create_task(order(client))
    await until(lambda: len(sandbox.requests))
    for seconds in (0, 28):
        pass_time(seconds)
        await turns()
        assert not ordering.done()
    pass_time(3)
    assert (await ordering).status_code == 200
    with pytest.raises(httpx.ReadTimeout):
        await outlast(20, client.post(OFFSET, json=ORDER, timeout=20))


async def test_a_slow_drip(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.faults.add("slow_drip", size=50, seconds=10)
    client.timeout = httpx.Timeout(None)
    ordering = asyncio.create_task(order(client))
    await until(lambda: len(sandbox.requests))
    pauses = 0
    while not ordering.done():
        await turns()
        pass_time(10)
        pauses += 1
    answer = await ordering
    assert answer.json()["tons"] == 1
    assert pauses >= len(answer.content) // 50


@pytest.mark.parametrize(
    ("status", "text"), [(402, "Insufficient credits"), (500, "Internal Server Error"), (599, "Status 599")]
)
async def test_any_status(sandbox: Sandbox, client: httpx.AsyncClient, status: int, text: str) -> None:
    sandbox.faults.add("status", status=status)
    answer = await order(client)
    assert (answer.status_code, answer.json()) == (status, {"message": text})


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["status", "proxy_error"])
async def test_a_5xx_before_and_after_the_commit(
    sandbox: Sandbox, client: httpx.AsyncClient, kind: str, when: str
) -> None:
    sandbox.faults.add(kind, when=when, retry_after=3)
    answer = await order(client)
    assert answer.status_code == (503 if kind == "status" else 502)
    assert answer.headers["Retry-After"] == "3"
    assert len(sandbox.orders) == (1 if when == "after" else 0)
    assert bool(sandbox.requests[0].changes) == (when == "after")
    assert sandbox.requests[0].fault == kind
    assert answer.headers["Content-Type"] == ("application/json" if kind == "status" else "text/html")


async def test_429_without_a_time(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.faults.add("rate_limit")
    answer = await order(client)
    assert (answer.status_code, answer.json()) == (429, {"message": "Too Many Requests"})
    assert "Retry-After" not in answer.headers
    assert sandbox.orders == []


async def test_429_with_seconds_a_date_or_any_text(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.clock.set(sandbox.clock.now() + timedelta(days=400))
    sandbox.faults.add("rate_limit", retry_after=7, times=1)
    sandbox.faults.add("rate_limit", retry_after=7, retry_after_date=True, times=1)
    sandbox.faults.add("rate_limit", retry_after="soon", times=1)
    assert (await order(client)).headers["Retry-After"] == "7"
    dated = (await order(client)).headers
    assert parsedate_to_datetime(dated["Retry-After"]) - parsedate_to_datetime(dated["Date"]) == timedelta(seconds=7)
    assert (await order(client)).headers["Retry-After"] == "soon"
    assert (await order(client)).status_code == 200


@pytest.mark.parametrize(("when", "placed"), [("unread", 0), ("before", 0), ("after", 1), ("mid_body", 1)])
async def test_resets(sandbox: Sandbox, client: httpx.AsyncClient, when: str, placed: int) -> None:
    sandbox.faults.add("reset", when=when, times=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await order(client)
    assert len(sandbox.orders) == placed
    assert (await order(client)).status_code == 200


async def test_half_an_answer_arrives_before_a_reset_in_mid_body(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.faults.add("reset", when="mid_body")
    async with client.stream("POST", OFFSET, json=ORDER) as answer:
        assert answer.status_code == 200
        pieces = answer.aiter_raw()
        received = await anext(pieces)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await anext(pieces)
    assert received.startswith(b'{"id"')
    assert len(received) == int(answer.headers["Content-Length"]) // 2


async def test_a_commit_after_the_connection_died(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.faults.add("late_commit", seconds=30, times=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await order(client)
    assert sandbox.orders == []
    await turns()
    pass_time(30)
    await until(lambda: sandbox.orders)
    assert [placed.reference for placed in sandbox.orders] == ["ref 1"]
    assert sandbox.requests[0].changes


async def test_a_late_commit_that_the_end_overtakes() -> None:
    async with Sandbox() as sandbox, httpx.AsyncClient(base_url=sandbox.wren.base_url, trust_env=False) as client:
        sandbox.faults.add("late_commit", seconds=30)
        headers = {"Authorization": f"Bearer {sandbox.wren.live_token}"}
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await client.post(OFFSET, json=ORDER, headers=headers)
    assert sandbox.orders == []


async def test_a_late_commit_that_a_reset_overtakes(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.faults.add("late_commit", seconds=30)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await order(client)
    assert sandbox.server.late_commits == 1
    await asyncio.to_thread(sandbox.reset)
    await until(lambda: sandbox.server.late_commits == 0)
    assert sandbox.orders == []


@pytest.mark.parametrize(("when", "placed"), [("before", 0), ("after", 1)])
async def test_no_answer_ever(sandbox: Sandbox, client: httpx.AsyncClient, when: str, placed: int) -> None:
    sandbox.faults.add("never_answer", when=when)
    ordering = asyncio.create_task(client.post(OFFSET, json=ORDER, timeout=20))
    await until(lambda: len(sandbox.requests))
    with pytest.raises(httpx.ReadTimeout):
        await outlast(20, ordering)
    assert len(sandbox.orders) == placed
    assert sandbox.requests[0].status is None


async def test_the_end_of_the_sandbox_ends_requests_without_answer(caplog: pytest.LogCaptureFixture) -> None:
    async with Sandbox() as sandbox, httpx.AsyncClient(base_url=sandbox.wren.base_url, trust_env=False) as client:
        sandbox.faults.add("never_answer", when="before", times=1)
        sandbox.faults.add("latency", seconds=30)
        headers = {"Authorization": f"Bearer {sandbox.wren.live_token}"}
        calls = [asyncio.create_task(client.post(OFFSET, json=ORDER, headers=headers)) for _ in range(2)]
        await until(lambda: len(sandbox.requests) == 2)
        await sandbox.stop_here()
        for call in calls:
            with pytest.raises(httpx.TransportError):
                await call
    assert caplog.records == []


async def test_json_that_is_not(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    for kind in ("malformed_json", "truncated_json"):
        sandbox.faults.add(kind, times=1)
        answer = await order(client)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        assert int(answer.headers["Content-Length"]) == len(answer.content)
        with pytest.raises(json.JSONDecodeError):
            answer.json()
    assert len(sandbox.orders) == 2
    assert isinstance(sandbox.requests[0].answer, dict)


async def test_a_wrong_content_type(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.faults.add("wrong_content_type", content_type="text/html")
    answer = await order(client)
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.json()["tons"] == 1


async def test_a_redirect(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.faults.add("redirect", location="https://elsewhere.example.com/", times=1)
    sandbox.faults.add("redirect", status=302)
    answer = await order(client)
    assert (answer.status_code, answer.headers["Location"]) == (307, "https://elsewhere.example.com/")
    answer = await order(client)
    assert (answer.status_code, answer.headers["Location"], answer.content) == (302, OFFSET, b"")
    assert sandbox.orders == []


async def test_a_concurrent_key(sandbox: Sandbox) -> None:
    sandbox.faults.add("concurrent_key", api="cnaught")
    headers = {"Authorization": f"Bearer {sandbox.cnaught.api_key}", "Idempotency-Key": "k"}
    async with httpx.AsyncClient(base_url=sandbox.cnaught.base_url, headers=headers, trust_env=False) as client:
        answer = await client.post("/orders", json={"amount_kg": 10})
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/idempotency-concurrent-requests")
    assert sandbox.orders == []


async def test_a_key_is_in_progress_while_its_request_is_delayed(sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {sandbox.cnaught.api_key}", "Idempotency-Key": "k"}
    options: dict[str, Any] = {"base_url": sandbox.cnaught.base_url, "headers": headers, "timeout": None}
    async with httpx.AsyncClient(**options, trust_env=False) as client:
        sandbox.faults.add("latency", seconds=30, times=1)
        first = asyncio.create_task(client.post("/orders", json={"amount_kg": 10}))
        await until(lambda: len(sandbox.requests))
        second = await client.post("/orders", json={"amount_kg": 10})
        await turns()
        pass_time(30)
        third = await first
        sandbox.faults.add("late_commit", seconds=30, times=1)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await client.post("/orders", json={"amount_kg": 20}, headers={"Idempotency-Key": "l"})
        fourth = await client.post("/orders", json={"amount_kg": 20}, headers={"Idempotency-Key": "l"})
        await turns()
        pass_time(30)
        await until(lambda: len(sandbox.orders) == 2)
        fifth = await client.post("/orders", json={"amount_kg": 20}, headers={"Idempotency-Key": "l"})
    assert [answer.status_code for answer in (second, third, fourth, fifth)] == [409, 201, 409, 201]
    assert fifth.headers["X-Idempotent-Replay"] == "true"
    assert len(sandbox.orders) == 2


async def test_a_stale_connection(sandbox: Sandbox) -> None:
    sandbox.faults.add("stale_connection", times=1)
    request = (
        f"GET {OFFSET} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {sandbox.wren.live_token}\r\n\r\n".encode()
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
    writer.write(request)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert len(sandbox.requests) == 1


async def test_connections_closed_on_accept(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    sandbox.faults.add("close_on_accept", times=1)
    with pytest.raises((httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)):
        await order(client)
    assert len(sandbox.requests) == 0
    assert (await order(client)).status_code == 200
    sandbox.faults.add("close_on_accept", nth=1)
    assert (await order(client)).status_code == 200, "an open connection is not touched"


async def test_rules_pick_by_operation_api_token_and_number(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    rule = sandbox.faults.add(
        FaultKind.STATUS, api="wren", operation="createOffsetOrder", token=sandbox.wren.live_token, nth=2, status=500
    )
    assert (await client.get(OFFSET)).status_code == 200
    other = {"Authorization": f"Bearer {sandbox.wren.personal_token}"}
    assert (await client.post(OFFSET, json=ORDER, headers=other)).status_code == 200
    assert [(await order(client)).status_code for _ in range(3)] == [200, 500, 200]
    assert (rule.seen, rule.applied) == (3, 1)
    assert sandbox.faults.remove(rule.id)
    assert not sandbox.faults.remove(rule.id)


async def test_faults_in_process_are_exceptions() -> None:
    sandbox = Sandbox()
    headers = {"Authorization": f"Bearer {sandbox.wren.live_token}"}
    transport = httpx.ASGITransport(sandbox.asgi)
    async with httpx.AsyncClient(transport=transport, base_url=sandbox.wren.base_url, headers=headers) as client:
        for when in ("unread", "before", "after", "mid_body"):
            sandbox.faults.add("reset", when=when, times=1)
            with pytest.raises(ConnectionResetError):
                await order(client)
        sandbox.faults.add("late_commit", seconds=30, times=1)
        with pytest.raises(ConnectionResetError):
            await order(client)
        assert len(sandbox.orders) == 2
        await turns()
        pass_time(30)
        await until(lambda: len(sandbox.orders) == 3)


def test_chance_depends_on_the_seed_alone() -> None:
    def drawn(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add("status", probability=0.5)
        return [faults.pick("wren", "createOffsetOrder", None) is not None for _ in range(64)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 10 < sum(drawn(1)) < 54


def test_the_first_rule_wins_and_all_count() -> None:
    faults = Faults(1)
    first, second = faults.add("status", times=1), faults.add("reset")
    assert [faults.pick("wren", "x", None) for _ in range(2)] == [first, second]
    assert (first.seen, second.seen, second.applied) == (2, 2, 1)


def test_what_cannot_be() -> None:
    sandbox = Sandbox()
    for wrong in (
        {"kind": "reset", "api": "stripe"},
        {"kind": "reset", "operation": "createOfsetOrder"},
        {"kind": "flood"},
        {"kind": "latency", "when": "before"},
        {"kind": "reset", "when": "never"},
        {"kind": "reset", "nth": 0},
        {"kind": "reset", "probability": 2},
        {"kind": "latency", "seconds": -1},
    ):
        with pytest.raises(ValueError, match=r".+"):
            sandbox.faults.add(**wrong)  # type: ignore[arg-type]
    assert Fault(kind="reset").when is When.AFTER
