"""A sandbox that survives in a file."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from wren_async.sandbox import Sandbox
from wren_async.sandbox.storage import Storage
from wren_async.sandbox.world import World


async def in_process(sandbox: Sandbox, method: str, path: str, body: Any = None, **headers: str) -> Any:
    token = sandbox.cnaught.api_key if path.startswith("/v1") else sandbox.wren.live_token
    transport = httpx.ASGITransport(sandbox.asgi)
    async with httpx.AsyncClient(transport=transport, base_url=sandbox.url) as client:
        sent = {"Authorization": f"Bearer {token}", **headers}
        answer = await client.request(method, path, json=body, headers=sent)
        assert answer.is_success or answer.is_redirect, answer.text
        return answer.json() if answer.content else None


async def use(sandbox: Sandbox) -> None:
    async def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
        return await in_process(sandbox, method, path, body, **headers)

    sandbox.clock.set(datetime(2026, 7, 1, 12, tzinfo=UTC))
    wren = [await call("POST", "/api/offset-orders", {"tons": 0.1, "paymentMethod": "credits"}) for _ in range(2)]
    await call("POST", "/api/offset-orders", {"tons": 1, "dryRun": True})
    await call("GET", "/api/offset-orders")
    sandbox.clock.move(5.25)
    await call("POST", "/api/credits/top-up", {"amountInUsdCents": 1000})
    test_token = {"Authorization": f"Bearer {sandbox.wren.test_token}"}
    await call("POST", "/api/tree-orders", {"amountOfTrees": 1, "paymentMethod": "credits"}, **test_token)
    await call("POST", "/api/tree-orders", {"amountOfTrees": 1, "paymentMethod": "credits"})
    sandbox.cancel(wren[0]["id"])
    sandbox.fulfil(wren[1]["id"])
    hook = {"notification_config": {"url": "https://shop.example.com/"}}
    cnaught = [await call("POST", "/v1/orders", {"amount_kg": 10.5, **hook}) for _ in range(2)]
    await call("POST", "/v1/orders", {"amount_kg": 30}, **{"Idempotency-Key": "k"})
    sandbox.cancel(cnaught[0]["id"])
    await call("POST", f"/_sandbox/cnaught/orders/{cnaught[1]['id']}/fulfil")
    await call("PATCH", "/_sandbox/behaviours/wren", {"rows_with_note": False, "exchange_rate": 0.5})
    token = "5a4db0c5-0000-4000-8000-00000000abcd"
    await call("POST", "/_sandbox/wren/accounts", {"token": token, "balance_cents": 7})
    await call("PATCH", f"/_sandbox/wren/accounts/{token}", {"card": "declined"})
    urls = {"success_url": "https://shop.example.com/", "cancel_url": "https://shop.example.com/"}
    session = await call("POST", "/v1/checkout/sessions", {"amount_kg": 100, **urls})
    await call("POST", f"/_sandbox/checkout/{session['id']}/complete")
    sandbox._state.keep("notified", {"id": 1, "status": 500})
    sandbox.cnaught_api.outbox.attempted(1, 500)
    sandbox._state.keep("notified", {"id": 2, "status": None})
    sandbox.cnaught_api.outbox.attempted(2, None)


async def test_everything_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.db"
    sandbox = Sandbox(file=file)
    await use(sandbox)
    await sandbox.stop_here()
    back = Sandbox(file=file)
    now = datetime(2026, 7, 1, 12, 1, tzinfo=UTC)
    sandbox.clock.set(now)
    back.clock.set(now)
    assert back.state() == sandbox.state()
    assert len(back.orders) == 7
    assert back.wren_api.behaviours.rows_with_note is False
    first = await in_process(back, "POST", "/v1/orders", {"amount_kg": 30}, **{"Idempotency-Key": "k"})
    assert first["id"] in [order.id for order in sandbox.orders], "the key is remembered"
    ids = [(await in_process(s, "POST", "/api/offset-orders", {"tons": 1}))["id"] for s in (sandbox, back)]
    assert ids[0] == ids[1]
    await sandbox.stop_here()
    await back.stop_here()


async def test_a_reset_clears_the_file(tmp_path: Path) -> None:
    sandbox = Sandbox(file=tmp_path / "sandbox.db")
    await in_process(sandbox, "POST", "/api/offset-orders", {"tons": 1})
    sandbox.reset()
    await sandbox.stop_here()
    with Sandbox(file=tmp_path / "sandbox.db") as again:
        assert again.orders == []


async def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    storage = Storage(path)
    storage.keep(World(), 0, "request", {})
    storage.close()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE event SET content = CAST('[]' AS BLOB)")
    with pytest.raises(ValueError, match="not one of the sandbox"):
        Sandbox(file=path)


def test_a_killed_process_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wren_async.sandbox", "--port", "0", "--json", "--file", str(tmp_path / "s.db")]
    placed: list[str] = []
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            wren = json.loads(process.stdout.readline())["wren"]
            headers = {"Authorization": f"Bearer {wren['live_token']}"}
            with httpx.Client(base_url=wren["base_url"], headers=headers, trust_env=False) as client:
                purchases = client.get("/api/purchases").json()["purchases"]
                assert [purchase["stripeChargeId"] for purchase in reversed(purchases)] == placed
                for _ in range(5):
                    placed.append(client.post("/api/offset-orders", json={"tons": 1}).json()["id"])
            os.kill(process.pid, signal.SIGKILL)
    assert len(set(placed)) == 15
