"""CNaught as a client meets it: through the server, with every answer held to the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from wren_async.sandbox import Sandbox
from wren_async.sandbox.cnaught import CNaughtApi


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(check_answers=True)


@pytest.fixture
def api(sandbox: Sandbox) -> CNaughtApi:
    return sandbox.cnaught_api


@pytest.fixture
async def client(sandbox: Sandbox, api: CNaughtApi) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(sandbox.asgi),
        base_url="http://127.0.0.1/v1",
        headers={"Authorization": f"Bearer {api.behaviours.live_key}"},
    ) as client:
        yield client


async def test_an_order_and_its_replay(client: httpx.AsyncClient) -> None:
    order = {"json": {"amount_kg": 100.5, "metadata": "m" * 512}, "headers": {"Idempotency-Key": "k"}}
    first = await client.post("/orders", **order)
    again = await client.post("/orders", **order)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "X-Idempotent-Replay" not in first.headers
    assert again.headers["X-Idempotent-Replay"] == "true"
    assert again.content == first.content
    assert first.json()["amount_kg"] == 100
    cancelled = await client.post(f"/orders/{first.json()['id']}/cancel")
    assert cancelled.json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "kind"),
    [
        ("POST", "/orders", {"json": {"amount_kg": 0}}, 400, "invalid-parameters"),
        ("POST", "/orders", {"json": {"amount_kg": 1, "total_price_usd_cents": 2}}, 400, "invalid-parameters"),
        ("POST", "/orders", {"json": {"amount_kg": 1, "metadata": "m" * 513}}, 400, "invalid-parameters"),
        ("POST", "/orders", {"json": {"amount_kg": 1e300}}, 400, "invalid-parameters"),
        ("POST", "/orders", {"content": b"{"}, 400, "invalid-parameters"),
        ("GET", "/orders?limit=0", {}, 400, "invalid-parameters"),
        ("GET", "/orders?starting_after=x", {}, 400, "invalid-pagination"),
        ("GET", "/orders?starting_after=x&ending_before=x", {}, 400, "invalid-pagination"),
        ("GET", "/orders", {"headers": {"X-Subaccount-Id": "x"}}, 400, "invalid-subaccount"),
        ("POST", "/orders/x/cancel", {"headers": {"Idempotency-Key": "k" * 513}}, 400, "idempotency-key-too-long"),
        ("POST", "/orders", {"json": {"amount_kg": 1, "portfolio_id": "mHvNvWbq"}}, 403, "forbidden"),
        ("GET", "/orders/%2E%2E%2Fx", {}, 404, "not-found"),
        ("GET", "/nothing", {}, 404, "not-found"),
        ("GET", "/orders", {"headers": {"Authorization": "Bearer x"}}, 401, None),
    ],
)
async def test_problems(
    client: httpx.AsyncClient, method: str, path: str, sent: dict[str, Any], status: int, kind: str | None
) -> None:
    answer = await client.request(method, path, **sent)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json().get("type", "").rpartition("/")[2] == (kind or "")


async def test_a_logo_goes_over_the_wire_as_bytes(client: httpx.AsyncClient) -> None:
    subaccount = (await client.post("/subaccounts", json={"name": "Marketing"})).json()["id"]
    path = f"/subaccounts/{subaccount}/logo"
    uploaded = await client.put(path, content=b"\x89PNG", headers={"Content-Type": "image/png"})
    assert uploaded.json()["logo_url"].endswith(".png")
    assert (await client.put(path, content=b"GIF", headers={"Content-Type": "image/gif"})).status_code == 415
    assert (await client.delete(f"/subaccounts/{subaccount}")).status_code == 204


async def test_an_order_by_price_that_is_written_with_a_fraction(client: httpx.AsyncClient) -> None:
    answer = await client.post("/orders", json={"total_price_usd_cents": 3190.0})
    assert answer.json()["amount_kg"] == 1595


@pytest.mark.parametrize("date", ["2026-07-01", "2026-07-01T00:00:00"])
async def test_a_bare_date_is_refused_or_taken(client: httpx.AsyncClient, api: CNaughtApi, date: str) -> None:
    refused = await client.get("/impact/data", params={"from": date})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["from"])
    api.behaviours.bare_dates = "take"
    taken = await client.get("/impact/data", params={"from": date, "to": "2026-07-02"})
    assert taken.json()["since_date"] == "2026-07-01T00:00:00.000000Z"
    assert taken.json()["to_date"] == "2026-07-02T00:00:00.000000Z"
    refused = await client.get("/impact/data", params={"from": "yesterday"})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["from"])


async def test_an_unknown_attribute_is_ignored_or_refused(client: httpx.AsyncClient, api: CNaughtApi) -> None:
    order = {"amount_kg": 10, "vintage": 2024}
    assert (await client.post("/orders", json=order)).status_code == 201
    api.behaviours.unknown_attributes = "refuse"
    refused = await client.post("/orders", json=order)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["vintage"])
    assert len((await client.get("/orders")).json()["data"]) == 1
